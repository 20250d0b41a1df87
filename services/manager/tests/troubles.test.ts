import assert from "node:assert/strict";
import { after, afterEach, before } from "node:test";

import { Daemon, MOST_OPERATIONS } from "../src/daemon/daemon.ts";
import { classify } from "../src/daemon/errors.ts";
import { Stage, type Reply } from "./support/stage.ts";
import type { StandInContainer } from "./support/stand-in-container.ts";
import { timed } from "./support/timed.ts";

const SERVERS = Array.from({ length: MOST_OPERATIONS + 2 }, (_, index) => `s${index}-mcp`);

let stage: Stage;
before(async () => {
    stage = await Stage.open(SERVERS);
});
afterEach(() => {
    Object.assign(stage.daemon, { ignores: undefined, refuses: undefined });
});
after(() => stage.close());

function container(name: string): StandInContainer {
    const found = [...stage.daemon.containers.values()].find((one) => one.name === name);
    assert.ok(found);
    return found;
}

function times(request: string): number {
    return stage.daemon.requests.filter((one) => one === request).length;
}

function restart(name: string): Promise<Reply> {
    return stage.ask("POST", `/containers/${name}/restart?wait=0`);
}

/** Whether the manager has lost the daemon since it began. */
function lost(): boolean {
    return stage.lines.some((line) => line.includes("the daemon does not answer"));
}

timed("a container that cannot be inspected stays as it was, and is no lost daemon", async () => {
    const one = container("s0-mcp");
    const asked = `GET /containers/${one.id}/json`;
    for (const trouble of ["refuses", "ignores"] as const) {
        stage.daemon[trouble] = new RegExp(`^${asked}$`);
        const before = times(asked);
        stage.daemon.emit("health_status: healthy", one);
        await stage.until("asked again and again", () => times(asked) > before + 2);
        assert.equal((await stage.get("/containers/s0-mcp")).json.state, "running");
        stage.daemon[trouble] = undefined;
    }
    assert.ok(!lost());
});

timed("a container without labels and environment is shown", async () => {
    const bare = stage.daemon.add("bare", { Labels: null, Env: null, HostConfig: {} });
    stage.daemon.emit("start", bare);
    await stage.until(
        "it is seen",
        async () => (await stage.get("/containers/bare")).status === 200,
    );
    assert.equal((await stage.get("/containers/bare")).json.origin, "foreign");
    stage.daemon.containers.delete(bare.id);
    assert.ok(!lost());
});

timed("a version that is not told does not keep the daemon away", async () => {
    stage.daemon.refuses = /^GET \/version$/;
    await stage.daemon.down();
    await stage.until("lost", async () => (await stage.get("/ready")).status === 503);
    await stage.daemon.up();
    await stage.until("back", async () => (await stage.get("/ready")).status === 200);
    const version = async (): Promise<string> => {
        const { daemon } = (await stage.get("/status")).json;
        return daemon.reachable ? daemon.version : "";
    };
    assert.equal(await version(), "unknown");
    stage.daemon.refuses = undefined;
    await stage.until("told", async () => (await version()) === "28.0.0-stand-in");
});

timed("what is no error of the daemon is not taken for one", () => {
    assert.equal(classify(new TypeError("x is not iterable")), undefined);
    assert.equal(classify(new Error("out of thin air")), undefined);
    const code = "ERR_INVALID_ARG_TYPE";
    assert.equal(classify(Object.assign(new TypeError("bad"), { code })), undefined);
    const refused = Object.assign(new Error("no"), { code: "ECONNREFUSED" });
    assert.equal(classify(refused)?.trouble, "unreachable");
});

timed(
    "long operations leave room for the sampler and for short calls, and end in busy",
    async () => {
        stage.lines.length = 0;
        stage.daemon.ignores = /^POST .*\/restart$/;
        const restarts = SERVERS.slice(0, MOST_OPERATIONS).map(restart);
        await stage.until(
            "all are under way",
            () =>
                stage.daemon.requests.filter((one) => stage.daemon.ignores?.test(one)).length >=
                MOST_OPERATIONS,
        );
        const begun = performance.now();
        const beyond = await restart(SERVERS[MOST_OPERATIONS] ?? "");
        assert.deepEqual([beyond.status, beyond.json.error], [503, "daemon-busy"]);
        assert.equal((await stage.ask("POST", "/cleanup")).status, 200);
        assert.ok(performance.now() - begun < 2_000);
        // Longer than the sampler waits for an answer.
        const samples = times("GET /containers/json");
        await stage.until("sampled on", () => times("GET /containers/json") > samples + 8, 15_000);
        assert.equal((await stage.get("/ready")).status, 200);
        assert.ok(!lost());
        const answers = await Promise.all(restarts);
        assert.deepEqual([...new Set(answers.map(({ json }) => json.error))], ["daemon-timeout"]);
        stage.daemon.ignores = undefined;
        assert.equal((await restart("s0-mcp")).status, 200);
    },
);

timed("a call that never got its turn is busy, and turns are given back", async () => {
    const daemon = new Daemon({ url: new URL(stage.daemon.url), certsDir: stage.dir });
    stage.daemon.ignores = /^GET \/networks$/;
    const call = (): Promise<unknown> =>
        daemon
            .call((docker, abort) => docker.listNetworks(abort), 500)
            .then(
                () => "answered",
                (error: unknown) => classify(error)?.trouble,
            );
    const troubles = await Promise.all(Array.from({ length: 16 }, call));
    const eight = (trouble: string): string[] => Array<string>(8).fill(trouble);
    assert.deepEqual(troubles, [...eight("timeout"), ...eight("busy")]);
    stage.daemon.ignores = undefined;
    assert.equal(await call(), "answered");
    daemon.close();
});
