import { spawn } from "node:child_process";
import * as path from "node:path";
import { createInterface } from "node:readline";

import { PROJECT_DIR } from "../cli";
import { Mesh } from "../mesh";
import type { TestStack } from "../stack";
import { GATEWAY_PORT } from "./servers";

/** A program that knows only Consul finds a server, uses it, and follows it through its death. */
export function meshConsumerTests(stack: TestStack): void {
    const mesh = new Mesh(stack);

    test("it finds postgres-mcp, lists and calls its tools, sees it leave and come back", async () => {
        const consumer = spawn(
            process.execPath,
            ["--import", "tsx", path.join(__dirname, "..", "consumer.ts")],
            {
                cwd: PROJECT_DIR,
                env: {
                    CONSUL: mesh.url,
                    SERVICE: mesh.service("postgres-mcp"),
                    TOKEN: await stack.token(),
                },
                stdio: ["ignore", "pipe", "inherit"],
            },
        );
        const lines = createInterface({ input: consumer.stdout })[Symbol.asyncIterator]();
        const next = async (): Promise<unknown> => {
            const line = await lines.next();
            if (line.done === true) throw new Error("the consumer ended");
            return JSON.parse(line.value) as unknown;
        };
        const used = {
            event: "used",
            at: `http://${stack.main(2)}:${String(GATEWAY_PORT)}/servers/postgres-mcp/mcp`,
            tools: expect.arrayContaining(["execute_sql"]) as unknown,
            answered: true,
        };
        try {
            expect(await next()).toEqual(used);
            await stack.run("docker", "stop", "--time", "0", "postgres-mcp");
            expect(await next()).toEqual({ event: "left" });
            await stack.run("docker", "start", "postgres-mcp");
            expect(await next()).toEqual(used);
        } finally {
            consumer.kill("SIGKILL");
            await stack.run("docker", "start", "postgres-mcp");
        }
    }, 60_000);
}
