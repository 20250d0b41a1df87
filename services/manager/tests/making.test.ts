import assert from "node:assert/strict";
import { after, afterEach, before } from "node:test";

import { isPublicRegistry, registryOf } from "../src/servers/image.ts";
import { MOST_API_SERVERS, refuseWithoutRoom } from "../src/servers/room.ts";
import { Stage, type Reply } from "./support/stage.ts";
import type { StandInContainer } from "./support/stand-in-container.ts";
import { server } from "./support/still-fleet.ts";
import { timed } from "./support/timed.ts";

const DIGEST = `sha256:${"b".repeat(64)}`;

let stage: Stage;
before(async () => {
    stage = await Stage.open(["files-mcp"]);
});
afterEach(() => {
    Object.assign(stage.daemon, { ignores: undefined, silent: undefined, pullFails: undefined });
});
after(() => stage.close());

function create(name: string, port: number, more: object = {}): Promise<Reply> {
    const body = JSON.stringify({
        apiVersion: "mcp/v1",
        kind: "MCPContainer",
        metadata: { name },
        spec: { build: "bridge", command: ["node"], port, egress: "none", ...more },
    });
    return stage.ask("POST", "/containers?wait=5", { body, type: "application/json" });
}

function pull(name: string, port: number, ref: string): Promise<Reply> {
    return create(name, port, { build: undefined, image: `${ref}@${DIGEST}` });
}

function named(name: string): StandInContainer | undefined {
    return [...stage.daemon.containers.values()].find((one) => one.name === name);
}

timed("a server that has ended is removed like any other", async () => {
    assert.equal((await create("ended-mcp", 13_100)).status, 201);
    const made = named("ended-mcp");
    assert.ok(made);
    made.state = "exited";
    stage.daemon.emit("die", made, { exitCode: "1" });
    await stage.until("seen", async () => {
        return (await stage.get("/containers/ended-mcp")).json.state === "exited";
    });
    const { status, json } = await stage.ask("DELETE", "/containers/ended-mcp");
    assert.equal(status, 200, JSON.stringify(json));
    assert.equal(named("ended-mcp"), undefined);
});

timed("a creation whose answer does not come leaves nothing, and its error is told", async () => {
    stage.daemon.silent = /^POST \/containers\/create$/;
    const { status, json } = await create("mute-mcp", 13_101);
    assert.deepEqual([status, json.error], [504, "daemon-timeout"]);
    assert.ok(stage.daemon.requests.includes("POST /containers/create"));
    assert.equal(named("mute-mcp"), undefined);
    stage.daemon.silent = undefined;
    assert.equal((await create("mute-mcp", 13_101)).status, 201);
    assert.equal((await stage.ask("DELETE", "/containers/mute-mcp")).status, 200);
});

timed("a failed removal does not hide why the server was not made", async () => {
    stage.daemon.startFails = { status: 500, body: { message: "port is already allocated" } };
    stage.daemon.refuses = /^DELETE /;
    const { status, json } = await create("first-mcp", 13_102);
    Object.assign(stage.daemon, { startFails: undefined, refuses: undefined });
    assert.deepEqual([status, json.error], [409, "daemon-conflict"]);
    await stage.until("what is left is seen", async () => {
        return (await stage.get("/containers/first-mcp")).json.state === "created";
    });
    const found = async (): Promise<string[]> => {
        const reply = await stage.ask("POST", "/cleanup");
        return reply.json.found.map(({ name, why }) => `${name}: ${why}`);
    };
    // Young as it is, somebody may be about to start it.
    assert.deepEqual(await found(), []);
    Object.assign(named("first-mcp") ?? {}, { created: Date.now() / 1000 - 90 });
    assert.deepEqual(await found(), ["first-mcp: made through the API and never started"]);
    const wet = await stage.ask("POST", "/cleanup?dryRun=false");
    assert.deepEqual(
        wet.json.found.map(({ removed }) => removed),
        [true],
    );
    assert.equal(named("first-mcp"), undefined);
});

timed("cleanup does not remove what was started in between", async () => {
    stage.daemon.startsAs = "starting";
    const young = stage.daemon.add("race-mcp", {
        Labels: { "mcp.managed": "true", "mcp.managed-by": "mcp-manager" },
        HostConfig: {},
    });
    young.created -= 90;
    // Listed as created, running when it is to be removed.
    Object.defineProperty(young, "state", {
        configurable: true,
        get: () =>
            stage.daemon.requests.at(-1) === `DELETE /containers/${young.id}`
                ? "running"
                : "created",
    });
    const { json } = await stage.ask("POST", "/cleanup?dryRun=false");
    assert.deepEqual(
        json.found.map(({ name, removed }) => `${name} ${removed}`),
        ["race-mcp false"],
    );
    assert.ok(named("race-mcp"));
    stage.daemon.containers.delete(young.id);
    stage.daemon.startsAs = "healthy";
});

timed("nothing is pulled from addresses and inner names; what is there is used", async () => {
    const refs = ["127.0.0.1:2375/x", "consul.service.consul:8500/x", "manager:8080/x"];
    for (const ref of [...refs, "localhost/x", "registry.example.org:2376/x"]) {
        const { status, json } = await pull("inner-mcp", 13_103, ref);
        assert.deepEqual([status, json.error], [422, "image-refused"], ref);
    }
    assert.ok(!stage.daemon.requests.includes("POST /images/create"));
    stage.daemon.images.add(`localhost/x@${DIGEST}`);
    assert.equal((await pull("inner-mcp", 13_103, "localhost/x")).status, 201);
    assert.ok(!stage.daemon.requests.includes("POST /images/create"));
});

timed("registries are told apart by their names", () => {
    const open = [
        "ghcr.io",
        "docker.io",
        "registry-1.docker.io",
        "a.xn--p1ai",
        "r.example.org:5000",
    ];
    for (const registry of open) assert.ok(isPublicRegistry(registry), registry);
    const closed = [
        ...["10.0.0.1", "127.1", "0x7f.1", "2130706433", "localhost", "registry:5000", "a.consul"],
        ...["a.CONSUL", "x.local", "x.internal", "home.arpa", "a..org", "-a.org", "[::1]", "::1"],
        ...["r.example.org:2375", "r.example.org:8500", "r.example.org:22", "r.example.org:", ""],
    ];
    for (const registry of closed) assert.ok(!isPublicRegistry(registry), registry);
    assert.equal(registryOf(`nginx@${DIGEST}`), "docker.io");
    assert.equal(registryOf(`library/nginx@${DIGEST}`), "docker.io");
    assert.equal(registryOf(`manager:8080/x@${DIGEST}`), "manager:8080");
    assert.equal(registryOf(`localhost/x@${DIGEST}`), "localhost");
});

timed("a failed pull is told by its class, without the daemon's words", async () => {
    for (const [said, told] of [
        ["dial tcp 10.89.0.3:443: connect: connection refused", /the image cannot be pulled/],
        ["manifest unknown: geheim", /no such image/],
        ["write /var/lib: no space left on device", /disk of the daemon is full/],
    ] as const) {
        stage.daemon.pullFails = said;
        const { status, text, json } = await pull("far-mcp", 13_104, "example.org/mcp");
        assert.deepEqual([status, json.error], [502, "pull-failed"]);
        assert.match(json.detail, told);
        assert.doesNotMatch(text, /10\.89|refused|geheim|var/);
    }
    assert.equal(named("far-mcp"), undefined);
});

timed("questions for images give their turns back", async () => {
    stage.daemon.ignores = /^GET \/images\//;
    const many = Array.from({ length: 8 }, (_, index) =>
        pull(`hung${index}-mcp`, 13_110 + index, "example.org/mcp"),
    );
    const answers = await Promise.all(many);
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [504]);
    assert.equal((await stage.ask("POST", "/cleanup")).status, 200);
});

timed("servers have to fit into the orchestrator, also those made at the same time", async () => {
    const cpus = await create("wide-mcp", 13_120, { resources: { cpus: 4.5 } });
    assert.deepEqual([cpus.status, cpus.json.error], [409, "too-many-cpus"]);
    const resources = { memory: "6Gi" };
    const both = await Promise.all([
        create("large-mcp", 13_121, { resources }),
        create("larger-mcp", 13_122, { resources }),
        create("largest-mcp", 13_123, { resources }),
    ]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [201, 201, 409]);
    const refused = both.find(({ status }) => status === 409)?.json;
    assert.equal(refused?.error, "no-memory-left");
    assert.match(refused.detail, /6144 MiB; \d{5} of 15872 MiB .* 16384 without 512/);
});

timed("of two made at the same time with one port or one name, one is made", async () => {
    const ports = await Promise.all([create("left-mcp", 13_140), create("right-mcp", 13_140)]);
    assert.deepEqual(ports.map(({ status }) => status).sort(), [201, 409]);
    const refused = ports.find(({ status }) => status === 409)?.json;
    assert.equal(refused?.error, "port-taken");
    const kept = named("left-mcp") ? "left-mcp" : "right-mcp";
    assert.equal(refused.detail, `port 13140 belongs to ${kept}`);
    assert.equal((await stage.ask("DELETE", `/containers/${kept}`)).status, 200);
    const names = await Promise.all([create("same-mcp", 13_141), create("same-mcp", 13_142)]);
    assert.deepEqual(names.map(({ status, json }) => `${status} ${json.error}`).sort(), [
        "201 undefined",
        "409 busy",
    ]);
    assert.equal((await stage.ask("DELETE", "/containers/same-mcp")).status, 200);
    // What failed keeps nothing back.
    stage.daemon.startFails = { status: 500, body: { message: "no" } };
    assert.equal((await create("failing-mcp", 13_140)).status, 502);
    stage.daemon.startFails = undefined;
    assert.equal((await create("next-mcp", 13_140)).status, 201);
    assert.equal((await stage.ask("DELETE", "/containers/next-mcp")).status, 200);
});

timed("servers of the API are counted, those being made as well", () => {
    const limits = { cpus: 4, memoryMb: 1_000_000 };
    const api = Array.from({ length: MOST_API_SERVERS - 1 }, (_, index) =>
        server(`s${index}`, { origin: "api" }),
    );
    const others = Array.from({ length: 60 }, (_, index) => server(`p${index}`));
    const wanted = { cpus: 1, memoryMb: 512 };
    const making = new Map([["new-mcp", { memoryMb: 512, port: 13_130 }]]);
    refuseWithoutRoom(wanted, limits, [...api, ...others], new Map());
    const refusal = { status: 409, code: "too-many-servers" };
    assert.throws(() => refuseWithoutRoom(wanted, limits, api, making), refusal);
    const all = [...api, server("new-mcp", { origin: "api" })];
    assert.throws(() => refuseWithoutRoom(wanted, limits, all, new Map()), refusal);
});
