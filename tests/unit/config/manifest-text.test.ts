import * as fc from "fast-check";
import { formatProblem, LARGEST_MANIFEST, parseManifest } from "../../../config/manifest";
import { manifestText, SMALLEST } from "./support";

const FILE = "manifests/x.yml";

/** The problems as lines, without the file. */
function lines(text: string): string[] {
    const { manifest, problems } = parseManifest(FILE, text);
    expect(manifest === undefined).toBe(problems.length > 0);
    return problems.map((problem) => formatProblem(problem).replace(`${FILE}:`, ""));
}

const EMPTY = "1:1: the file is empty; start with apiVersion: mcp/v1, or remove it";
const DEEP = "1:1: the text is nested too deeply; write it like the other manifests";
const REPEAT = "1:1: anchors and aliases repeat too much; write the values out";

/** Nine anchors, each nine times the one before. */
function bomb(): string {
    const names = [..."abcdefghi"];
    const levels = names.map((name, index) => {
        const before = index === 0 ? "x" : `*${names[index - 1]}`;
        return `${name}: &${name} [${Array<string>(9).fill(before).join(",")}]`;
    });
    return levels.join("\n");
}

describe("texts that are no manifest", () => {
    test.each([
        ["empty", "", EMPTY],
        ["only a comment", "# nothing\n", EMPTY],
        ["only null", "~\n", EMPTY],
        ["a list", "- a\n", "1:1: a list is not a manifest; start with apiVersion: mcp/v1"],
        ["a word", "hello\n", "1:1: text is not a manifest; start with apiVersion: mcp/v1"],
        [
            "two documents",
            `${manifestText({})}---\n${manifestText({})}`,
            "9:1: the file holds more than one document; write one server a file, without ---",
        ],
        [
            "too large",
            "#".repeat(LARGEST_MANIFEST + 1),
            "1:1: the file is larger than 256 KiB; write one server a file",
        ],
        ["an alias bomb", bomb(), REPEAT],
        ["many aliases", `a: &a x\nb: [${"*a,".repeat(50000)}]`, REPEAT],
        [
            "few aliases that multiply",
            "a: &a [1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]",
            REPEAT,
        ],
        ["nested brackets", "[".repeat(200000), DEEP],
        ["nested braces", "{a: ".repeat(50000), DEEP],
        ["nested list items", `${"- ".repeat(100000)}x`, DEEP],
        ["nested keys", `${"? ".repeat(100000)}x`, DEEP],
    ])("%s", (_, text, line) => expect(lines(text)).toEqual([line]));
});

describe("broken YAML, by place", () => {
    test.each([
        ["  port: 1\n\tx: 1", "9:1: a tab is used for indentation; indent with spaces"],
        ['  port: "13002', "9:1: a quote, comma, colon or bracket is missing; add it"],
        ["  port: [1, 2", "9:1: the indentation does not fit; indent with two spaces a level"],
        ["  port: a: b", "8:9: a mapping starts where only a value fits; quote the value"],
        ["  port: @x", "8:9: the text starts with a reserved character; quote it"],
        [
            "  port: *x",
            "8:9: the alias has no anchor before it; define &name first, or quote the text",
        ],
        [
            '  port: "\\q"',
            "8:10: unknown escape in double quotes; use single quotes, or \\\\ for a backslash",
        ],
        [
            "    port: 1\n  command: []",
            "8:1: the indentation does not fit; indent with two spaces a level",
        ],
    ])("%s", (edit, expected) => {
        const found = lines(manifestText({ 8: edit }));
        expect(found.join("\n")).toContain(expected);
        for (const line of found) expect(line).toMatch(/^\d+:\d+.*: .+; .+$/);
    });

    test("a field written twice is named, and the rest is checked as well", () => {
        expect(
            lines(manifestText({}, "  port: 13003", "  resources: { pids: 3, pids: 4 }")),
        ).toEqual([
            "9:3 spec.port: is written twice; keep one of them",
            "10:25 spec.resources.pids: 4 is not a number of processes; use a whole number from 16 to 32768, like 256",
            "10:25 spec.resources.pids: is written twice; keep one of them",
        ]);
    });

    test("a field written twice in a list item", () => {
        const text = manifestText({}, "  volumes: [{ source: shared, path: /a, path: /b }]");
        expect(lines(text)).toEqual([
            "9:41 spec.volumes[0].path: is written twice; keep one of them",
        ]);
    });

    test("a tag that means nothing", () => {
        expect(lines(manifestText({ 8: "  port: !port 13002" }))).toContain(
            "8:9: the tag is unknown; remove the !tag, or quote the text",
        );
    });
});

describe("what is accepted", () => {
    test.each([
        ["Windows line ends", manifestText({}).replace(/\n/g, "\r\n")],
        ["a byte order mark", `\uFEFF${manifestText({})}`],
        ["one document mark", `---\n${manifestText({})}`],
        [
            "JSON",
            JSON.stringify({
                apiVersion: "mcp/v1",
                kind: "MCPContainer",
                metadata: { name: "files-mcp" },
                spec: { build: "bridge", command: ["node", "server.mjs"], port: 13002 },
            }),
        ],
        ["an anchor", manifestText({ 7: "  command: &run [node, server.mjs]" })],
    ])("%s", (_, text) => {
        expect(lines(text)).toEqual([]);
        const plain = parseManifest(FILE, manifestText({})).manifest;
        expect(parseManifest(FILE, text).manifest).toEqual(plain);
    });

    test("an alias stands for what its anchor has", () => {
        const text = manifestText({ 7: "  command: &run [node, a]" }, "  health: { test: *run }");
        expect(parseManifest(FILE, text).manifest?.health.test).toEqual(["node", "a"]);
    });

    test("a problem behind an alias is placed at its anchor", () => {
        const text = manifestText({ 7: "  command: &run [CMD, a]" }, "  health: { test: *run }");
        expect(lines(text)).toEqual([
            "7:18 spec.health.test[0]: CMD is Docker's notation, not a program; write program and arguments only",
        ]);
    });
});

describe("everything at once", () => {
    test("parts without content", () => {
        expect(lines("apiVersion: mcp/v1\nkind: MCPContainer\nmetadata:\nspec: ~\n")).toEqual([
            "3:1 metadata: has no value; write name: below it",
            "4:1 spec: has no value; write build: or image:, and port:, below it",
        ]);
    });

    const text = `apiVersion: mcp/v2
kind: MCPContainer
metadata:
  name: Files_MCP
spec:
  bild: bridge
  command: node server.mjs
  environment: { RETRIES: 3, API_KEY: x }
  port: 8080
  resources: { cpus: "0.5", memory: 256mb }
  volumes: [{ source: host, path: /run/x }]
  egress: ["nowhere"]
  stopGrace: 20m
`;

    test("all problems, in the order of the text", () => {
        const found = lines(text).map((line) => /^[\d:]+ [^:]+/.exec(line)?.[0]);
        expect(found).toEqual([
            "1:1 apiVersion",
            "4:3 metadata.name",
            "5:1 spec",
            "6:3 spec.bild",
            "7:3 spec.command",
            "8:18 spec.environment.RETRIES",
            "8:30 spec.environment.API_KEY",
            "9:3 spec.port",
            "10:16 spec.resources.cpus",
            "10:29 spec.resources.memory",
            "11:15 spec.volumes[0].source",
            "11:29 spec.volumes[0].path",
            "12:12 spec.egress[0]",
            "13:3 spec.stopGrace",
        ]);
    });

    test("a refused server is named even when its digest is missing too", () => {
        const found = lines(manifestText({ 6: "  image: mcp/postgres" }));
        expect(found).toEqual([
            expect.stringContaining('"mcp/postgres" is not an image with its digest'),
            expect.stringContaining("lets clients write through its read-only tool"),
        ]);
    });

    test("a problem is one line that starts like a compiler's", () => {
        const found = parseManifest(
            FILE,
            manifestText({}, "  resources:", "    cpus: 1", "", "    memory: 256mb"),
        );
        expect(found.problems.map(formatProblem)).toEqual([
            'manifests/x.yml:12:5 spec.resources.memory: "256mb" is not a memory size; write it like 256Mi or 1Gi',
        ]);
    });
});

describe("secrets stay out of problems", () => {
    const SECRET = "hunter2hunter2";
    test.each([
        ["an environment", `  environment: ${SECRET}`],
        ["a variable", `  environment: { API_KEY: ${SECRET} }`],
        ["a variable's URL", `  environment: { U: "x://u:${SECRET}@h" }`],
        ["a secret's source", `  secrets: [{ name: a, from: ${SECRET} }]`],
        ["a secret's name", `  secrets: [{ name: "_${SECRET}", from: config.a }]`],
        ["a list of secrets", `  secrets: [${SECRET}]`],
        ["a command", `  health: { test: "run --token ${SECRET}" }`],
        ["an egress target", `  egress: ["u:${SECRET}@host:443"]`],
        ["broken YAML", `  environment: { A: "${SECRET}" "${SECRET}" }`],
        ["a broken key", `  environment: [${SECRET}\n  x: ${SECRET}`],
        ["an unknown anchor", `  environment: { A: *${SECRET} }`],
        ["an unknown tag", `  environment: { A: !${SECRET} x }`],
    ])("%s", (_, line) => {
        const found = lines(manifestText({}, line));
        expect(found).not.toEqual([]);
        expect(found.join("\n")).not.toContain(SECRET);
    });
});

describe("any text", () => {
    test("gives a manifest or problems with place and remedy, and never throws", () => {
        const noise = fc.array(
            fc.oneof(
                fc.constantFrom(...SMALLEST),
                fc.string({ maxLength: 40 }),
                fc.constantFrom("? ", "- [", "  egress:", "&a", "*a", "---", "  - {"),
            ),
            { maxLength: 14 },
        );
        fc.assert(
            fc.property(noise, (parts) => {
                const { manifest, problems } = parseManifest(FILE, parts.join("\n"));
                expect(manifest === undefined).toBe(problems.length > 0);
                for (const { line, column, problem, remedy } of problems) {
                    expect(Math.min(line, column)).toBeGreaterThan(0);
                    expect(problem).not.toBe("");
                    expect(remedy).not.toBe("");
                }
            }),
            { numRuns: 400 },
        );
    });
});
