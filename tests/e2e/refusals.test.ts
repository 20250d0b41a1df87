import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";

import { onPath } from "../../cli/environment";
import type { Outcome } from "../support/e2e/cli";
import { namesWith } from "../support/e2e/docker";
import { TestStack } from "../support/e2e/stack";
import { describeWhere } from "../support/machine";

jest.setTimeout(60_000);

const MANIFEST = `apiVersion: mcp/v1
kind: MCPContainer
metadata:
  name: some-mcp
spec:
  build: bridge
  command: ["node", "server.mjs"]
  port: 13005
`;

describeWhere("docker", "up with something wrong", () => {
    const stack = new TestStack({
        name: "e2e-refused",
        prefix: "e2e-refused-",
        portOffset: 3300,
        third: 32,
        innerPool: "10.97.48.0/20",
    });

    afterEach(async () => {
        await stack.remove();
        expect(await stack.leftovers()).toEqual([]);
    }, 150_000);

    /** Expects code 1, one complaint with what to do about it, and nothing made. */
    async function expectRefusal({ code, stdout, stderr }: Outcome, what: string | RegExp) {
        expect(stderr).toMatch(what);
        expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
        expect(stderr).not.toMatch(/^\s+at .*\.ts:/m);
        expect(await namesWith(stack.prefix)).toEqual([]);
    }

    test("names the port that another program has", async () => {
        const port = stack.port(13005);
        await stack.prepare();
        stack.writeText("some-mcp", MANIFEST);
        const holder = await listen(port);
        try {
            const what = `port ${port} (MCP servers) on 127.0.0.1 is taken by another program`;
            const outcome = await stack.up();
            await expectRefusal(outcome, what);
            expect(outcome.stderr).toContain(`ss -ltnp 'sport = :${port}'`);
        } finally {
            await new Promise((resolve) => holder.close(resolve));
        }
    });

    test("names file, line and column of every mistake in a manifest", async () => {
        await stack.prepare();
        stack.writeText("some-mcp", MANIFEST.replace("command", "comand").replace("13005", "80"));
        stack.writeText("other-mcp", MANIFEST.replace("some-mcp", "Other_MCP"));
        const outcome = await stack.up();
        await expectRefusal(
            outcome,
            `manifests/other-mcp.yml:4:3 metadata.name: "Other_MCP" is not`,
        );
        expect(outcome.stderr).toContain(
            `manifests/some-mcp.yml:7:3 spec.comand: is not a known field; did you mean command?`,
        );
        expect(outcome.stderr).toContain(`manifests/some-mcp.yml:8:3 spec.port: 80 is not`);
        expect(outcome.stderr).toContain("spec.command: is missing");
    });

    test("names the field with an image that is not to be had, before anything is made", async () => {
        await stack.prepare();
        stack.writeText("some-mcp", MANIFEST.replace("build: bridge", "build: no-such-image"));
        const outcome = await stack.up();
        await expectRefusal(outcome, /no-such-image/);
        expect(outcome.stderr).toMatch(/bridge/);
        expect(outcome.stderr).toContain("some-mcp.yml:6:3 spec.build");
    });

    test("names a secret that is not set, before anything is made", async () => {
        await stack.prepare();
        const secrets = "  secrets: [{ name: token, from: config.notThere }]\n";
        stack.writeText("some-mcp", MANIFEST + secrets);
        const outcome = await stack.up();
        await expectRefusal(outcome, /config\.notThere/);
        expect(outcome.stderr).toContain("pulumi config set --secret notThere");
    });

    test("refuses the server of which is known that clients write through it", async () => {
        await stack.prepare();
        const name = "@modelcontextprotocol/server-postgres";
        stack.writeText("some-mcp", MANIFEST.replace("server.mjs", name));
        await expectRefusal(await stack.up(), /lets clients write.*use build: dbhub/);
    });

    test("refuses a secret in the environment without repeating it", async () => {
        await stack.prepare();
        const environment = "  environment: { API_TOKEN: hush-hush }\n";
        stack.writeText("some-mcp", MANIFEST + environment);
        const outcome = await stack.up();
        await expectRefusal(outcome, /some-mcp\.yml:9:\d+ spec\.environment\.API_TOKEN/);
        expect(outcome.stderr).not.toContain("hush-hush");
    });

    test("names every setting that is wrong", async () => {
        await stack.prepare({ portOffset: "70000", imageSource: "cloud", plainApi: "maybe" });
        stack.writeText("some-mcp", MANIFEST);
        const outcome = await stack.up();
        await expectRefusal(outcome, /portOffset: must be/);
        expect(outcome.stderr).toMatch(/imageSource: must be registry or local/);
        expect(outcome.stderr).toMatch(/plainApi: must be true or false/);
    });

    test("refuses encrypted settings, which only a Pulumi CLI can read", async () => {
        await stack.prepare({ someToken: { secure: "v1:abc:def" } });
        stack.writeText("some-mcp", MANIFEST);
        await expectRefusal(await stack.up(), /sutazai-mcp:someToken is encrypted/);
    });

    test("without Docker says so and what to do", async () => {
        await stack.prepare();
        stack.writeText("some-mcp", MANIFEST);
        // A machine with nothing but a shell: its own root for the script, and a PATH of four programs.
        const root = mkdtempSync(path.join(tmpdir(), "mcp-e2e-bare-"));
        try {
            mkdirSync(path.join(root, "bin"));
            mkdirSync(path.join(root, "var", "run"), { recursive: true });
            for (const program of ["bash", "id", "uname", "node"]) {
                const real = program === "node" ? process.execPath : (onPath(program) ?? "");
                symlinkSync(real, path.join(root, "bin", program));
            }
            const outcome = await stack.mcp(["up", "--engine", "rehearse", "--json"], {
                env: { PATH: path.join(root, "bin"), MCP_TEST_ROOT: root },
            });
            await expectRefusal(outcome, /Docker is not installed/);
            expect(outcome.stderr).toContain("→ install Docker Engine 20.10 or newer");
        } finally {
            rmSync(root, { recursive: true });
        }
    });
});

function listen(port: number): Promise<Server> {
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.once("error", reject).listen(port, "127.0.0.1", () => resolve(server));
    });
}
