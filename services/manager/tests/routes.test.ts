import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { IMAGE, Stage } from "./support/stage.ts";
import type { StandInContainer } from "./support/stand-in-container.ts";
import { timed } from "./support/timed.ts";

function add({ daemon }: Stage, name: string, port: number): StandInContainer {
    const manifest = {
        apiVersion: "mcp/v1",
        kind: "MCPContainer",
        metadata: { name },
        spec: { build: "bridge", command: ["node"], port, egress: "none" },
    };
    return daemon.add(name, {
        Image: IMAGE,
        Labels: {
            "mcp.managed": "true",
            "mcp.managed-by": "mcp-manager",
            "mcp.component": "server",
            "mcp.manifest": JSON.stringify(manifest),
        },
        HostConfig: {},
    });
}

timed(
    "a server that could never be inspected keeps its route, and holds up no other's",
    async () => {
        const stage = await Stage.set();
        try {
            const file = join(stage.dir, "routes.json");
            const routes = (): string[] =>
                (JSON.parse(readFileSync(file, "utf8")) as { name: string }[]).map(
                    ({ name }) => name,
                );
            const hung = add(stage, "hung-mcp", 13_050);
            const gone = add(stage, "gone-mcp", 13_051);
            stage.daemon.ignores = new RegExp(`^GET /containers/${hung.id}/json$`);
            await stage.start();
            await stage.until("routes are written", () => existsSync(file));
            assert.deepEqual(routes(), ["gone-mcp", "hung-mcp"]);
            assert.equal((await stage.get("/containers/hung-mcp")).status, 404);
            const late = add(stage, "late-mcp", 13_052);
            stage.daemon.containers.delete(gone.id);
            stage.daemon.emit("start", late);
            await stage.until("the others follow", () => !routes().includes("gone-mcp"));
            assert.deepEqual(routes(), ["hung-mcp", "late-mcp"]);
        } finally {
            await stage.close();
        }
    },
);
