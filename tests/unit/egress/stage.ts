import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer, type Server } from "node:net";

import { ORIGINS, RESOLVER, ZONE } from "./world";

/**
 * The world outside a companion, in the network namespace it is started in: addresses that answer with their own name, and
 * a name server. Says "ready" once everything listens; on end of input it ends. Every name that was asked for is
 * a line `asked <name>`.
 */
function answer(address: string, port: number): string {
    return `reached ${address} ${port}\n`;
}

/** HTTP that says where it is, and sends `/redirect?<url>` on to the URL. */
function httpOrigin(address: string, port: number): Server {
    return createHttpServer((request, response) => {
        const [path, target] = request.url?.split("?") ?? [];
        if (path === "/redirect") response.writeHead(302, { Location: target });
        response.end(answer(address, port));
    });
}

/** Speaks first, as database and mail servers do. */
function tcpOrigin(address: string, port: number): Server {
    return createTcpServer((socket) => {
        socket.on("error", () => socket.destroy());
        socket.end(answer(address, port));
    });
}

function listening(server: Server, address: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host: address, port, ipv6Only: address.includes(":") }, resolve);
    });
}

/** A resource record without its name, which is a pointer to that of the question. */
function record(address: string): Buffer {
    const v6 = address.includes(":");
    const data = v6 ? bytes6(address) : Buffer.from(address.split(".").map(Number));
    const head = Buffer.from("c00c0000000100000000", "hex");
    head.writeUInt16BE(v6 ? 28 : 1, 2);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(data.length);
    return Buffer.concat([head, length, data]);
}

function bytes6(address: string): Buffer {
    const [head = "", tail = ""] = address.split("::");
    const words = (text: string): string[] => text.split(":").filter((word) => word !== "");
    const zeros = Array<string>(8 - words(head).length - words(tail).length).fill("0");
    const full = [...words(head), ...zeros, ...words(tail)];
    return Buffer.from(full.map((word) => word.padStart(4, "0")).join(""), "hex");
}

/** Answers A and AAAA out of `ZONE` with a time to live of 0: one entry of it after the other at each question. */
function nameServer(): Promise<void> {
    const socket = createSocket("udp4");
    const turns = new Map<string, number>();
    socket.on("message", (query, from) => {
        const labels: string[] = [];
        let place = 12;
        for (let size = query[place] ?? 0; size > 0; size = query[place] ?? 0) {
            labels.push(query.toString("latin1", place + 1, place + 1 + size));
            place += size + 1;
        }
        const name = labels.join(".").toLowerCase();
        const type = query.readUInt16BE(place + 1);
        const key = `${name} ${type}`;
        const turn = turns.get(key) ?? 0;
        turns.set(key, turn + 1);
        process.stdout.write(`asked ${name}\n`);
        const answers = ZONE[name];
        const addresses = answers?.[turn % answers.length] ?? [];
        const records = addresses.filter((address) => address.includes(":") === (type === 28));
        const header = Buffer.from(query.subarray(0, 12));
        header.writeUInt16BE(answers === undefined ? 0x8183 : 0x8180, 2);
        header.writeUInt16BE(records.length, 6);
        header.writeUInt32BE(0, 8);
        const question = query.subarray(12, place + 5);
        socket.send(Buffer.concat([header, question, ...records.map(record)]), from.port);
    });
    return new Promise((resolve) => socket.bind(53, RESOLVER, resolve));
}

async function main(): Promise<void> {
    execFileSync("ip", ["link", "set", "lo", "up"]);
    for (const { address } of ORIGINS) {
        if (address.startsWith("127.") || address === "::1") continue;
        const bits = address.includes(":") ? 128 : 32;
        execFileSync("ip", ["address", "add", `${address}/${bits}`, "dev", "lo"]);
    }
    for (const { address, http, tcp } of ORIGINS) {
        for (const port of http) await listening(httpOrigin(address, port), address, port);
        for (const port of tcp) await listening(tcpOrigin(address, port), address, port);
    }
    await nameServer();
    process.stdout.write("ready\n");
    process.stdin.resume().once("end", () => process.exit(0));
}

void main();
