import { lostRegistrations, meshLine, meshStates } from "../../../cli/stack/mesh";
import type { StateResource } from "../../../cli/engine/pulumi";
import { PORTS } from "../../../config/defaults";
import type { StackContext } from "../../../components/stack-context";
import { fakeConsul, type FakeConsul } from "../../support/fake-consul";
import { manifest, stackContext } from "../../support/fixtures";

const FILES = manifest({}, { name: "files-mcp" });
const SQL = manifest({ port: 13006 }, { name: "sql-mcp" });

/** Services with the status of their check; a node that is not there is `undefined`. */
type Catalog = Readonly<Record<string, string>> | undefined;

let catalog: Catalog;
let query: number;
let status: number;
let fake: FakeConsul;
let context: StackContext;

beforeAll(async () => {
    fake = await fakeConsul(({ path }) => {
        if (status !== 200) return { status, body: "no" };
        const names = Object.keys(catalog ?? {});
        if (path.startsWith("/v1/query/")) return { status: query, body: {} };
        if (path.startsWith("/v1/health/node/")) {
            const checks = names.map((name) => ({
                ServiceID: name,
                Status: catalog?.[name],
                Output: `${name} said so\n`,
                Notes: "",
            }));
            return { status, body: checks };
        }
        const Services = names.map((name) => ({
            ID: name,
            Service: name,
            Address: "10.89.0.2",
            Port: 1,
            Tags: null,
            Meta: null,
        }));
        return { status, body: catalog ? { Services } : null };
    });
    const base = stackContext({});
    // The stack's own Consul, published where the stand-in listens.
    const portOffset = Number(new URL(fake.url).port) - PORTS.consul.host;
    context = { ...base, settings: { ...base.settings, portOffset } };
});
beforeEach(() => {
    [catalog, query, status] = [{}, 200, 200];
});
afterAll(() => {
    fake.close();
});

const resource = (kind: string, id: string, outputs = {}): StateResource => ({
    urn: `urn:pulumi:dev::p::consul:index/${kind}::${id}`,
    type: `consul:index/${kind}`,
    id,
    outputs,
});
const STATE = [
    resource("node:Node", "sutazai-mcp-orchestrator"),
    resource("service:Service", "files-mcp"),
    resource("service:Service", "sql-mcp"),
    resource("preparedQuery:PreparedQuery", "uuid", { name: "mcp-" }),
    { urn: "urn:pulumi:dev::p::docker:index/container:Container::x", type: "docker:x", id: "x" },
];

const lost = async (): Promise<(string | undefined)[]> =>
    (await lostRegistrations(context, STATE)).map(({ id }) => id);

describe("what is lost", () => {
    test("is nothing when everything is there", async () => {
        catalog = { "files-mcp": "passing", "sql-mcp": "critical" };
        expect(await lost()).toEqual([]);
    });

    test("is a service that is not there any more", async () => {
        catalog = { "files-mcp": "passing" };
        expect(await lost()).toEqual(["sql-mcp"]);
    });

    test("is all of a node that is gone, and a query that is gone", async () => {
        [catalog, query] = [undefined, 404];
        expect(await lost()).toEqual(["sutazai-mcp-orchestrator", "files-mcp", "sql-mcp", "uuid"]);
    });

    test.each([403, 500])(
        "is nothing where Consul says %d: it must not empty the state",
        async (said) => {
            [catalog, status] = [undefined, said];
            expect(await lost()).toEqual([]);
        },
    );
});

describe("how the servers are", () => {
    test("is what their checks say, and that one is missing", async () => {
        catalog = { "files-mcp": "critical" };
        const states = await meshStates(context, [FILES, SQL], 0);
        expect(states).toEqual([
            { server: "files-mcp", state: "critical", reason: "files-mcp said so" },
            { server: "sql-mcp", state: "missing", reason: "not registered" },
        ]);
        expect(meshLine(states)).toBe(
            "Consul: 0 of 2 servers pass; files-mcp is critical (files-mcp said so); sql-mcp is missing (not registered)",
        );
    });

    test("is waited for, and no longer than it takes", async () => {
        catalog = { "files-mcp": "critical" };
        setTimeout(() => (catalog = { "files-mcp": "passing" }), 300);
        const states = await meshStates(context, [FILES], 20_000);
        expect(meshLine(states)).toBe("Consul: 1 of 1 servers pass");
    });

    test("is not known when Consul cannot be asked, and the line says why", async () => {
        status = 500;
        expect(meshLine(await meshStates(context, [FILES], 0))).toMatch(/^Consul: GET .* 500 no$/);
    });
});

test("an external Consul that shows nothing without a token has lost nothing, and the line says so", async () => {
    catalog = undefined;
    const address = new URL(fake.url).host;
    const consul = { mode: "external", address, scheme: "http" } as const;
    const external = { ...context, settings: { ...context.settings, consul } };
    expect(await lostRegistrations(external, STATE)).toEqual([]);
    expect(meshLine(await meshStates(external, [FILES], 0))).toContain("(CONSUL_HTTP_TOKEN)");
});
