/** Containers for the dashboard's tests and pictures: every condition a server can be in. */
import type { ContainerView, ToolView } from "../../src/model.ts";

const MIB = 1024 ** 2;

const DEFAULTS: ContainerView = {
    name: "",
    origin: "manifest",
    component: "server",
    manifestFile: undefined,
    manifestHash: undefined,
    id: "4b1d6f2a9c07",
    image: `sha256:${"4f7a9c0d12e8b356".repeat(4)}`,
    state: "running",
    health: "healthy",
    healthOutput: undefined,
    startedAt: new Date(Date.now() - 97_000_000).toISOString(),
    restarts: 0,
    oomKills: 0,
    exitCode: undefined,
    port: undefined,
    path: "/mcp",
    egress: [],
    limits: { memoryBytes: 256 * MIB, cpus: 0.5, pids: 128 },
    usage: undefined,
    mcp: undefined,
};

/** One container; what is not given is a healthy server's. */
export function container(
    given: Partial<ContainerView> & { readonly name: string },
): ContainerView {
    return { ...DEFAULTS, ...given };
}

/** What a server uses: MiB and CPUs. */
export function usage(mib: number, cpus: number, pids = 19): NonNullable<ContainerView["usage"]> {
    return { memoryBytes: mib * MIB, cpus, pids, at: new Date().toISOString() };
}

/** A good answer to `tools/list`. */
export function answering(
    tools: readonly ToolView[],
    milliseconds: number,
): NonNullable<ContainerView["mcp"]> {
    return { up: true, tools, milliseconds, reason: undefined, at: new Date().toISOString() };
}

/** A question that failed. */
export function silent(reason: string): NonNullable<ContainerView["mcp"]> {
    return { up: false, tools: [], milliseconds: 5_000, reason, at: new Date().toISOString() };
}

function tool(name: string, description: string): ToolView {
    return { name, description };
}

/** Markup in what a server says must stay text. */
export const MARKUP = '<img src="x" onerror="document.title=\'owned\'"><b>bold</b>';

/** A fleet in which something is wrong with some. */
export function mixedFleet(): ContainerView[] {
    return [
        container({
            name: "files-mcp",
            manifestFile: "manifests/files-mcp.yml",
            manifestHash: "9f3c51d07be2",
            port: 13002,
            healthOutput: "tools/list: 14 tools in 38 ms",
            usage: usage(149, 0.04, 31),
            mcp: answering(
                [
                    tool("read_text_file", "Read the complete contents of a file as text."),
                    tool("write_file", "Create a new file or overwrite one completely."),
                    tool("list_directory", "List what a folder holds."),
                    tool("search_files", "Search a folder and all below it by pattern."),
                    tool("hostile", MARKUP),
                ],
                38,
            ),
        }),
        container({
            name: "http-mcp",
            manifestFile: "manifests/http-mcp.yml",
            port: 13003,
            egress: ["*:443"],
            restarts: 4,
            oomKills: 1,
            health: "unhealthy",
            healthOutput: "tools/list: deadline of 5 s passed",
            usage: usage(241, 0.49, 44),
            mcp: silent("tools/list: deadline of 5 s passed"),
        }),
        container({
            name: "notes-mcp",
            origin: "api",
            port: 13004,
            health: "starting",
            startedAt: new Date(Date.now() - 4_000).toISOString(),
            usage: usage(61, 0.31),
        }),
        container({
            name: "postgres-mcp",
            manifestFile: "manifests/postgres-mcp.yml",
            port: 13001,
            egress: ["postgres:5432"],
            usage: usage(112, 0.01, 12),
            mcp: answering(
                [
                    tool("execute_sql", "Run one statement, reading only."),
                    tool("search_objects", "Find tables and columns."),
                ],
                12,
            ),
        }),
        container({
            name: "sutazai-mcp-manager",
            origin: "system",
            component: "manager",
            port: 8080,
            path: undefined,
            limits: { memoryBytes: 256 * MIB, cpus: 1, pids: 128 },
            usage: usage(92, 0.03, 14),
        }),
    ];
}
