import { spawn } from "node:child_process";
import {
    mkdtempSync,
    readdirSync,
    readFileSync,
    readlinkSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import * as os from "node:os";
import * as path from "node:path";

import { CADDY_COMMAND, CADDY_ENVIRONMENT, renderCaddy } from "../../../config/edge/caddy";
import { EDGE_PATHS, type EdgePlan } from "../../../config/edge/model";
import type { KeyPair } from "../../support/certificates";
import { send } from "../../support/edge/client";
import { StandInGateway } from "../../support/edge/gateway";
import { waitFor, type EdgeUnderTest } from "../../support/edge/suite";

/** A real Caddy as a process, in front of a stand-in. */
export interface CaddyUnderTest extends EdgeUnderTest {
    /** URL of `/metrics` and `/status/ready`. */
    readonly status: string;
    /** Addresses it listens on, like `127.0.0.1:8100` or `*:8000`, sorted. */
    listening(): string[];
}

const START_MS = 20_000;

/** What a test changes about it. */
export interface CaddyOptions {
    /** Certificate of 127.0.0.1 with its authority, when the plan has TLS. */
    readonly certificate?: KeyPair & { readonly ca: string };
    /** Changes the rendered configuration, such as a time that is too long to wait for. */
    readonly edit?: (caddyfile: string) => string;
}

/** Starts Caddy with the command and environment of its container, on free ports and in a folder of its own. */
export async function startCaddy(
    plan: EdgePlan,
    { certificate, edit = (caddyfile) => caddyfile }: CaddyOptions = {},
): Promise<CaddyUnderTest> {
    const [listenPort, statusPort] = [await freePort(), await freePort()];
    const gateway = await StandInGateway.open();
    const folder = mkdtempSync(path.join(os.tmpdir(), "mcp-caddy-"));
    const file = (name: string): string => path.join(folder, name);
    const tls = { certFile: file("cert.pem"), keyFile: file("key.pem") };
    const here: EdgePlan = {
        ...plan,
        listenPort,
        metrics: { port: statusPort },
        upstream: { ...plan.upstream, host: "127.0.0.1", port: gateway.port },
        tls: plan.tls && { ...plan.tls, ...tls },
    };
    writeFileSync(file("Caddyfile"), edit(renderCaddy(here)));
    writeFileSync(tls.certFile, certificate?.cert ?? "");
    writeFileSync(tls.keyFile, certificate?.key ?? "", { mode: 0o600 });
    const [program = "", ...args] = CADDY_COMMAND.map((word) =>
        word === EDGE_PATHS.caddyConfig ? file("Caddyfile") : word,
    );
    const folders = Object.entries(CADDY_ENVIRONMENT).map(
        ([key, value]) => [key, value.replace(EDGE_PATHS.scratch, folder)] as const,
    );
    const child = spawn(program, args, {
        stdio: ["ignore", "pipe", "pipe"],
        env: { PATH: process.env["PATH"], ...Object.fromEntries(folders) },
    });
    let log = "";
    for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => (log += text));
    }
    const ended = once(child, "close");
    const caddy: CaddyUnderTest = {
        base: `${plan.tls === undefined ? "http" : "https"}://127.0.0.1:${listenPort}`,
        ...(certificate === undefined ? {} : { ca: certificate.ca }),
        status: `http://127.0.0.1:${statusPort}`,
        gateway,
        log: () => log,
        listening: () => listeningSockets(child.pid ?? 0),
        close: async () => {
            child.kill("SIGTERM");
            await ended;
            rmSync(folder, { recursive: true, force: true });
        },
    };
    try {
        await waitFor("Caddy", START_MS, async () => {
            if (child.exitCode !== null) throw new Error(`Caddy ended: ${log}`);
            const asked = send(caddy, { method: "GET", path: "/mcp" });
            return (await asked.catch(() => ({ status: 0 }))).status === 200;
        });
    } catch (error) {
        await caddy.close();
        await gateway.close();
        throw error;
    }
    return caddy;
}

async function freePort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, "close");
    return port;
}

/** What a process listens on by TCP, read from the kernel. */
function listeningSockets(pid: number): string[] {
    const LISTEN = "0A";
    const open = new Set(
        readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)),
    );
    const found = ["tcp", "tcp6"].flatMap((table) =>
        readFileSync(`/proc/${pid}/net/${table}`, "utf8")
            .split("\n")
            .map((line) => line.trim().split(/\s+/))
            .filter(([, , , state, , , , , , inode]) => {
                return state === LISTEN && open.has(`socket:[${inode}]`);
            })
            .map(([, local = ""]) => {
                const [address = "", port = ""] = local.split(":");
                const host = address === "0100007F" ? "127.0.0.1" : "*";
                return `${host}:${Number.parseInt(port, 16)}`;
            }),
    );
    return found.sort();
}
