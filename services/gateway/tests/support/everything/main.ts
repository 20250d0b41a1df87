/** Runs the fixture by itself: `node tests/support/everything/main.ts [PORT]`. */
import { Everything } from "./server.ts";

const everything = await Everything.start({ port: Number(process.argv[2] ?? 0) });
process.stdout.write(`${everything.origin}/mcp\n`);
