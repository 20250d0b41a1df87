import { CLIENTS, type Client, type Token } from "../../../cli/connect/clients";
import { connected, disconnected, serversIn } from "../../../cli/connect/edit";
import type { ConnectTarget } from "../../../cli/connect/types";

import { issueOf, SAMPLES, URL_FILES, type Sample } from "./samples";

const FILES: ConnectTarget = { name: "files", url: URL_FILES, tokenEnv: "MCP_TOKEN" };
const FETCH: ConnectTarget = { name: "fetch", url: "http://127.0.0.1:13003/mcp" };
const BOTH = [FILES, FETCH];

const tokenOf = (client: Client) => (target: ConnectTarget) =>
    target.tokenEnv === undefined
        ? undefined
        : ({
              variable: target.tokenEnv,
              reference: client.reference?.(target.tokenEnv) ?? "value-of-token",
          } satisfies Token);

const put = (client: Client, text: string, targets = BOTH, known = targets) =>
    connected(client, text, targets, known, tokenOf(client));

test("there is a sample for every client", () => {
    expect(Object.keys(SAMPLES).sort()).toEqual(CLIENTS.map(({ name }) => name).sort());
});

describe.each(
    CLIENTS.map((client) => [client.name, client, SAMPLES[client.name] as Sample] as const),
)("%s", (_name, client, sample) => {
    const cases = sample.existing.map((text, index) => [index, text] as const);

    test("an empty file gets the entry in the client's shape", () => {
        const { text, written } = put(client, "");
        expect(serversIn(client, text).files).toEqual(JSON.parse(sample.entry));
        expect(serversIn(client, text).fetch?.[client.address]).toBe(FETCH.url);
        expect(serversIn(client, text).fetch).not.toHaveProperty("headers");
        expect(written).toEqual(["files", "fetch"]);
        expect(text.endsWith("\n")).toBe(true);
    });

    test.each(cases)("existing file %i: every line of it stays, in its order", (_index, text) => {
        const after = put(client, text).text;
        expect(serversIn(client, after).files).toEqual(JSON.parse(sample.entry));
        expect(serversIn(client, after).other).toEqual(serversIn(client, text).other);
        expect(after.includes("\r\n")).toBe(text.includes("\r\n"));
        expect(/[^\r]\n/.test(after) && text.includes("\r\n")).toBe(false);
        // What was there is a subsequence of what is there: nothing was taken out or moved.
        let at = 0;
        for (const character of text) {
            at = after.indexOf(character, at) + 1;
            expect(at).toBeGreaterThan(0);
        }
    });

    test.each(cases)("existing file %i: twice is as once", (_index, text) => {
        const once = put(client, text);
        const twice = put(client, once.text);
        expect(twice.text).toBe(once.text);
        expect(twice.written).toEqual([]);
    });

    test.each(cases)("existing file %i: remove gives the original bytes back", (_index, text) => {
        const after = put(client, text).text;
        expect(after).not.toBe(text);
        const back = disconnected(client, after, BOTH);
        expect(back.removed).toEqual(["files", "fetch"]);
        const reversed = disconnected(client, after, [FETCH, FILES]);
        expect(reversed.text).toBe(back.text);
        const top = client.above({})[0] ?? "";
        if (client.keep === undefined || top in client.format.read(text))
            expect(back.text).toBe(text);
        else
            expect(client.format.read(back.text)).toEqual({
                ...client.format.read(text),
                [top]: {},
            });
    });

    test("nothing is left of a file that had nothing else, but what the client needs", () => {
        const back = disconnected(client, put(client, "").text, BOTH).text;
        if (client.keep === undefined) expect(back).toBe("");
        else expect(JSON.parse(back)).toEqual({ mcpServers: {} });
    });

    test("a broken file is refused, with the line", () => {
        const issue = issueOf(() => put(client, sample.broken));
        expect(issue.line).toBe(sample.brokenLine);
        expect(issue.message).toContain(`not valid ${client.format.name} (`);
        expect(issueOf(() => disconnected(client, sample.broken, BOTH)).line).toBe(issue.line);
    });

    test("somebody else's server of that name is neither changed nor removed", () => {
        expect(issueOf(() => put(client, sample.foreign)).message).toContain("files");
        expect(disconnected(client, sample.foreign, BOTH).text).toBe(sample.foreign);
    });

    test("a new address and a token that is no longer asked for are taken over", () => {
        const before = put(client, sample.existing[0] as string).text;
        const moved = { name: "files", url: "http://127.0.0.1:14002/mcp" };
        const after = put(client, before, [moved, FETCH]);
        expect(after.written).toEqual(["files"]);
        const entry = serversIn(client, after.text).files;
        expect(entry?.[client.address]).toBe(moved.url);
        expect(JSON.stringify(entry)).not.toMatch(/MCP_TOKEN|mcp-token|Bearer/);
        const again = put(client, after.text).text;
        expect(client.format.read(again)).toEqual(client.format.read(before));
    });

    test("what a user has set besides in an entry stays", () => {
        const before = put(client, sample.existing[0] as string).text;
        const path = [...client.above(client.format.read(before)), "files"];
        const tuned = client.format.put(before, path, { mine: "yes" }, ["mine"]);
        expect(put(client, tuned).text).toBe(tuned);
        const moved = put(client, tuned, [{ ...FILES, url: "http://127.0.0.1:14002/mcp" }]).text;
        expect(serversIn(client, moved).files).toMatchObject({ mine: "yes" });
    });

    test("entries of an earlier choice go when the single endpoint replaces them", () => {
        const text = sample.existing[0] as string;
        const all = { name: "mcp", url: "http://127.0.0.1:10005/mcp", tokenEnv: "MCP_TOKEN" };
        const before = put(client, text).text;
        const after = put(client, before, [all], [all, ...BOTH]);
        expect(after.removed).toEqual(["files", "fetch"]);
        expect(after.text).toBe(put(client, text, [all]).text);
    });
});
