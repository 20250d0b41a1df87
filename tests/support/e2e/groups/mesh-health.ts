import { askConsul } from "../../../../cli/consul/client";
import { host } from "../docker";
import { Mesh } from "../mesh";
import type { TestStack } from "../stack";
import { SERVERS } from "./servers";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Health in Consul follows what a client would see, within ten seconds, and does not flap. */
export function meshHealthTests(stack: TestStack): void {
    const mesh = new Mesh(stack);
    const all = (there: boolean, limit?: number): Promise<number[]> =>
        Promise.all(SERVERS.map((server) => mesh.until(server, there, limit)));

    /** The reason in the check of a server. */
    const reason = async (server: string): Promise<string> => {
        const path = `/v1/health/checks/${mesh.service(server)}`;
        const [check] = await askConsul<{ Output: string }[]>(await mesh.as(), "GET", path);
        return check?.Output ?? "";
    };

    test("a killed server leaves by HTTP, DNS and query, says why, and comes back", async () => {
        await mesh.until("files-mcp", true);
        await stack.run("docker", "stop", "--time", "0", "files-mcp");
        try {
            await mesh.until("files-mcp", false);
            expect(await mesh.byQuery("files-mcp")).toEqual([]);
            expect(await mesh.byDns("files-mcp")).toEqual({ ports: [], addresses: [] });
            expect(await reason("files-mcp")).toContain("files-mcp cannot be reached");
            const { code, stdout } = await stack.mcp(["discover", "--all"]);
            expect(code).toBe(0);
            expect(stdout).toMatch(/files-mcp +http\S+ +critical .*cannot be reached/);
            expect((await stack.mcp(["discover", "files-mcp"])).code).toBe(1);
        } finally {
            await stack.run("docker", "start", "files-mcp");
        }
        await mesh.until("files-mcp", true, 20);
    });

    test("a hanging server and a dead database make each its server leave, the others stay", async () => {
        await stack.run("docker", "pause", "http-mcp");
        await host.getContainer(stack.postgres).stop({ t: 5 });
        try {
            await Promise.all([mesh.until("http-mcp", false), mesh.until("postgres-mcp", false)]);
            expect(await reason("http-mcp")).toContain("deadline");
            expect(await reason("postgres-mcp")).toContain("execute_sql");
            expect(await mesh.byHttp("files-mcp")).toHaveLength(1);
        } finally {
            await stack.run("docker", "unpause", "http-mcp");
            await host.getContainer(stack.postgres).start();
        }
        await Promise.all([mesh.until("http-mcp", true, 20), mesh.until("postgres-mcp", true, 20)]);
    }, 60_000);

    test("a server that is slow but answers stays, the whole time", async () => {
        await mesh.until("http-mcp", true);
        let isOver = false;
        const slow = async (): Promise<void> => {
            for (let round = 0; round < 4; round += 1) {
                await stack.run("docker", "pause", "http-mcp");
                await pause(3_500);
                await stack.run("docker", "unpause", "http-mcp");
                await pause(500);
            }
            isOver = true;
        };
        const slowed = slow();
        let [seen, gone] = [0, 0];
        while (!isOver) {
            seen += 1;
            if ((await mesh.byHttp("http-mcp")).length === 0) gone += 1;
            await pause(50);
        }
        await slowed;
        expect(seen).toBeGreaterThan(50);
        expect(gone).toBe(0);
    }, 60_000);

    test("a dead orchestrator takes all its servers along, with nobody inside to report it", async () => {
        const container = host.getContainer(stack.orchestrator);
        await container.kill();
        try {
            await Promise.all([all(false), mesh.until("mcp-orchestrator", false)]);
        } finally {
            await container.start();
        }
        await all(true, 90);
        await mesh.until("mcp-orchestrator", true);
    }, 150_000);

    test("a manager that is gone is critical itself, and takes no server along", async () => {
        await stack.run("docker", "stop", "--time", "0", "mcp-manager");
        try {
            await mesh.until("mcp-manager", false);
            await all(true);
        } finally {
            await stack.run("docker", "start", "mcp-manager");
        }
        await mesh.until("mcp-manager", true, 20);
        await all(true);
    }, 60_000);

    test("a Consul that restarts knows the truth again, also of what died meanwhile", async () => {
        const consul = host.getContainer(stack.consul);
        await consul.stop({ t: 10 });
        await stack.run("docker", "stop", "--time", "0", "files-mcp");
        try {
            await consul.start();
            await mesh.until("http-mcp", true, 20);
            await mesh.until("files-mcp", false);
        } finally {
            await stack.run("docker", "start", "files-mcp");
        }
        await mesh.until("files-mcp", true, 20);
    }, 90_000);

    test("a reporter that hangs is critical itself, and one that restarts is back at once", async () => {
        const container = host.getContainer(stack.reporter);
        await container.pause();
        try {
            await mesh.until("mcp-reporter", false, 20);
        } finally {
            await container.unpause();
        }
        await mesh.until("mcp-reporter", true);
        await container.restart({ t: 10 });
        await mesh.until("mcp-reporter", true);
        await all(true);
    }, 60_000);

    test("a check that is deleted or turned by somebody else is put right", async () => {
        const target = await mesh.as("management");
        const node = `${stack.prefix}sutazai-mcp-orchestrator`;
        const service = mesh.service("files-mcp");
        const check = { Node: node, CheckID: `mcp:${service}` };
        await askConsul(target, "PUT", "/v1/catalog/deregister", check);
        await pause(50);
        await mesh.until("files-mcp", true);
        await askConsul(target, "PUT", "/v1/catalog/register", {
            Node: node,
            SkipNodeUpdate: true,
            Check: { ...check, Name: "x", Status: "critical", ServiceID: service },
        });
        await mesh.until("files-mcp", true, 2);
        expect(await reason("files-mcp")).toMatch(/tools/);
    });
}
