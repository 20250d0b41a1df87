/** ContextForge takes a server by its REST API, and calls with a token signed by its own secret. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as path from "node:path";
import { promisify } from "node:util";

import { answers, freePort, type Processes } from "./processes";

const ADMIN = "admin@example.com";
const TOKEN_MINUTES = "600";

/**
 * Starts ContextForge with its defaults and SQLite, its admin pages off, and registers the server.
 * @param bin folder of its Python environment's programs
 * @param url endpoint of the server
 */
export async function registerEcho(
    processes: Processes,
    bin: string,
    url: string,
): Promise<{ readonly url: string; readonly tool: string; readonly token: string }> {
    const secret = (): string => randomBytes(32).toString("hex");
    const env = {
        PATH: process.env.PATH ?? "",
        JWT_SECRET_KEY: secret(),
        AUTH_ENCRYPTION_SECRET: secret(),
        PLATFORM_ADMIN_EMAIL: ADMIN,
        PLATFORM_ADMIN_PASSWORD: `${secret()}Aa1!`,
        DATABASE_URL: `sqlite:///${path.join(processes.dir, "contextforge.db")}`,
        CACHE_TYPE: "memory",
        MCPGATEWAY_UI_ENABLED: "false",
        MCPGATEWAY_ADMIN_API_ENABLED: "false",
        // The server is on loopback, as all of this is.
        SSRF_ALLOW_LOCALHOST: "true",
        // The bench calls more often than it lets anyone.
        RATE_LIMITING_ENABLED: "false",
        TOOL_RATE_LIMIT: "100000000",
    };
    const port = String(await freePort());
    const base = `http://127.0.0.1:${port}`;
    await processes.start(
        {
            name: "contextforge",
            program: path.join(bin, "mcpgateway"),
            args: ["mcpgateway.main:app", "--host", "127.0.0.1", "--port", port],
            env,
        },
        () => answers(`${base}/health`),
    );
    const maker = ["-m", "mcpgateway.utils.create_jwt_token", "--username", ADMIN];
    const { stdout } = await promisify(execFile)(
        path.join(bin, "python"),
        [...maker, "--exp", TOKEN_MINUTES],
        { env, cwd: processes.dir },
    );
    const token = stdout.trim().split("\n").at(-1) ?? "";
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const body = JSON.stringify({ name: "echo", url, transport: "STREAMABLEHTTP" });
    const made = await fetch(`${base}/gateways`, { method: "POST", headers, body });
    if (!made.ok) throw new Error(`contextforge did not take the server: ${await made.text()}`);
    return { url: `${base}/mcp/`, tool: "echo-echo", token };
}
