import { existsSync, readFileSync } from "node:fs";

import type * as pulumi from "@pulumi/pulumi";

import { lineDiff } from "../support/diff";
import { containerInputs } from "../support/docker";
import { MASK, goldenFile, goldenText } from "../support/golden";
import {
    dockerResources,
    egressProblems,
    exposedProblems,
    generatedSecrets,
    nameProblems,
    portProblems,
    providerProblems,
    secretProblems,
} from "../support/invariants";
import { valueOf } from "../../cli/graph/mocks";
import { runStack, type Ran } from "../../cli/graph/program";

let dev: Ran;
let text: string;

beforeAll(async () => {
    dev = await runStack("dev");
    text = goldenText(dev.recorder);
}, 60_000);

test("the graph of stack dev is the one in tests/golden/dev.json", () => {
    const file = goldenFile("dev");
    const golden = existsSync(file) ? readFileSync(file, "utf8") : "";
    if (golden === text) return;
    const byName = /^ {4}"name": /;
    throw new Error(
        "the graph of stack dev differs from tests/golden/dev.json (- golden, + now). If that is what the change " +
            `is meant to do: npm run golden:update\n\n${lineDiff(golden, text, byName)}`,
    );
});

describe("whole graph", () => {
    test("there is something to check", () => {
        const { recorder } = dev;
        expect(recorder.ofKind("Container").map(({ inputs }) => inputs.name)).toEqual(
            expect.arrayContaining(["sutazai-mcp-orchestrator", "files-mcp", "postgres-mcp"]),
        );
        expect(generatedSecrets(recorder).length).toBeGreaterThanOrEqual(4);
    });

    test("every docker and consul resource has an explicit provider: the one of its layer", () => {
        expect(providerProblems(dev.recorder)).toEqual([]);
    });

    test("every inner resource sits on `inner`, and only those do", () => {
        const { recorder } = dev;
        const onInner = dockerResources(recorder).filter(({ provider }) => provider === "inner");
        const areas = onInner.map((one) => recorder.ancestors(one).map(({ type }) => type));
        expect(areas.every((types) => types.includes("mcp:inner:Layer"))).toBe(true);
        expect(areas.flat().filter((type) => type.startsWith("mcp:host:"))).toEqual([]);
        expect(recorder.below("inner").filter((key) => key.startsWith("docker:"))).toHaveLength(
            onInner.length,
        );
    });

    test("names are unique, on each daemon and in the program", () => {
        expect(nameProblems(dev.recorder)).toEqual([]);
    });

    test("ports and fixed addresses are unique on each daemon", () => {
        expect(portProblems(dev.recorder)).toEqual([]);
    });

    test("nothing is published beyond this machine", () => {
        expect(exposedProblems(dev.recorder)).toEqual([]);
    });

    test("a server is on the network that fits its egress", () => {
        expect(egressProblems(dev.recorder)).toEqual([]);
    });

    test("only the orchestrator is privileged", () => {
        const privileged = dev.recorder.all.filter(({ inputs }) => inputs.privileged === true);
        expect(privileged.map(({ name }) => name)).toEqual(["orchestrator-container"]);
    });

    test("no container mounts anything of the host, above all not its Docker socket", () => {
        const mounting = dev.recorder.ofKind("Container").filter(({ inputs }) => {
            const { volumes, mounts, envs } = inputs;
            return /hostPath|"bind"|docker\.sock/.test(JSON.stringify([volumes, mounts, envs]));
        });
        expect(mounting.map(({ name }) => name)).toEqual([]);
    });

    test("every container runs an image by content id or digest", () => {
        for (const container of dev.recorder.ofKind("Container")) {
            expect(containerInputs(container).image).toMatch(/(^|@)sha256:[0-9a-f]{64}$/);
        }
    });

    test("no input that is not secret holds a secret", () => {
        expect(secretProblems(dev.recorder)).toEqual([]);
    });
});

describe("exports", () => {
    const exported = (name: string): Promise<unknown> =>
        valueOf(dev.exports[name] as pulumi.Output<unknown>);

    test("name the stack, the API and where each server is", async () => {
        expect(dev.exports.stack).toBe("dev");
        expect(await exported("orchestratorApi")).toBe("tcp://127.0.0.1:12376");
        expect(await exported("endpoints")).toMatchObject({
            "files-mcp": "http://10.89.0.2:8090/servers/files-mcp/mcp",
            "http-mcp": "http://10.89.0.2:8090/servers/http-mcp/mcp",
            "postgres-mcp": "http://10.89.0.2:8090/servers/postgres-mcp/mcp",
        });
    });

    test("hold no secret", async () => {
        const names = Object.keys(dev.exports).filter((name) => name !== "stack");
        const values = JSON.stringify(await Promise.all(names.map(exported)));
        for (const secret of generatedSecrets(dev.recorder)) expect(values).not.toContain(secret);
    });
});

describe("golden file", () => {
    test("holds none of the program's secrets, and no private key at all", () => {
        for (const secret of generatedSecrets(dev.recorder)) {
            expect(text).not.toContain(secret);
            expect(text).not.toContain(JSON.stringify(secret).slice(1, -1));
        }
        expect(text).not.toContain("PRIVATE KEY");
        expect(text).toContain(MASK);
    });

    test("holds no 64 hexadecimal digits but digests, content ids and manifest hashes", () => {
        const hashes = dev.recorder
            .ofKind("Server")
            .flatMap(
                ({ inputs }) => /"hash":"([0-9a-f]{64})"/.exec(JSON.stringify(inputs))?.[1] ?? [],
            );
        expect(hashes.length).toBeGreaterThan(0);
        const others = [...text.matchAll(/(sha256:)?([0-9a-f]{64})/g)].filter(
            ([, digest, hex = ""]) => digest === undefined && !hashes.includes(hex),
        );
        expect(others.map(([match]) => match)).toEqual([]);
    });

    test("does not depend on the machine: no absolute path of it, no name of a local image", () => {
        expect(text).not.toContain(process.cwd());
        expect(text).not.toContain(".mcp/");
    });

    test("is the same for the same program", () => {
        expect(goldenText(dev.recorder)).toBe(text);
    });
});
