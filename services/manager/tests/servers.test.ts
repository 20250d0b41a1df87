import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";

import { IMAGE, OPERATE, Stage, type Reply } from "./support/stage.ts";
import { timed } from "./support/timed.ts";

let stage: Stage;
before(async () => {
    stage = await Stage.open(["files-mcp"]);
});
after(() => stage.close());

function manifest(name: string, port: number, more = ""): string {
    return `# kept with its comment
apiVersion: mcp/v1
kind: MCPContainer
metadata:
  name: ${name}
spec:
  build: bridge
  command: ["node", "server.js"]
  port: ${port}
  egress: none
${more}`;
}

/** What the gateway reads. */
function routes(): unknown[] {
    return JSON.parse(readFileSync(join(stage.dir, "routes.json"), "utf8")) as unknown[];
}

function create(text: string, type = "application/yaml"): Promise<Reply> {
    return stage.ask("POST", "/containers?wait=5", { body: text, type });
}

timed("a manifest becomes a container within the bar, and gives its text back", async () => {
    const text = manifest(
        "notes-mcp",
        13_050,
        "  volumes: [{ source: shared, path: /notes, readOnly: true }]\n",
    );
    const { status, json, headers } = await create(text);
    assert.equal(status, 201, JSON.stringify(json));
    assert.equal(headers.get("location"), "/containers/notes-mcp");
    assert.equal(json.health, "healthy");
    const view = (await stage.get("/containers/notes-mcp")).json;
    assert.equal(view.origin, "api");
    assert.equal(view.port, 13_050);
    const made = [...stage.daemon.containers.values()].find(({ name }) => name === "notes-mcp");
    assert.ok(made);
    const { host } = made;
    assert.equal(made.config.User, "1001:1001");
    assert.equal(made.config.Image, IMAGE);
    assert.deepEqual(host.CapDrop, ["ALL"]);
    assert.deepEqual(host.SecurityOpt, ["no-new-privileges"]);
    assert.equal(host.ReadonlyRootfs, true);
    assert.equal(host.Init, true);
    assert.equal(host.Runtime, "mcp-runc");
    assert.equal(host.Memory, host.MemorySwap);
    assert.equal(host.CpuQuota, 50_000);
    assert.equal(host.NetworkMode, "mcp-closed");
    assert.deepEqual(host.RestartPolicy, { Name: "unless-stopped" });
    assert.equal(host.PortBindings, undefined);
    assert.deepEqual(host.Mounts, [
        { Type: "volume", Source: "mcp-shared-data", Target: "/notes", ReadOnly: true },
    ]);
    assert.equal(made.labels?.["mcp.managed-by"], "mcp-manager");
    const kept = await stage.get("/containers/notes-mcp/manifest");
    assert.equal(kept.text, text);
    await stage.until("the gateway is told", () => routes().length === 1);
    assert.deepEqual(routes(), [
        {
            ...{ name: "notes-mcp", url: "http://notes-mcp:3000", path: "/mcp", port: 13_050 },
            tools: { allow: ["*"], deny: [] },
        },
    ]);
});

timed("name and port that are taken end with 409, and nothing is made", async () => {
    const before = stage.daemon.containers.size;
    const name = await create(manifest("files-mcp", 13_060));
    assert.deepEqual([name.status, name.json.error], [409, "name-taken"]);
    const port = await create(manifest("other-mcp", 13_001));
    assert.deepEqual([port.status, port.json.error], [409, "port-taken"]);
    assert.match(port.json.detail, /files-mcp/);
    assert.equal(stage.daemon.containers.size, before);
});

timed(
    "a port that only the daemon knows is taken ends with 409, without half a container",
    async () => {
        const message =
            "driver failed programming external connectivity: port is already allocated";
        stage.daemon.startFails = { status: 500, body: { message } };
        const before = stage.daemon.containers.size;
        const { status, json } = await create(manifest("half-mcp", 13_061));
        stage.daemon.startFails = undefined;
        assert.deepEqual([status, json.error], [409, "daemon-conflict"]);
        assert.equal(stage.daemon.containers.size, before);
    },
);

timed("JSON is taken as well, and given back as YAML", async () => {
    const body = {
        apiVersion: "mcp/v1",
        kind: "MCPContainer",
        metadata: { name: "json-mcp" },
        spec: { build: "bridge", command: ["node"], port: 13_051 },
    };
    assert.equal((await create(JSON.stringify(body), "application/json")).status, 201);
    const kept = await stage.get("/containers/json-mcp/manifest");
    assert.match(kept.text, /^apiVersion: mcp\/v1\nkind: MCPContainer\n/);
});

timed("what a manifest may not say ends with 422, each problem with its place", async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
        [manifest("s-mcp", 13_070, "  secrets: [{ name: dsn, from: postgres.dsn }]\n"), /secrets/],
        [manifest("s-mcp", 13_070).replace("egress: none", 'egress: ["*:443"]'), /spec\.egress/],
        [manifest("s-mcp", 13_070).replace("build: bridge", "build: dbhub"), /not on this/],
        [manifest("s-mcp", 13_070).replace("build: bridge", "image: nginx:latest"), /spec\.image/],
        [manifest("s-mcp", 80), /spec\.port/],
        [manifest("manager", 13_070), /part of the system/],
        [manifest("s-mcp", 13_070, "  privileged: true\n"), /not a known field/],
        ["# nothing", /empty/],
        ["not: [a, manifest", /manifest:1/],
    ];
    for (const [text, words] of cases) {
        const { status, json } = await create(text);
        assert.equal(status, 422, `${String(words)} ${JSON.stringify(json)}`);
        assert.match(json.detail, words);
    }
});

timed("a request without a manifest is told so", async () => {
    const { status, json } = await stage.ask("POST", "/containers");
    assert.deepEqual([status, json.error], [400, "no-manifest"]);
});

timed("bombs end with 4xx quickly", async () => {
    const begun = performance.now();
    const laughs = ["a: &a [x, x, x, x, x, x, x, x, x]"];
    for (const [index, name] of [..."bcdefghi"].entries()) {
        const before = "abcdefghi"[index];
        laughs.push(
            `${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(", ")}]`,
        );
    }
    const bombs: readonly (readonly [string, string])[] = [
        [laughs.join("\n"), "application/yaml"],
        ["[".repeat(10_000), "application/yaml"],
        ["[".repeat(10_000), "application/json"],
        [`a: "${"x".repeat(200_000)}"`, "application/yaml"],
        [`a: "${"x".repeat(1_000_000)}"`, "application/yaml"],
        [manifest("b-mcp", 13_080), "text/html"],
        [`{"__proto__": {"polluted": true}}`, "application/json"],
    ];
    for (const [body, type] of bombs) {
        const { status } = await create(body, type);
        assert.ok(status >= 400 && status < 500, `${body.slice(0, 20)}: ${status}`);
    }
    assert.ok(performance.now() - begun < 5_000);
    assert.equal((await stage.get("/health")).status, 200);
});

timed("an image by digest is pulled when it is absent", async () => {
    const ref = `example.org/mcp@sha256:${"b".repeat(64)}`;
    const text = manifest("pulled-mcp", 13_052).replace("build: bridge", `image: ${ref}`);
    assert.equal((await create(text)).status, 201);
    assert.ok(stage.daemon.requests.includes("POST /images/create"));
});

timed("only what the API made is removed; the others name what to edit", async () => {
    const pulumis = await stage.ask("DELETE", "/containers/files-mcp");
    assert.deepEqual([pulumis.status, pulumis.json.error], [409, "managed-by-pulumi"]);
    assert.match(pulumis.json.remedy, /manifests\/files-mcp\.yml.*\.\/mcp up/);
    assert.equal((await stage.get("/containers/files-mcp/manifest")).status, 409);
    assert.equal((await stage.ask("DELETE", "/containers/notes-mcp")).status, 200);
    await stage.until("the gateway is told", () => !/notes-mcp/.test(JSON.stringify(routes())));
    assert.equal((await stage.get("/containers/notes-mcp")).status, 404);
    assert.equal((await stage.ask("DELETE", "/containers/notes-mcp")).status, 404);
});

timed("a restart waits for health, counts, and is told as an event", async () => {
    const { status, json } = await stage.ask("POST", "/containers/files-mcp/restart?wait=5");
    assert.equal(status, 200);
    assert.deepEqual([json.state, json.health], ["running", "healthy"]);
    await stage.until("counted", async () => {
        const { json: view } = await stage.get("/containers/files-mcp");
        return view.restarts === 1 && view.mcp?.up === true;
    });
    stage.daemon.startsAs = "starting";
    const slow = await stage.ask("POST", "/containers/files-mcp/restart?wait=1");
    stage.daemon.startsAs = "healthy";
    assert.deepEqual([slow.status, slow.json.health], [200, "starting"]);
    assert.ok(slow.json.seconds >= 1);
});

timed("two operations on one container do not meet", async () => {
    stage.daemon.startsAs = "starting";
    const ask = (): Promise<Reply> => stage.ask("POST", "/containers/files-mcp/restart?wait=1");
    const answers = await Promise.all([ask(), ask()]);
    stage.daemon.startsAs = "healthy";
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
});

timed("usage and limits are those of the daemon", async () => {
    await stage.until(
        "usage is known",
        async () => (await stage.get("/containers/files-mcp")).json.usage !== undefined,
        15_000,
    );
    const { usage, limits } = (await stage.get("/containers/files-mcp")).json;
    assert.equal(usage?.memoryBytes, 70_000_000);
    assert.equal(usage?.pids, 19);
    assert.ok((usage?.cpus ?? 0) > 0 && (usage?.cpus ?? 1) < 1);
    assert.deepEqual(limits, { memoryBytes: 268_435_456, cpus: 0.5, pids: 256 });
});

timed("cleanup shows what is left over, and removes that alone", async () => {
    const { daemon } = stage;
    daemon.add("stray", { Image: IMAGE, Labels: {}, HostConfig: {}, Env: [] });
    daemon.add("x.secrets", {
        Image: IMAGE,
        Labels: {
            ...{ "mcp.managed": "true", "mcp.managed-by": "sutazai-mcp" },
            "mcp.component": "server-secrets",
        },
        HostConfig: {},
    });
    daemon.volumes.set("f".repeat(64), { Name: "f".repeat(64), Labels: null });
    daemon.volumes.set("kept", { Name: "kept", Labels: null });
    daemon.networks.set("n1", { Id: "n1", Name: "left", Labels: {} });
    daemon.networks.set("n2", { Id: "n2", Name: "mcp-closed", Labels: { "mcp.managed": "true" } });
    daemon.networks.set("n3", { Id: "n3", Name: "bridge", Labels: {} });
    const dry = await stage.ask("POST", "/cleanup");
    const names = (reply: Reply): string[] =>
        reply.json.found.map(({ kind, name }) => `${kind} ${name}`);
    const expected = ["container stray", `volume ${"f".repeat(64)}`, "network left"];
    assert.deepEqual(names(dry), expected);
    assert.ok([...daemon.containers.values()].some(({ name }) => name === "stray"));
    const wet = await stage.ask("POST", "/cleanup?dryRun=false", { token: OPERATE });
    assert.deepEqual(names(wet), expected);
    assert.ok(wet.json.found.every(({ removed }) => removed));
    const left = [...daemon.containers.values()].map(({ name }) => name);
    assert.ok(!left.includes("stray") && left.includes("x.secrets") && left.includes("files-mcp"));
    assert.deepEqual([...daemon.volumes.keys()], ["kept"]);
    assert.deepEqual([...daemon.networks.keys()], ["n2", "n3"]);
});
