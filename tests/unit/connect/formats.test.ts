import fc from "fast-check";

import { dropElement, json, putElement } from "../../../cli/connect/formats/json";
import { toml } from "../../../cli/connect/formats/toml";
import { yaml } from "../../../cli/connect/formats/yaml";

import { issueOf } from "./samples";

const ENTRY = { url: "http://127.0.0.1:13002/mcp" };
const OWNED = ["url", "headers"];

const without = <T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> =>
    Object.fromEntries(Object.entries(record).filter(([each]) => each !== key));

describe("JSON", () => {
    const above = ["mcpServers", "files"];
    const put = (text: string) => json.put(text, above, ENTRY, OWNED);

    test("a comment stays with the member before it", () => {
        const text = '{\n  "a": 1 // of a\n}\n';
        expect(put(text)).toContain('"a": 1, // of a\n  "mcpServers": {\n');
    });

    test("a trailing comma stays a habit of the file", () => {
        const after = put('{\n  "mcpServers": {\n    "a": {},\n  },\n}\n');
        expect(after).toContain("    },\n  },\n}\n");
        expect(json.drop(after, above, 0)).toBe('{\n  "mcpServers": {\n    "a": {},\n  },\n}\n');
    });

    test("a container with comments alone keeps them, and is kept for them", () => {
        const text = '{\n  "mcpServers": {\n    // none yet\n  }\n}\n';
        const after = put(text);
        expect(after).toContain('    // none yet\n    "files": {\n');
        expect(json.drop(after, above, 0)).toBe(text);
    });

    test("the first and the middle member can be taken out", () => {
        const text = '{"mcpServers": { "files": {}, /* b */ "b": 1 } }';
        expect(json.drop(text, above, 0)).toBe('{"mcpServers": { /* b */ "b": 1 } }');
        const middle = '{\n"mcpServers": {"a": 1,\n "files": {}, "b": 1}}';
        expect(json.drop(middle, above, 0)).toBe('{\n"mcpServers": {"a": 1, "b": 1}}');
    });

    test("what is not there cannot be taken out", () => {
        expect(json.drop('{"mcpServers": {}}', above, 0)).toBe('{"mcpServers": {}}');
        expect(json.drop("", above, 0)).toBe("");
    });

    test.each([
        ["[]", "the file holds no JSON object", 1],
        ['{\n "mcpServers": []}', '"mcpServers" is not an object', 2],
        ['{"mcpServers": null}', '"mcpServers" is not an object', 1],
        ['{"mcpServers": {\n"files": "x"}}', '"mcpServers.files" is not an object', 2],
        ['{"a": 1', "not valid JSON (close brace expected)", 1],
    ])("%s is refused", (text, message, line) => {
        expect(issueOf(() => put(text))).toMatchObject({ message, line });
    });

    test("an element is known by its id, whatever else the user made of it", () => {
        const text = '{"inputs": [{"id": "t", "description": "mine"}]}';
        expect(putElement(text, "inputs", { id: "t", description: "ours" })).toBe(text);
        expect(dropElement(text, "inputs", "other")).toBe(text);
        expect(() => putElement('{"inputs": 1}', "inputs", { id: "t" })).toThrow("not an array");
    });

    const layout = fc.constantFrom(undefined, 1, 2, 4, "\t");
    test("whatever the file holds, and however it is set: put adds, twice is once, drop gives back", () => {
        fc.assert(
            fc.property(
                fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, noNullPrototype: true }),
                fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1, noNullPrototype: true }),
                fc.boolean(),
                layout,
                (rest, others, has, space) => {
                    const servers = without(others, "files");
                    const data = without(rest, "mcpServers");
                    fc.pre(Object.keys(servers).length > 0 && Object.keys(data).length > 0);
                    const content = has ? { ...data, mcpServers: servers } : data;
                    const text = JSON.stringify(content, null, space);
                    const after = put(text);
                    // From the text, which has no negative zero.
                    const said = JSON.parse(text) as { mcpServers?: object };
                    const mcpServers = { ...said.mcpServers, files: ENTRY };
                    expect(JSON.parse(after)).toEqual({ ...said, mcpServers });
                    expect(put(after)).toBe(after);
                    expect(json.drop(after, above, 0)).toBe(text);
                },
            ),
            { numRuns: 200 },
        );
    });
});

describe("TOML", () => {
    const path = ["mcp_servers", "files"];
    const put = (text: string) => toml.put(text, path, ENTRY, ["url", "bearer_token_env_var"]);

    test("tables below an entry go with it, and comments outside stay", () => {
        const text = "# top\nmodel = 1\n";
        const after = `${put(text)}\n[mcp_servers.files.tools.read]\napproval_mode = "approve"\n`;
        expect(toml.drop(after, path, 0)).toBe(text);
    });

    test("a key is set, added and taken out where it stands", () => {
        const text = '[mcp_servers.files] # mine\nurl = "old" # where\nenabled = false\n[t]\n';
        expect(put(text)).toBe(
            `[mcp_servers.files] # mine\nurl = "${ENTRY.url}" # where\nenabled = false\n[t]\n`,
        );
        const token = { ...ENTRY, bearer_token_env_var: "T" };
        const owned = ["url", "bearer_token_env_var"];
        const added = toml.put(text, path, token, owned);
        expect(added).toContain('enabled = false\nbearer_token_env_var = "T"\n[t]\n');
        expect(toml.put(added, path, ENTRY, owned)).toBe(put(text));
    });

    test.each([
        ['a = 1\nmcp_servers = { other = { command = "x" } }\n', 2],
        ['mcp_servers.files.url = "x"\n', 1],
        ['[mcp_servers]\nfiles = { url = "x" }\n', 1],
    ])("%j leaves no place for a table, and says so", (text, line) => {
        const message = "mcp_servers.files is not written as a table [mcp_servers.files]";
        expect(issueOf(() => put(text))).toMatchObject({ message, line });
    });

    test("an entry in another form that says the same is left alone, and not taken out by halves", () => {
        const text = `mcp_servers.files.url = "${ENTRY.url}"\n`;
        expect(put(text)).toBe(text);
        expect(() => toml.drop(text, path, 0)).toThrow("not written as a table");
    });
});

describe("YAML", () => {
    const path = ["extensions", "files"];
    const put = (text: string) => yaml.put(text, path, ENTRY, OWNED);
    const lines = `  files:\n    url: ${ENTRY.url}\n`;

    test.each([
        ["extensions:\n", `extensions:\n${lines}`],
        ["extensions: {}\na: 1\n", `extensions:\n${lines}a: 1\n`],
        ["extensions: ~ # none\n", `extensions: # none\n${lines}`],
        ["---\na: 1\n", `---\na: 1\nextensions:\n${lines}`],
    ])("%j has a place for it", (text, after) => {
        expect(put(text)).toBe(after);
        expect(put(after)).toBe(after);
    });

    test("comments and keys of an entry stay when its address changes", () => {
        const text = "extensions:\n  files:\n    enabled: false # for now\n    url: old\n  # end\n";
        expect(put(text)).toBe(
            `extensions:\n  files:\n    enabled: false # for now\n    url: ${ENTRY.url}\n  # end\n`,
        );
    });

    test("a comment that was in the mapping is kept, and the mapping for it", () => {
        const text = `extensions:\n  # mine\n${lines}a: 1\n`;
        expect(yaml.drop(text, path, 0)).toBe("extensions: {}\n  # mine\na: 1\n");
    });

    test.each([
        ["- a\n", "the file holds no YAML mapping"],
        ["extensions: { a: { b: 1 } }\n", '"extensions" is written on one line, in braces'],
        ["extensions: 3\n", '"extensions" is not a mapping'],
        ["extensions:\n  files: 3\n", '"extensions.files" is not a mapping'],
        ["{ a: 1 }\n", "the file is written on one line, in braces"],
        ["a: 1\n---\nb: 2\n", "not valid YAML"],
    ])("%j is refused", (text, message) => {
        expect(() => put(text)).toThrow(message);
    });
});
