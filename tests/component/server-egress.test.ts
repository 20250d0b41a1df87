import { EgressCompanion } from "../../components/egress-companion";
import { McpServer } from "../../components/mcp-server";
import { containerInputs } from "../support/docker";
import { manifest, onInner, stackContext } from "../support/fixtures";
import { startMocks, type Recorded, type Recorder } from "../../cli/graph/mocks";

const IMAGE_ID = `sha256:${"3c".repeat(32)}`;

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

/** The server's container, with the companion that index.ts gives one with an egress list. */
async function server(egress: "none" | readonly string[]): Promise<Recorded> {
    const context = stackContext();
    const server = manifest({ egress });
    const made = { context, image: IMAGE_ID };
    const companion =
        egress === "none"
            ? undefined
            : new EgressCompanion(
                  "demo-egress",
                  { ...made, server, network: "mcp-egress" },
                  onInner(),
              );
    const args = {
        ...made,
        manifest: server,
        network: "mcp-closed",
        volumes: {},
        secrets: {},
        companion,
    };
    new McpServer("demo", args, onInner());
    await recorder.settle();
    return recorder.one("Container", "demo-container");
}

test("without egress a server is on the servers' network alone, and has no proxy", async () => {
    const inputs = containerInputs(await server("none"));
    expect(inputs.networksAdvanced).toEqual([{ name: "mcp-closed" }]);
    expect(inputs.envs.join()).not.toMatch(/proxy/i);
});

test("with it a server shares a link with its companion, which is its proxy", async () => {
    const inputs = containerInputs(await server(["*:443"]));
    expect(inputs.networksAdvanced).toEqual([{ name: "mcp-closed" }, { name: "mcp-link-demo" }]);
    expect(inputs.envs).toContain("HTTPS_PROXY=http://egress:3128");
});

test("whatever it declares, a server asks no name server and knows no address outside", async () => {
    const { inputs } = await server(["postgres:5432"]);
    expect(inputs).toMatchObject({ dns: ["127.0.0.1"], hosts: [] });
});
