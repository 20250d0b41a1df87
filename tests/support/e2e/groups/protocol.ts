import { z } from "zod";

import { callTool, connected, ERAS } from "../clients";
import { serveSite, type Site } from "../http";
import type { TestStack } from "../stack";
import { FETCHING, PORTS, SITE_PORT } from "./servers";

const TITLES = [
    "Frankenstein",
    "The Last Man",
    "Around the World in Eighty Days",
    "The Left Hand of Darkness",
    "The Dispossessed",
];

const rows = z
    .object({
        data: z.object({
            statements: z.array(z.object({ rows: z.array(z.object({ title: z.string() })) })),
        }),
    })
    .transform(({ data }) => data.statements.flatMap((statement) => statement.rows));

/** Every server answers a client of the official SDK with real work, in both eras. */
export function protocolTests(stack: TestStack): void {
    describe.each(ERAS)("a client of the SDK, $era", ({ connect, revision }) => {
        test("reads the seeded rows through postgres-mcp", async () => {
            const work = connected(
                stack.door(PORTS["postgres-mcp"]),
                async (server) => {
                    expect(server).toMatchObject({ server: "DBHub MCP Server", revision });
                    expect(await server.tools()).toEqual(
                        expect.arrayContaining(["execute_sql", "search_objects"]),
                    );
                    const sql = "SELECT title FROM sample.books ORDER BY id";
                    return server.call("execute_sql", { sql });
                },
                connect,
            );
            const { isError, text } = await work;
            expect(isError).toBe(false);
            expect(rows.parse(JSON.parse(text)).map(({ title }) => title)).toEqual(TITLES);
        });

        test("writes a file through files-mcp, which the orchestrator has on its volume", async () => {
            const file = `hello-${revision}.txt`;
            const content = `grüße from ${revision}\n`;
            const back = await connected(
                stack.door(PORTS["files-mcp"]),
                async (server) => {
                    expect(server).toMatchObject({ server: "secure-filesystem-server", revision });
                    expect(await server.tools()).toEqual(
                        expect.arrayContaining(["read_text_file", "write_file"]),
                    );
                    const path = `/data/${file}`;
                    const written = await server.call("write_file", { path, content });
                    expect(written).toMatchObject({ isError: false });
                    return server.call("read_text_file", { path });
                },
                connect,
            );
            expect(back).toEqual({ isError: false, text: content });
            expect(await stack.run("cat", `/data/shared/${file}`)).toBe(content);
            const owner = await stack.run("stat", "-c", "%u:%g", `/data/shared/${file}`);
            expect(owner.trim()).toBe("1001:1001");
        });

        test("is told by http-mcp that a private target is refused", async () => {
            const refused = await connected(
                stack.door(PORTS["http-mcp"]),
                async (server) => {
                    expect(server).toMatchObject({ server: "mcp-fetch", revision });
                    expect(await server.tools()).toEqual(["fetch"]);
                    return server.call("fetch", { url: `http://${stack.main(1)}:9/` });
                },
                connect,
            );
            expect(refused.isError).toBe(true);
            expect(refused.text).toMatch(/not a public address/);
        });
    });

    describe("fetching", () => {
        const url = (path: string): Record<string, unknown> => ({ url: `${site.origin}${path}` });
        let site: Site;

        beforeAll(async () => {
            // Bound to the host's address on the stack's own network, and only there.
            site = await serveSite(
                stack.main(1),
                {
                    "/robots.txt": {
                        type: "text/plain",
                        body: "User-agent: *\nDisallow: /private\n",
                    },
                    "/plain": { type: "text/plain", body: "plain words of the tests" },
                    "/page": { type: "text/html", body: page },
                    "/private": { type: "text/plain", body: "not for robots" },
                },
                SITE_PORT,
            );
        });
        afterAll(() => site?.close());

        test.each(ERAS)("a text page works, $era", async ({ connect }) => {
            const answer = await connected(
                stack.door(PORTS[FETCHING]),
                (server) => server.call("fetch", url("/plain")),
                connect,
            );
            expect(answer).toMatchObject({ isError: false });
            expect(answer.text).toContain("plain words of the tests");
            // Masqueraded: what leaves the orchestrator has its address.
            expect(site.visits).toContain(`${stack.main(2)} /plain`);
        });

        test("an HTML page comes back as Markdown", async () => {
            const answer = await callTool(stack.door(PORTS[FETCHING]), "fetch", url("/page"));
            expect(answer.text).toContain("words that only the page has");
            expect(answer.text).not.toContain("<p>");
            expect(answer.isError).toBe(false);
        });

        test("what robots.txt forbids is refused", async () => {
            const answer = await callTool(stack.door(PORTS[FETCHING]), "fetch", url("/private"));
            expect(answer.isError).toBe(true);
            expect(answer.text).toMatch(/robots\.txt/);
            expect(site.visits).not.toContain(`${stack.main(2)} /private`);
        });

        test("http-mcp sends nothing at all to a private target", async () => {
            const before = site.visits.length;
            const answer = await callTool(stack.door(PORTS["http-mcp"]), "fetch", url("/plain"));
            expect(answer.isError).toBe(true);
            expect(answer.text).toContain(`${stack.main(1)}, which is not a public address`);
            expect(site.visits).toHaveLength(before);
        });
    });
}

const page = `<!doctype html><html><head><title>Page</title></head><body><article><h1>A heading</h1>
<p>These are <b>words</b> that only the page has: enough of them for a reader to take it for an article, with
commas, more commas, and a second sentence. It has words that only the page has.</p>
<p>Another paragraph, so that the article is long enough to be one, and no boilerplate.</p></article></body></html>`;
