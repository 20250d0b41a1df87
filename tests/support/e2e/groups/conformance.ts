import { runConformance, putFixture, withToken } from "../conformance";
import { ManagerApi } from "../manager";
import { CONFORMANCE_PORT, type TestStack } from "../stack";
import { EVERYTHING, PORTS } from "./servers";

/** Extensions that the SDK does not have, so the fixture has not either; the suite does not score them. */
const EXTENSIONS = /^(?:tasks-|http-custom-header-server-validation$)/;

/** Required scenarios of each revision. */
const REVISIONS = [
    ["2025-11-25", 30],
    ["2026-07-28", 37],
] as const;

const manifest = `apiVersion: mcp/v1
kind: MCPContainer
metadata: { name: ${EVERYTHING} }
spec:
  build: runtime
  command: ["node", "/fixture/everything.mjs"]
  port: ${String(PORTS[EVERYTHING])}
  volumes: [{ source: shared, path: /fixture, readOnly: true }]
  egress: none
  health:
    test: [
      curl, -fsS, -m, "4", -o, /dev/null, -H, "content-type: application/json",
      -H, "accept: application/json, text/event-stream",
      -H, "mcp-protocol-version: 2026-07-28", -H, "mcp-method: tools/list",
      -d, '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{
        "io.modelcontextprotocol/protocolVersion":"2026-07-28",
        "io.modelcontextprotocol/clientInfo":{"name":"health","version":"1"},
        "io.modelcontextprotocol/clientCapabilities":{}}}}',
      "http://127.0.0.1:3000/mcp",
    ]
`;

/** The official conformance suite against a server of the stack, through everything that stands before it. */
export function conformanceTests(stack: TestStack): void {
    const api = new ManagerApi(stack);
    /** Where the suite comes in: a page of this origin is allowed by the stack's settings. */
    const port = stack.port(CONFORMANCE_PORT);

    beforeAll(async () => {
        await putFixture(stack, "/data/shared/everything.mjs");
        const headers = { "content-type": "application/yaml" };
        const made = await api.as("operate", "POST", "/containers?wait=60", {
            body: manifest,
            headers,
        });
        expect([made.status, made.body]).toEqual([201, expect.stringContaining("healthy")]);
    }, 120_000);
    afterAll(async () => {
        await api.as("operate", "DELETE", `/containers/${EVERYTHING}`);
    }, 60_000);

    test.each(REVISIONS)(
        "%s: all %d required scenarios pass at /servers/NAME/mcp",
        async (revision, required) => {
            const door = await stack.door(10_005, `/servers/${EVERYTHING}/mcp`);
            const { url, server } = await withToken(door, port);
            try {
                const { passed, failed, output } = await runConformance(url, revision);
                const unexpected = failed.filter((name) => !EXTENSIONS.test(name));
                expect([unexpected, unexpected.length > 0 ? output : ""]).toEqual([[], ""]);
                expect(passed.length).toBeGreaterThanOrEqual(required);
            } finally {
                server.closeAllConnections();
                server.close();
            }
        },
        240_000,
    );
}
