import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import * as fc from "fast-check";

import {
    exposedProblems,
    nameProblems,
    portProblems,
    providerProblems,
    secretProblems,
} from "../support/invariants";
import { runProgram, type Ran } from "../support/program";

/** Modules without state of a program: loaded once, so that a program takes a fraction of a second. */
const SHARED = ["@pulumi/docker", "@pulumi/pulumi", "@pulumi/tls", "ajv", "yaml", "zod"];
const SECRET_KEY = "apiToken";
const SECRET = "plaintext-of-the-stacks-own-secret";

interface Server {
    readonly name: string;
    readonly spec: Readonly<Record<string, unknown>>;
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "graph-property-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Runs the whole program, anew each time, on these manifests. */
async function program(
    servers: readonly Server[],
    config: Readonly<Record<string, string>> = {},
): Promise<Ran> {
    const manifestsDir = fs.mkdtempSync(path.join(folder, "manifests-"));
    for (const { name, spec } of servers) {
        const document = { apiVersion: "mcp/v1", kind: "MCPContainer", metadata: { name }, spec };
        fs.writeFileSync(path.join(manifestsDir, `${name}.yml`), JSON.stringify(document));
    }
    let ran: Ran | undefined;
    await jest.isolateModulesAsync(async () => {
        ran = await runProgram(
            "property",
            { imageSource: "registry", manifestsDir, [SECRET_KEY]: SECRET, ...config },
            [SECRET_KEY],
        );
    });
    if (ran === undefined) throw new Error("the program did not run");
    return ran;
}

function problems({ recorder }: Ran): string[] {
    return [
        ...providerProblems(recorder),
        ...nameProblems(recorder),
        ...portProblems(recorder),
        ...exposedProblems(recorder),
        ...secretProblems(recorder, [SECRET]),
    ];
}

beforeAll(() => {
    for (const name of SHARED) {
        const loaded: unknown = jest.requireActual(name);
        jest.doMock(name, () => loaded);
    }
});

const source = fc.oneof(
    fc.constantFrom("bridge", "dbhub").map((build) => ({ build, command: ["node", "main.mjs"] })),
    fc.constant({ image: `registry.example/x@sha256:${"5e".repeat(32)}` }),
);

const spec = fc
    .record({
        source,
        secrets: fc.uniqueArray(
            fc.record({
                name: fc.constantFrom("dsn", "token", "key"),
                from: fc.constantFrom("postgres.dsn", `config.${SECRET_KEY}`),
            }),
            { selector: ({ name }) => name, maxLength: 3 },
        ),
        egress: fc.constantFrom("none", ["*:443"], ["postgres:5432", "api.example.com:443"]),
        volumes: fc.constantFrom([], [{ source: "shared", path: "/data" }]),
        containerPort: fc.constantFrom(3000, 8080, 2376),
        pids: fc.integer({ min: 16, max: 4096 }),
    })
    .map(({ source: { ...from }, containerPort, pids, ...rest }) => ({
        ...from,
        ...rest,
        transport: { containerPort },
        resources: { pids },
    }));

/** Names that lie close to each other and to those of the stack's own parts. */
const name = fc.oneof(
    fc.stringMatching(/^[a-z][a-z0-9-]{0,6}[a-z0-9]$/),
    fc.constantFrom(
        "a",
        "a-container",
        "images",
        "platform",
        "orchestrator",
        "inner",
        "tls",
        "mcp",
    ),
);

const servers: fc.Arbitrary<Server[]> = fc
    .uniqueArray(
        fc.record({ name, port: fc.integer({ min: 13001, max: 13999 }), spec }),
        // A known defect keeps names that end with -secrets out of here; see the failing test below.
        { selector: ({ name: own }) => own.replace(/(-secrets)+$/, ""), maxLength: 6 },
    )
    .map((list) =>
        list.map(({ name: own, port, spec: rest }, index) => ({
            name: own,
            spec: { ...rest, port: port + index * 1000 },
        })),
    );

test("any list of manifests gives a graph with unique names and ports, on the right providers, without plain secrets", async () => {
    await fc.assert(
        fc.asyncProperty(servers, async (list) => {
            const ran = await program(list);
            expect(problems(ran)).toEqual([]);
            const made = ran.recorder.ofKind("Server").map(({ name: own }) => own);
            expect(made.sort()).toEqual(list.map(({ name: own }) => own).sort());
        }),
        { numRuns: 15 },
    );
});

test("two stacks with another prefix, offset and subnets share no name and no port of the host", async () => {
    const one = await program([]);
    const other = await program([], {
        namePrefix: "second-",
        portOffset: "1000",
        mainSubnet: "10.88.0.0/24",
        internalSubnet: "172.29.0.0/16",
        innerPool: "10.91.0.0/16",
    });
    const taken = ({ recorder }: Ran): string[] => {
        const onHost = recorder.all.filter(({ provider }) => provider === "host");
        const named = onHost.filter(({ type }) => !type.endsWith(":RemoteImage"));
        const text = JSON.stringify(named.map(({ inputs }) => inputs));
        return [
            ...named.map(({ type, inputs }) => `${type} ${String(inputs.name)}`),
            ...[...text.matchAll(/"external":\d+|"subnet":"[^"]+"/g)].map(([match]) => match),
        ];
    };
    expect(taken(one).filter((thing) => taken(other).includes(thing))).toEqual([]);
    expect(problems(other)).toEqual([]);
});

// Known defect: the carrier of a server's secrets is called <server>-secrets, which is a valid name of a server.
test.failing("a server may be called like another one's secrets", async () => {
    const secrets = [{ name: "dsn", from: "postgres.dsn" }];
    const from = { build: "bridge", command: ["node", "main.mjs"] };
    const ran = await program([
        { name: "a", spec: { ...from, port: 13001, secrets } },
        { name: "a-secrets", spec: { ...from, port: 13002 } },
    ]);
    expect(nameProblems(ran.recorder)).toEqual([]);
});
