/** What the manager says of Consul and the edge. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import {
    consulProblem,
    edgeProblem,
    watchNeighbour,
    type Check,
    type NeighbourState,
} from "../src/fleet/neighbours.ts";
import { Stage } from "./support/stage.ts";
import { timed } from "./support/timed.ts";

interface Neighbour {
    readonly url: URL;
    readonly asked: string[];
    readonly close: () => void;
}

/** A neighbour that answers everything alike. */
async function neighbour(t: TestContext, status: number, text: string): Promise<Neighbour> {
    const asked: string[] = [];
    const server = createServer((request, response) => {
        asked.push(request.url ?? "");
        response.writeHead(status, { location: "/elsewhere" }).end(text);
    });
    const close = (): void => {
        server.close();
        server.closeAllConnections();
    };
    t.after(close);
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    return { url: new URL(`http://127.0.0.1:${port}`), asked, close };
}

/** What is known after the first answer. */
async function known(t: TestContext, url: URL, check: Check): Promise<NeighbourState> {
    const stop = new AbortController();
    t.after(() => stop.abort());
    const state = watchNeighbour(url, check, stop.signal);
    assert.deepEqual(state(), { configured: true });
    while (state().reachable === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    return state();
}

const WELL = { configured: true, reachable: true };

timed("one that is not configured is neither reachable nor unreachable", () => {
    const state = watchNeighbour(undefined, edgeProblem, AbortSignal.abort());
    assert.deepEqual(state(), { configured: false });
});

timed(
    "an edge that answers for itself is reachable, without following where it sends",
    async (t) => {
        for (const status of [200, 308, 401, 404]) {
            const { url, asked } = await neighbour(t, status, "");
            assert.deepEqual(await known(t, url, edgeProblem), WELL, String(status));
            assert.deepEqual(asked, ["/"]);
        }
    },
);

timed("an edge that fails or is away is not, with the reason", async (t) => {
    const { url, close } = await neighbour(t, 502, "");
    assert.deepEqual(await known(t, url, edgeProblem), {
        ...{ configured: true, reachable: false },
        reason: "HTTP 502",
    });
    close();
    const { reachable, reason } = await known(t, url, edgeProblem);
    assert.equal(reachable, false);
    assert.match(reason ?? "", /connection refused/);
});

timed("a Consul agent is reachable when it knows a leader", async (t) => {
    const { url, asked } = await neighbour(t, 200, '"10.89.0.9:8300"');
    assert.deepEqual(await known(t, url, consulProblem), WELL);
    assert.deepEqual(asked, ["/v1/status/leader"]);
    const alone = await neighbour(t, 200, '""');
    assert.equal((await known(t, alone.url, consulProblem)).reason, "it has no leader");
    const broken = await neighbour(t, 500, "no");
    assert.equal((await known(t, broken.url, consulProblem)).reason, "HTTP 500");
});

timed("the status tells of the edge that MANAGER_EDGE_URL names", async (t) => {
    const { url } = await neighbour(t, 200, "");
    const stage = await Stage.open([], { MANAGER_EDGE_URL: url.origin });
    t.after(() => stage.close());
    const edge = async (): Promise<unknown> => {
        const { text } = await stage.get("/status");
        return (JSON.parse(text) as { edge: unknown }).edge;
    };
    await stage.until("it is reachable", async () => "reachable" in ((await edge()) as object));
    assert.deepEqual(await edge(), WELL);
    const { consul } = JSON.parse((await stage.get("/status")).text) as { consul: unknown };
    assert.deepEqual(consul, { configured: false });
});
