/** Many clients: sockets and memory stay where they were. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";

import { check, eventually } from "./support/check.ts";
import { initialize, post, POST, raw, sessionClient, textOf } from "./support/clients.ts";
import { Everything } from "./support/everything/server.ts";
import { ANYONE, Gateway } from "./support/gateway.ts";

const MIB = 2 ** 20;
const CLIENTS = 50;
const CALLS = 20;
const SESSIONS = 200;
const CYCLES = 10_000;
/** Cycles before the first look: what the first ones cost once is not what each leaves behind. */
const FIRST_CYCLES = 2_000;
/** Cycles under way at a time. */
const AT_ONCE = 20;
/** A minute on two idle cores. */
const CYCLES_MS = 600_000;
/** Heap spaces as in a small container: what is garbage is collected, so that growth is growth. */
const SMALL = { env: { NODE_OPTIONS: "--max-old-space-size=96 --max-semi-space-size=2" } };

/** Open files of a process, sockets among them. */
function files(pid: number): number {
    return readdirSync(`/proc/${pid}/fd`).length;
}

check(
    "50 clients of 20 calls each, three times over: every answer right, nothing left",
    async (t) => {
        const everything = await Everything.start();
        t.after(() => everything.close());
        const servers = [{ name: "one", url: everything.origin }];
        const gateway = await Gateway.ready(t, { servers, clients: [ANYONE] }, SMALL);
        const round = async (): Promise<void> => {
            const clients = await Promise.all(
                Array.from({ length: CLIENTS }, (_, n) =>
                    sessionClient(t, n % 2 === 0 ? gateway.url("one") : gateway.url()),
                ),
            );
            await Promise.all(
                clients.map(async (client, n) => {
                    const name = n % 2 === 0 ? "echo" : "one__echo";
                    for (let call = 0; call < CALLS; call += 1) {
                        const value = `${n}/${call}`;
                        const answer = await client.callTool({ name, arguments: { value } });
                        assert.equal(textOf(answer), JSON.stringify({ value }));
                    }
                }),
            );
            await Promise.all(
                clients.map(async (client) => {
                    const { transport } = client;
                    if (transport && "terminateSession" in transport) {
                        await (transport.terminateSession as () => Promise<void>)();
                    }
                    await client.close();
                }),
            );
        };
        await round();
        await eventually("exchanges over", async () =>
            /exchanges 0$/m.test(await gateway.metrics()),
        );
        const sessions = everything.sessions.size;
        const [before, memory] = [files(gateway.pid), gateway.resident()];
        for (let n = 0; n < 2; n += 1) await round();
        await eventually("exchanges over", async () =>
            /exchanges 0$/m.test(await gateway.metrics()),
        );
        assert.equal(everything.sessions.size, sessions);
        const grown = (gateway.resident() - memory) / MIB;
        t.diagnostic(`files ${before} -> ${files(gateway.pid)}, memory +${grown.toFixed(1)} MiB`);
        await eventually("sockets as before", () => files(gateway.pid) <= before + 10);
        assert.ok(grown < 20, `${grown.toFixed(1)} MiB more after two more rounds`);
        assert.equal(gateway.audit().length, 3 * CLIENTS * CALLS);
    },
);

for (const { what, path } of [
    { what: "one server", path: "/servers/one/mcp" },
    { what: "all servers", path: "/mcp" },
]) {
    check(
        `200 idle sessions with ${what} cost less than 0.2 MiB each, streams included`,
        async (t) => {
            const everything = await Everything.start();
            t.after(() => everything.close());
            const servers = [{ name: "one", url: everything.origin }];
            const gateway = await Gateway.ready(t, { servers, clients: [ANYONE] }, SMALL);
            const url = `${gateway.origin}${path}`;
            const abort = new AbortController();
            t.after(() => abort.abort());
            const open = async (): Promise<void> => {
                const { headers } = await initialize(url);
                const session = { "Mcp-Session-Id": String(headers["mcp-session-id"]) };
                const body = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
                await raw(url, { method: "POST", headers: { ...POST, ...session }, body });
                const accept = { ...session, Accept: "text/event-stream" };
                const stream = await fetch(url, { headers: accept, signal: abort.signal });
                assert.equal(stream.status, 200);
            };
            // What the first sessions cost once is not what each costs.
            for (let n = 0; n < 20; n += 1) await open();
            const before = gateway.resident();
            for (let n = 0; n < SESSIONS; n += 1) await open();
            const each = (gateway.resident() - before) / SESSIONS / MIB;
            t.diagnostic(`${each.toFixed(3)} MiB a session`);
            assert.ok(each < 0.2, `${each.toFixed(3)} MiB a session`);
            assert.equal((await post(url, "tools/list")).status, 200);
        },
    );
}

check(
    `${CYCLES} clients that connect, open a session, end it and leave: nothing of them stays`,
    async (t) => {
        const everything = await Everything.start();
        t.after(() => everything.close());
        const servers = [{ name: "one", url: everything.origin }];
        const gateway = await Gateway.ready(t, { servers, clients: [ANYONE] }, SMALL);
        // A connection of its own for each request: the helper's default is no agent.
        const cycle = async (n: number): Promise<void> => {
            const url = n % 2 === 0 ? gateway.url("one") : gateway.url();
            const { status, headers: given } = await initialize(url);
            assert.equal(status, 200);
            const headers = { "Mcp-Session-Id": String(given["mcp-session-id"]) };
            assert.equal((await raw(url, { method: "DELETE", headers })).status, 200);
        };
        const cycles = async (count: number): Promise<void> => {
            let next = 0;
            const lane = async (): Promise<void> => {
                while (next < count) await cycle((next += 1));
            };
            await Promise.all(Array.from({ length: AT_ONCE }, lane));
            await eventually("exchanges over", async () =>
                /exchanges 0$/m.test(await gateway.metrics()),
            );
        };
        await cycles(FIRST_CYCLES);
        const sessions = everything.sessions.size;
        const [before, memory] = [files(gateway.pid), gateway.resident()];
        await cycles(CYCLES);
        await eventually("sockets as before", () => files(gateway.pid) <= before + 10);
        const grown = (gateway.resident() - memory) / MIB;
        t.diagnostic(`files ${before} -> ${files(gateway.pid)}, memory +${grown.toFixed(1)} MiB`);
        assert.equal(everything.sessions.size, sessions);
        assert.doesNotMatch(await gateway.metrics(), /^mcp_gateway_sessions\{/m);
        // Two kibibytes a cycle would be more.
        assert.ok(grown < 20, `${grown.toFixed(1)} MiB more after ${CYCLES} cycles`);
    },
    CYCLES_MS,
);
