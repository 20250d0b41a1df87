import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";

import { PROJECT_DIR } from "./cli";
import type { Door } from "./clients";
import type { TestStack } from "./stack";

const GATEWAY = path.join(PROJECT_DIR, "services", "gateway");
const SUITE = path.join(
    ...[GATEWAY, "node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js"],
);

/** Base64 that fits into one argument of a command. */
const CHUNK = 96 * 1024;

/** Bundles the conformance fixture of services/gateway and puts it onto the stack's shared volume. */
export async function putFixture(stack: TestStack, file: string): Promise<void> {
    const { stdout } = await promisify(execFile)(
        path.join(GATEWAY, "node_modules", ".bin", "esbuild"),
        [
            path.join("tests", "support", "everything", "main.ts"),
            ...["--bundle", "--minify", "--platform=node", "--format=esm", "--target=node22"],
            '--banner:js=import{createRequire}from"node:module";const require=createRequire(import.meta.url);',
        ],
        { cwd: GATEWAY, encoding: "buffer", maxBuffer: 64 * 1024 * 1024 },
    );
    const text = stdout.toString("base64");
    await stack.run("sh", "-c", `: >${file}`);
    for (let at = 0; at < text.length; at += CHUNK) {
        const part = text.slice(at, at + CHUNK);
        await stack.run("sh", "-c", `printf %s "$1" | base64 -d >>${file}`, "sh", part);
    }
}

/** Stands before an endpoint and adds the token, which the conformance suite cannot; the rest goes on as it comes. */
export async function withToken(
    { url, token }: Door,
    port: number,
): Promise<{ url: string; server: Server }> {
    const target = new URL(url);
    const server = createServer((incoming, outgoing) => {
        const headers = { ...incoming.headers, authorization: `Bearer ${token}` };
        const sent = request(target, { method: incoming.method, headers });
        sent.on("response", (answer) => {
            outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
            outgoing.flushHeaders();
            answer.pipe(outgoing);
        });
        sent.on("error", () => outgoing.destroy());
        outgoing.on("close", () => sent.destroy());
        incoming.pipe(sent);
    });
    await new Promise<void>((resolve, reject) => {
        server.once("error", reject).listen(port, "127.0.0.1", resolve);
    });
    return { url: `http://127.0.0.1:${String(port)}${target.pathname}`, server };
}

/** Scenarios by how they ended. */
export interface Verdict {
    readonly passed: readonly string[];
    readonly failed: readonly string[];
    /** What the suite printed, for a failure. */
    readonly output: string;
}

/** Runs every server scenario that a revision of the specification asks for. */
export async function runConformance(url: string, revision: string): Promise<Verdict> {
    const cwd = mkdtempSync(path.join(tmpdir(), "conformance-"));
    const suite = spawn(
        process.execPath,
        [SUITE, "server", "--url", url, "--requirements", revision],
        { cwd, stdio: ["ignore", "pipe", "pipe"] },
    );
    let output = "";
    for (const stream of [suite.stdout, suite.stderr]) {
        stream.on("data", (part: Buffer) => (output += part.toString()));
    }
    await new Promise((resolve) => suite.once("close", resolve));
    rmSync(cwd, { recursive: true, force: true });
    const [, summary = ""] = output.split("=== SUMMARY ===");
    const lines = [...summary.matchAll(/^([✓✗]) ([\w-]+):/gm)];
    const names = (mark: string): string[] =>
        lines.filter(([, own]) => own === mark).map(([, , name = ""]) => name);
    return { passed: names("✓"), failed: names("✗"), output };
}
