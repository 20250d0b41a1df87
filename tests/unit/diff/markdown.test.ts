import { markdown } from "../../../cli/diff/markdown";
import type { StackDiff } from "../../../cli/diff/model";
import type { PreviewStep } from "../../../cli/engine/types";

const HEAD = "urn:pulumi:dev::sutazai-mcp::";
const SERVER = "mcp:inner:Server";
const CONTAINER = "docker:index/container:Container";

function manifest(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return {
        manifest: {
            source: { kind: "build", image: "bridge" },
            command: ["node", "server.mjs", "--token=hunter2"],
            environment: { LEVEL: "plain-text-of-a-variable" },
            resources: { cpus: 0.5, memoryMb: 256, pids: 256 },
            egress: ["*:443"],
            port: 13004,
            transport: { containerPort: 3000, path: "/mcp" },
            volumes: [{ source: "shared", path: "/data", readOnly: true }],
            secrets: [{ name: "dsn", from: "postgres.dsn" }],
            health: { intervalSeconds: 10 },
            stopGraceSeconds: 10,
            ...more,
        },
    };
}

function step(
    type: string,
    name: string,
    operation: PreviewStep["operation"],
    more: Partial<PreviewStep> = {},
): PreviewStep {
    return { urn: `${HEAD}${type}::${name}`, type, name, operation, changed: [], ...more };
}

function diff(steps: readonly PreviewStep[], more: Partial<StackDiff> = {}): string {
    return markdown({
        stack: "dev",
        from: "From a test.",
        steps,
        policies: [],
        rules: 50,
        ...more,
    });
}

test("nothing changes: four short sentences", () => {
    const text = diff([
        step(SERVER, "files-mcp", "same", { before: manifest(), after: manifest() }),
    ]);
    expect(text).toContain("None is added, removed or changed.");
    expect(text).toContain("Nothing restarts.");
    expect(text).toContain("0 violations, 0 advisory notes of 50 rules.");
    expect(text).toContain("1 the same.");
    expect(text.split("\n").length).toBeLessThan(25);
});

test("a server is shown by what a reviewer asks: image, limits, egress, ports", () => {
    const text = diff([
        step(SERVER, "a-mcp", "update", {
            before: manifest(),
            after: manifest({
                resources: { cpus: 2, memoryMb: 1024, pids: 64 },
                egress: [],
                port: 13009,
                source: { kind: "image", ref: "registry.example/x@sha256:0a" },
            }),
        }),
    ]);
    for (const row of [
        "| `a-mcp` | image | `mcp/bridge` | `registry.example/x@sha256:0a` |",
        "| `a-mcp` | memory | `256Mi` | `1Gi` |",
        "| `a-mcp` | CPUs | `0.5` | `2` |",
        "| `a-mcp` | processes | `256` | `64` |",
        "| `a-mcp` | egress | `*:443` | `none` |",
        "| `a-mcp` | port | `13004` | `13009` |",
        "Tools may differ, since what runs does: `a-mcp`.",
        "- changed: `a-mcp`",
    ]) {
        expect(text).toContain(row);
    }
    expect(text).not.toContain("| `a-mcp` | path |");
});

test("an image that is built anew shows by its tag", () => {
    const image = "docker:index/remoteImage:RemoteImage";
    const same = { before: manifest(), after: manifest() };
    const text = diff([
        step(SERVER, "a-mcp", "same", same),
        step(image, "images-bridge", "replace", {
            before: { name: "mcp/bridge:0a0b" },
            after: { name: "mcp/bridge:0c0d" },
            changed: ["name"],
        }),
    ]);
    expect(text).toContain("| `a-mcp` | image | `mcp/bridge:0a0b` | `mcp/bridge:0c0d` |");
});

test("added and removed servers, each once", () => {
    const text = diff([
        step(SERVER, "new-mcp", "create", { after: manifest() }),
        step(SERVER, "old-mcp", "delete", { before: manifest() }),
    ]);
    expect(text).toContain("- added: `new-mcp`\n- removed: `old-mcp`");
    expect(text).toContain("| `new-mcp` | secrets |  | `dsn` |");
    expect(text).toContain("| `old-mcp` | port | `13004` |  |");
    expect(text).not.toContain("| `old-mcp` | memory |");
});

test("no value of the environment or the command is shown, only that it differs", () => {
    const text = diff([
        step(SERVER, "a-mcp", "update", {
            before: manifest(),
            after: manifest({ environment: { LEVEL: "another-text" }, command: ["hunter3"] }),
        }),
    ]);
    expect(text).toMatch(
        /\| `a-mcp` \| environment \| `LEVEL #[0-9a-f]{8}` \| `LEVEL #[0-9a-f]{8}` \|/,
    );
    for (const secret of ["hunter2", "hunter3", "plain-text", "another-text"]) {
        expect(text).not.toContain(secret);
    }
});

test("what restarts, and why; the orchestrator takes every server with it", () => {
    const orchestrator = {
        ...step(CONTAINER, "orchestrator-container", "replace", { changed: ["uploads"] }),
        urn: `${HEAD}mcp:host:Layer$mcp:host:Orchestrator$${CONTAINER}::orchestrator-container`,
        after: { name: "sutazai-mcp-orchestrator" },
    };
    const text = diff([
        orchestrator,
        step(CONTAINER, "a", "update", { changed: ["memory"] }),
        step(CONTAINER, "carrier", "replace", { after: { start: false } }),
    ]);
    expect(text).toContain("- `sutazai-mcp-orchestrator`: made anew (uploads)");
    expect(text).toContain("- `a`: changed in place (memory)");
    expect(text).toContain("every server restarts with it");
    expect(text).not.toContain("- `carrier`");
});

test("policies: violations first, and nothing in a message can draw or call", () => {
    const text = diff([], {
        policies: [
            { policy: "z-note", mandatory: false, message: "note" },
            {
                policy: "a-rule",
                mandatory: true,
                urn: `${HEAD}x::y`,
                message: "A rule.\n@all <b> | `x`",
            },
        ],
    });
    expect(text).toContain("1 violation, 1 advisory note of 50 rules.");
    expect(text.indexOf("a-rule")).toBeLessThan(text.indexOf("z-note"));
    expect(text).toContain("| `a-rule` | **mandatory** | `y` | \\@all \\<b\\> \\| \\`x\\` |");
});

test("text from a manifest cannot leave its cell", () => {
    const text = diff([
        step(SERVER, "a-mcp", "create", { after: manifest({ egress: ["x`|\n# y:1"] }) }),
    ]);
    expect(
        text
            .split("\n")
            .filter((line) => line.startsWith("#"))
            .sort(),
    ).toEqual([
        "## What changes in stack `dev`",
        "### All resources",
        "### Policies",
        "### Restarts",
        "### Servers",
    ]);
});

test("the order of the steps does not show", () => {
    const steps = [
        step(SERVER, "b", "create", { after: manifest() }),
        step(SERVER, "a", "create", { after: manifest() }),
        step(CONTAINER, "c", "replace", { changed: ["image"] }),
        step(CONTAINER, "d", "delete"),
    ];
    expect(diff([...steps].reverse())).toBe(diff(steps));
});
