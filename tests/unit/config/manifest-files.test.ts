import * as fc from "fast-check";
import * as fs from "node:fs";
import * as path from "node:path";
import { loadManifests, ManifestError } from "../../../config/manifest";
import { inFolder, manifestText, named, thrown } from "./support";

/** The lines of the error that the folder gives. */
function refusal(files: Readonly<Record<string, string | Uint8Array>>): string[] {
    return inFolder(files, (folder) => {
        const error = thrown(() => loadManifests(folder));
        expect(error).toBeInstanceOf(ManifestError);
        expect((error as ManifestError).problems).toHaveLength(error.message.split("\n").length);
        return error.message.split("\n");
    });
}

describe("which files are read", () => {
    test("*.yml and *.yaml, sorted by the servers' names", () => {
        const files = {
            "z.yml": named("a-mcp", 13001),
            "a.yaml": named("c-mcp", 13002),
            "m.yml": named("b-mcp", 13003),
            "schema.json": "{",
            "notes.md": "x",
            "x.yml.bak": "{",
            ".hidden.yml": "{",
        };
        const servers = inFolder(files, loadManifests);
        expect(servers.map(({ name, file }) => [name, file])).toEqual([
            ["a-mcp", "manifests/z.yml"],
            ["b-mcp", "manifests/m.yml"],
            ["c-mcp", "manifests/a.yaml"],
        ]);
    });

    test("an empty folder has no servers", () => {
        expect(inFolder({}, loadManifests)).toEqual([]);
    });

    test("files are called by their folder's name, not by where it is", () => {
        const load = (folder: string): string[] => loadManifests(folder).map((s) => s.file);
        expect(inFolder({ "a.yml": named("a", 13001) }, load, "servers")).toEqual([
            "servers/a.yml",
        ]);
        expect(
            inFolder({ "a.yml": "" }, (folder) => thrown(() => load(folder)), "s").message,
        ).toMatch(/^s\/a\.yml:1:1: /);
    });
});

describe("determinism", () => {
    const entries = ["a", "b", "c", "d", "e"].map((name, index): [string, string] => [
        `${name}.yml`,
        named(`${"edcba"[index]}-mcp`, 13001 + index),
    ]);
    const expected = inFolder(Object.fromEntries(entries), loadManifests);

    test("the order in which files were made or are listed does not matter", () => {
        const readdir = jest.spyOn(fs, "readdirSync");
        try {
            fc.assert(
                fc.property(fc.shuffledSubarray(entries, { minLength: 5 }), (shuffled) => {
                    const names = shuffled.map(([name]) => name);
                    readdir.mockReturnValueOnce(
                        names as unknown as ReturnType<typeof fs.readdirSync>,
                    );
                    expect(inFolder(Object.fromEntries(shuffled), loadManifests)).toEqual(expected);
                }),
                { numRuns: 40 },
            );
        } finally {
            readdir.mockRestore();
        }
    });

    test("loading twice gives the same", () => {
        expect(inFolder(Object.fromEntries(entries), loadManifests)).toEqual(expected);
    });
});

describe("rules across files", () => {
    test("a name that is taken", () => {
        const files = { "a.yml": named("same", 13001), "b.yml": named("same", 13002) };
        expect(refusal(files)).toEqual([
            "manifests/b.yml:4:3 metadata.name: this name is taken by manifests/a.yml:4; give each server its own name",
        ]);
    });

    test("a port that is taken", () => {
        const files = { "a.yml": named("a", 13001), "b.yaml": `# b\n${named("b", 13001)}` };
        expect(refusal(files)).toEqual([
            "manifests/b.yaml:9:3 spec.port: this port is taken by manifests/a.yml:8; give each server its own port",
        ]);
    });

    test("an egress target with the name of a container in here", () => {
        const egress = '  egress: ["b:5432", "mcp-manager:8080", "db.corp:6000"]';
        const files = {
            "a.yml": manifestText({ 4: "  name: a" }, egress),
            "b.yml": named("b", 13009),
        };
        expect(refusal(files)).toEqual([
            "manifests/a.yml:9:12 spec.egress[0]: b is a container of this stack, which no server reaches; name a host outside by another name or by its address",
            "manifests/a.yml:9:22 spec.egress[1]: mcp-manager is a container of this stack, which no server reaches; name a host outside by another name or by its address",
        ]);
    });

    test("all problems of all files, sorted, also of files that have other problems", () => {
        const files = {
            "c.yml": "{",
            "b.yml": manifestText({}, "  replicas: 2"),
            "a.yml": manifestText({ 1: "apiVersion: v0" }),
            "d.yml": named("files-mcp", 80),
        };
        expect(refusal(files).map((line) => /^[^ ]+( [^:]+)?/.exec(line)?.[0])).toEqual([
            "manifests/a.yml:1:1 apiVersion",
            "manifests/b.yml:4:3 metadata.name",
            "manifests/b.yml:8:3 spec.port",
            "manifests/b.yml:9:3 spec.replicas",
            expect.stringMatching(/^manifests\/c\.yml:/),
            "manifests/d.yml:4:3 metadata.name",
            "manifests/d.yml:8:3 spec.port",
        ]);
    });
});

describe("files that cannot be read", () => {
    const set = "create it, or set it with: pulumi config set manifestsDir <folder>";

    test("the folder is missing", () => {
        inFolder({}, (folder) => {
            const error = thrown(() => loadManifests(path.join(folder, "servers")));
            expect(error).toBeInstanceOf(ManifestError);
            expect(error.message).toBe(
                `servers: the folder of the manifests does not exist; ${set}`,
            );
        });
    });

    test("the folder is a file", () => {
        inFolder({ "a.yml": "" }, (folder) => {
            const error = thrown(() => loadManifests(path.join(folder, "a.yml")));
            expect(error.message).toBe(
                `a.yml: the folder of the manifests cannot be read (ENOTDIR); ${set}`,
            );
        });
    });

    test("a folder, a dangling link, an odd encoding and a large file, all told", () => {
        inFolder(
            {
                "a.yml": named("a", 13001),
                "d.yml": new Uint8Array([0x61, 0x3a, 0x20, 0xff, 0xfe]),
                "e.yml": `#${"x".repeat(256 * 1024)}`,
            },
            (folder) => {
                fs.mkdirSync(path.join(folder, "b.yml"));
                fs.symlinkSync("nowhere", path.join(folder, "c.yml"));
                expect(thrown(() => loadManifests(folder)).message.split("\n")).toEqual([
                    "manifests/b.yml: is not a file; move it away, or give it another ending",
                    "manifests/c.yml: cannot be read (ENOENT); check its permissions",
                    "manifests/d.yml: is not UTF-8; save it as UTF-8",
                    "manifests/e.yml:1:1: the file is larger than 256 KiB; write one server a file",
                ]);
            },
        );
    });
});
