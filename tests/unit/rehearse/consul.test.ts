import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { rehearseDown } from "../../../cli/rehearse";
import { CREATORS } from "../../../cli/rehearse/creators";
import { Ledger } from "../../../cli/rehearse/ledger";
import { Run } from "../../../cli/rehearse/run";
import { fakeConsul, type Answer, type FakeConsul } from "../../support/fake-consul";

const TOKEN = "11111111-2222-3333-4444-555555555555";
const dir = mkdtempSync(join(tmpdir(), "rehearse-test-"));
const ledgerFile = join(dir, "ledger");

let run: Run;
let fake: FakeConsul;
let answer: Answer;
/** As Consul answers when all is well: nothing there yet, everything accepted. */
const well: Answer = ({ method, path }) => {
    if (method === "GET" && path.startsWith("/v1/catalog/node/"))
        return { status: 200, body: null };
    if (method === "POST") return { status: 200, body: { ID: "query-id" } };
    if (method === "GET" && path === "/v1/query") {
        return {
            status: 200,
            body: [
                { ID: "query-id", Name: "mcp-" },
                { ID: "x", Name: "other" },
            ],
        };
    }
    return { status: 200, body: true };
};

beforeAll(async () => {
    fake = await fakeConsul((asked) => answer(asked));
});
beforeEach(() => {
    rmSync(ledgerFile, { force: true });
    run = new Run(Ledger.start(ledgerFile), dir);
    fake.asked.length = 0;
    answer = well;
});
afterAll(() => {
    fake.close();
    rmSync(dir, { recursive: true });
});

async function create(type: string, inputs: Record<string, unknown>, provider = "") {
    const creator = CREATORS.get(type);
    if (creator === undefined) throw new Error(`no creator of ${type}`);
    return creator({ type, name: "logical", inputs, provider: `urn::${provider}` }, run);
}
const provider = async (): Promise<string> => {
    const { host } = new URL(fake.url);
    const inputs = { address: host, scheme: "http", token: TOKEN, datacenter: "dc1" };
    return (await create("pulumi:providers:consul", inputs)).id;
};
const NODE = { name: "orch", address: "10.89.0.2", meta: { stack: "dev" } };
const SERVICE = {
    ...{ node: "orch", name: "files-mcp", serviceId: "files-mcp", address: "10.89.0.2" },
    ...{ port: 13002, tags: ["mcp"], meta: { path: "/mcp" } },
    checks: [{ checkId: "mcp:files-mcp", name: "MCP health", interval: "2s", timeout: "7s" }],
};
const QUERY = { name: "mcp-", service: "${match(1)}", onlyPassing: true, tags: ["mcp"] };

async function everything(): Promise<void> {
    const id = await provider();
    await create("consul:index/node:Node", NODE, id);
    await create("consul:index/service:Service", SERVICE, id);
    await create("consul:index/preparedQuery:PreparedQuery", QUERY, id);
}
const asked = (): string[] => fake.asked.map(({ method, path }) => `${method} ${path}`);

test("registers node, service with its check at critical, and query, with the provider's token", async () => {
    await everything();
    expect(asked()).toEqual([
        "GET /v1/catalog/node/orch",
        "PUT /v1/catalog/register",
        "PUT /v1/catalog/register",
        "POST /v1/query",
    ]);
    expect(new Set(fake.asked.map(({ token }) => token))).toEqual(new Set([TOKEN]));
    expect(fake.asked[2]?.body).toMatchObject({
        Node: "orch",
        SkipNodeUpdate: true,
        Service: { ID: "files-mcp", Port: 13002, Address: "10.89.0.2" },
        Checks: [{ CheckID: "mcp:files-mcp", Status: "critical", ServiceID: "files-mcp" }],
    });
});

test("down deregisters all of it, the newest first, and the ledger never held the token", async () => {
    await everything();
    expect(readFileSync(ledgerFile, "utf8")).not.toContain(TOKEN);
    fake.asked.length = 0;
    expect(await rehearseDown({ ledgerFile, consulToken: TOKEN })).toEqual({ removed: 3 });
    expect(asked()).toEqual([
        "GET /v1/query",
        "DELETE /v1/query/query-id",
        "PUT /v1/catalog/deregister",
        "PUT /v1/catalog/deregister",
    ]);
    expect(fake.asked.slice(2).map(({ body }) => body)).toEqual([
        { Node: "orch", ServiceID: "files-mcp" },
        { Node: "orch" },
    ]);
    expect(new Set(fake.asked.map(({ token }) => token))).toEqual(new Set([TOKEN]));
    expect(Ledger.open(ledgerFile)).toBeUndefined();
});

test("a node that somebody else has registered is refused, and not removed", async () => {
    answer = () => ({ status: 200, body: { Node: { Node: "orch" } } });
    const node = create("consul:index/node:Node", NODE, await provider());
    await expect(node).rejects.toThrow(
        'a node "orch" is registered that this rehearsal did not make',
    );
    expect(run.ledger.list()).toEqual([]);
});

test("what Consul refuses is not listed; what it may have got is", async () => {
    const id = await provider();
    answer = () => ({ status: 403, body: "Permission denied" });
    const refused = create("consul:index/service:Service", SERVICE, id);
    await expect(refused).rejects.toThrow("403 Permission denied");
    expect(run.ledger.list()).toEqual([]);
    answer = () => undefined;
    await expect(create("consul:index/service:Service", SERVICE, id)).rejects.toThrow("ECONNRESET");
    expect(run.ledger.list()).toMatchObject([{ kind: "registration", name: "files-mcp" }]);
});

test("a Consul that is gone keeps its registrations listed, to be removed when it is back", async () => {
    await everything();
    answer = () => undefined;
    await expect(rehearseDown({ ledgerFile })).rejects.toThrow("not everything could be removed");
    expect(Ledger.open(ledgerFile)?.list()).toHaveLength(3);
    answer = well;
    expect(await rehearseDown({ ledgerFile })).toEqual({ removed: 3 });
});

test("what is registered in a container of this rehearsal goes with it, and is not listed", async () => {
    const { hostname, port } = new URL(fake.url);
    const published = [{ ip: hostname, external: Number(port) }];
    run.homes.push({ name: "consul", socket: "/run/test.sock", published, addresses: [] });
    await everything();
    expect(run.ledger.list()).toEqual([]);
});

test("a resource needs an explicit provider, a provider an address, and nothing is left out in silence", async () => {
    await expect(create("consul:index/node:Node", NODE)).rejects.toThrow(
        "no explicit consul.Provider",
    );
    await expect(create("pulumi:providers:consul", {})).rejects.toThrow("it names no address");
    const odd = create(
        "consul:index/service:Service",
        { ...SERVICE, weights: {} },
        await provider(),
    );
    await expect(odd).rejects.toThrow("does not know weights");
});
