/**
 * Runs the fixture by itself: `node tests/support/everything/main.ts [PORT]`. As a container of a stack it listens where
 * that asks for it: MCP_PORT on every address, for MCP_ALLOWED_HOSTS.
 */
import { Everything } from "./server.ts";

const { MCP_PORT, MCP_ALLOWED_HOSTS = "" } = process.env;
const everything = await Everything.start(
    MCP_PORT === undefined
        ? { port: Number(process.argv[2] ?? 0) }
        : { port: Number(MCP_PORT), host: "0.0.0.0", names: MCP_ALLOWED_HOSTS.split(",") },
);
process.stdout.write(`${everything.origin}/mcp\n`);
