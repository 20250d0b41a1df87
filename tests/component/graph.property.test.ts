import * as fc from "fast-check";

import {
    egressProblems,
    exposedProblems,
    nameProblems,
    portProblems,
    providerProblems,
    secretProblems,
} from "../support/invariants";
import { isolatedProgram, removeFolders, shareModules, type Server } from "../support/isolated";
import type { Ran } from "../../cli/graph/program";

const SECRET_KEY = "apiToken";
const SECRET = "plaintext-of-the-stacks-own-secret";

function problems({ recorder }: Ran): string[] {
    return [
        ...providerProblems(recorder),
        ...nameProblems(recorder),
        ...portProblems(recorder),
        ...exposedProblems(recorder),
        ...egressProblems(recorder),
        ...secretProblems(recorder, [SECRET]),
    ];
}

// A busy machine takes several times as long.
jest.setTimeout(60_000);

beforeAll(() => {
    // Stacks, which the SDK takes by the thousand, are half the time; a failure is told by its counterexample.
    Error.stackTraceLimit = 0;
    shareModules();
});
afterAll(removeFolders);

/** A stack with these servers and one secret of its own. */
function program(list: readonly Server[], config: Record<string, string> = {}): Promise<Ran> {
    return isolatedProgram(list, { [SECRET_KEY]: SECRET, ...config }, [SECRET_KEY]);
}

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
    .uniqueArray(fc.record({ name, port: fc.integer({ min: 13001, max: 13999 }), spec }), {
        selector: ({ name: own }) => own,
        maxLength: 6,
    })
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
        { numRuns: 10 },
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

test("a server may be called like another one's secrets", async () => {
    const secrets = [{ name: "dsn", from: "postgres.dsn" }];
    const from = { build: "bridge", command: ["node", "main.mjs"] };
    const ran = await program([
        { name: "a", spec: { ...from, port: 13001, secrets } },
        { name: "a-secrets", spec: { ...from, port: 13002 } },
    ]);
    expect(nameProblems(ran.recorder)).toEqual([]);
});
