import type { Report } from "./stack";

/** A manifest that a test adds: files again, under another name. */
export function notes(interval: string): string {
    return `apiVersion: mcp/v1
kind: MCPContainer
metadata:
  name: notes-mcp
spec:
  build: bridge
  command:
    - node
    - /opt/servers/filesystem/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js
    - /notes
  port: 13004
  volumes:
    - { source: shared, path: /notes, readOnly: true }
  health: { interval: ${interval} }
  egress: none
`;
}

/** Servers that did not answer with tools; the test wants none. */
export function silent({ endpoints }: Report): string[] {
    return endpoints.filter(({ tools = 0 }) => tools === 0).map(({ server }) => server);
}

/** An entry of a record without the named ones. */
export function without(
    record: Readonly<Record<string, string>>,
    ...names: readonly string[]
): Record<string, string> {
    return Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
}
