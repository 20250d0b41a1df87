import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { baseKey, baseSpec } from "../../../cli/images/bases";
import { consulTag } from "../../../cli/images/consul";
import {
    BUILT_IMAGES,
    HOST_IMAGES,
    INNER_IMAGES,
    UPSTREAM,
    builtImageTag,
    innerImage,
    innerImageTag,
} from "../../../images/catalog";

const PROJECT = path.resolve(__dirname, "../../..");

let project: string;

/** A copy of what the tags are made of. */
beforeEach(() => {
    project = fs.mkdtempSync(path.join(os.tmpdir(), "mcp-catalog-"));
    for (const input of ["images", ...BUILT_IMAGES.flatMap(({ inputs }) => inputs)]) {
        fs.cpSync(path.join(PROJECT, input), path.join(project, input), { recursive: true });
    }
});

afterEach(() => {
    fs.rmSync(project, { recursive: true, force: true });
});

function change(file: string): void {
    fs.appendFileSync(path.join(project, file), "\n# changed\n");
}

describe("upstream images", () => {
    test.each(Object.entries(UPSTREAM))("%s is pinned by tag and digest", (_, ref) => {
        expect(ref).toMatch(/^[a-z/]+:[\w.-]+@sha256:[0-9a-f]{64}$/);
    });

    test("every host-level one that is not built is one of them", () => {
        const refs = Object.values(HOST_IMAGES).flatMap((source) =>
            source.from === "build" ? [] : [source.ref],
        );
        const { orchestrator, postgres, consul, kong, caddy } = UPSTREAM;
        expect(refs).toEqual([orchestrator, postgres, consul, kong, caddy]);
    });
});

describe("built images", () => {
    test("parents come before children", () => {
        const names = BUILT_IMAGES.map(({ name }) => name);
        for (const { name, parent } of BUILT_IMAGES) {
            if (parent === undefined) continue;
            expect(names.indexOf(parent)).toBeGreaterThanOrEqual(0);
            expect(names.indexOf(parent)).toBeLessThan(names.indexOf(name));
        }
    });

    test("servers cannot name one that runs on the host", () => {
        expect(INNER_IMAGES.map(({ name }) => name)).toEqual([
            "runtime",
            "bridge",
            "dbhub",
            "manager",
            "gateway",
            "egress",
        ]);
        expect(() => innerImage("reporter")).toThrow(
            "images/reporter: no such image; build is one of: runtime, bridge, dbhub",
        );
        expect(() => innerImageTag(project, "reporter", "base")).toThrow("no such image");
    });

    test("the reporter's tag follows its package, the runtime and the base", () => {
        const tag = (): string => builtImageTag(project, "reporter", "base");
        const seen = new Set([tag(), builtImageTag(project, "reporter", "other base")]);
        for (const file of [
            "services/reporter/package-lock.json",
            "services/reporter/src/main.ts",
            "images/reporter/Dockerfile",
            "images/runtime/Dockerfile",
        ]) {
            change(file);
            seen.add(tag());
        }
        expect(seen.size).toBe(6);
        change("images/bridge/Dockerfile");
        expect(seen).toContain(tag());
    });
});

describe("the local Consul image", () => {
    test.each(["Dockerfile", "go.mod", "go.sum"])("is another one when %s changes", (file) => {
        const before = consulTag(project);
        change(`images/consul/${file}`);
        expect(consulTag(project)).not.toBe(before);
    });

    test("is the same one when the start script changes", () => {
        const before = consulTag(project);
        change("images/consul/mcp-consul");
        expect(consulTag(project)).toBe(before);
    });

    test("is made of one exact version, with the sums of all it takes", () => {
        const read = (file: string): string =>
            fs.readFileSync(path.join(PROJECT, "images/consul", file), "utf8");
        const [module, version] = ["github.com/hashicorp/consul", "v1.14.11"];
        expect(read("go.mod")).toContain(`\ntool ${module}\n`);
        expect(read("go.mod")).not.toContain("replace");
        const required = [...read("go.mod").matchAll(/^(?:\t|require )(\S+) (v\S+)/gm)];
        expect(required.map(([, name, at]) => `${name} ${at}`)).toContain(`${module} ${version}`);
        const sums = new Set(
            read("go.sum")
                .split("\n")
                .map((line) => line.replace(/ h1:.*/, "")),
        );
        const missing = required.filter(([, name, at]) => !sums.has(`${name} ${at}/go.mod`));
        expect(missing).toEqual([]);
    });
});

test("what a base is made of decides its tag, and nothing else", () => {
    const keys = ["node", "orchestrator", "postgres", "slim", "go"] as const;
    const all = keys.map((name) => baseKey(project, baseSpec(name)));
    expect(new Set(all).size).toBe(keys.length);
    change("images/base/dockerd-entrypoint.sh");
    expect(keys.filter((name, index) => baseKey(project, baseSpec(name)) !== all[index])).toEqual([
        "orchestrator",
    ]);
});
