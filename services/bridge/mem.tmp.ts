import { readFileSync } from "node:fs";
import { Bridge } from "./tests/support/bridge.ts";
import { POST, raw, rawInitialize } from "./tests/support/clients.ts";
import http from "node:http";
const t = { after: () => {} } as never;
const env: Record<string,string> = { NODE_OPTIONS: process.env.OPTS ?? "--max-semi-space-size=1", BRIDGE_MAX_SESSIONS: "5000" };
const anon = (pid: number) => { const s = readFileSync(`/proc/${pid}/status`, "utf8"); return `rss ${(Number(/VmRSS:\s+(\d+)/.exec(s)![1])/1024).toFixed(0)} anon ${(Number(/RssAnon:\s+(\d+)/.exec(s)![1])/1024).toFixed(0)}`; };
const many = async (n: number, par: number, f: (i: number) => Promise<unknown>) => { let i = 0; await Promise.all(Array.from({ length: par }, async () => { while (i < n) await f(i++); })); };
const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
const which = process.argv[2];
const b = await Bridge.listening(t, { env });
await rawInitialize(b);
console.log(which, "start", anon(b.pid), "child", anon(b.childPid));
if (which === "sessions") for (let k = 0; k < 3; k++) { await many(500, 8, () => rawInitialize(b)); console.log("after +500 sessions", anon(b.pid)); }
if (which === "refused") for (let k = 0; k < 4; k++) { await many(1500, 8, async () => { const r = await rawInitialize(b, { Accept: "application/json" }); if (r.status !== 406) throw new Error(String(r.status)); }); console.log("after +1500 refused", anon(b.pid)); }
if (which === "calls" || which === "modern") {
  const id = String((await rawInitialize(b)).headers["mcp-session-id"]);
  const meta = { "io.modelcontextprotocol/clientCapabilities": {}, "io.modelcontextprotocol/clientInfo": { name: "r", version: "1" }, "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
  for (let k = 0; k < 5; k++) { await many(4000, 4, async (i) => { const params = which === "modern" ? { name: "echo", arguments: { text: "x" }, _meta: meta } : { name: "echo", arguments: { text: "x" } };
    const headers: Record<string,string> = which === "modern" ? { ...POST, "Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "echo" } : { ...POST, "Mcp-Session-Id": id };
    const r = await raw(b.url, { method: "POST", headers, body: JSON.stringify({ jsonrpc: "2.0", id: i + 10, method: "tools/call", params }) }); if (r.status !== 200) throw new Error(r.status + r.body); }); console.log("after +4000", anon(b.pid)); }
}
if (which === "bodies") { const id = String((await rawInitialize(b)).headers["mcp-session-id"]); const body = JSON.stringify({ jsonrpc: "2.0", id: 9, method: "tools/call", params: { name: "fail", arguments: { text: "x".repeat(4_190_000) } } });
  for (const par of [1, 4, 8, 16]) { await many(par * 2, par, async () => { const r = await raw(b.url, { method: "POST", headers: { ...POST, "Mcp-Session-Id": id }, body }); if (r.status !== 200) throw new Error(String(r.status)); }); console.log("after", par, "at once", anon(b.pid), "child", anon(b.childPid)); } }
if (which === "replies") { const id = String((await rawInitialize(b)).headers["mcp-session-id"]);
  for (const par of [1, 4, 8, 16]) { await many(par * 2, par, async (i) => { const r = await raw(b.url, { method: "POST", headers: { ...POST, "Mcp-Session-Id": id }, body: JSON.stringify({ jsonrpc: "2.0", id: i+20, method: "tools/call", params: { name: "big", arguments: { bytes: 4_100_000 } } }) }); if (r.status !== 200) throw new Error(String(r.status)); }); console.log("after", par, "at once", anon(b.pid), "child", anon(b.childPid)); } }
await b.kill(); process.exit(0);
