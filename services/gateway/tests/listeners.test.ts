/** The ports of servers while one configuration follows another. */
import assert from "node:assert/strict";
import { createServer } from "node:http";

import { parseConfig, type Config } from "../src/config.ts";
import { Listeners } from "../src/listeners.ts";
import { createLogger } from "../src/log.ts";
import { check } from "./support/check.ts";
import { freePort } from "./support/ports.ts";

function configOf(ports: Record<string, number>): Config {
    const servers = Object.entries(ports).map(([name, port]) => {
        return { name, port, url: "http://127.0.0.1:9" };
    });
    return parseConfig(JSON.stringify({ servers, clients: [] }));
}

check(
    "the last configuration decides, also when it comes while ports are being closed",
    async (t) => {
        const [first, second] = [await freePort(), await freePort()];
        const listeners = new Listeners({
            host: "127.0.0.1",
            createServer: (own) => createServer((_req, res) => res.end(own)),
            log: createLogger("silent"),
        });
        t.after(() => {
            listeners.stop();
            listeners.close();
        });
        await listeners.configure(configOf({ one: first }));
        assert.equal(await (await fetch(`http://127.0.0.1:${first}/`)).text(), "one");
        await Promise.all([
            listeners.configure(configOf({ two: second })),
            listeners.configure(configOf({})),
        ]);
        for (const port of [first, second])
            await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
    },
);
