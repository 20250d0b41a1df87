import { MANAGER, ManagerApi } from "../manager";
import type { TestStack } from "../stack";

const LINES = 3_000;

/** Central logs on the `mcp-logs` volume. */
export function managerLogTests(stack: TestStack): void {
    const api = new ManagerApi(stack);

    /** Has files-mcp say numbered lines with a word, some at a time; gives back when all are said. */
    const say = (word: string): Promise<unknown> =>
        stack.inside(
            "files-mcp",
            [
                ...["sh", "-c"],
                // Process 1 runs as the server's user: what is written there is the container's output.
                `i=0; while [ $i -lt ${String(LINES)} ]; do i=$((i + 1)); echo "${word} $i"; ` +
                    "[ $((i % 100)) -eq 0 ] && sleep 0.1; done >/proc/1/fd/1",
            ],
            60,
        );
    const said = async (word: string): Promise<number[]> => {
        const { body } = await api.as("read", "GET", "/containers/files-mcp/logs?tail=10000");
        const lines = body.split("\n").filter((line) => line !== "");
        return lines
            .map((line) => (JSON.parse(line) as { line: string }).line)
            .filter((line) => line.startsWith(`${word} `))
            .map((line) => Number(line.split(" ")[1]));
    };
    const all = Array.from({ length: LINES }, (_, index) => index + 1);
    const complete = async (word: string): Promise<number[]> => {
        const deadline = Date.now() + 30_000;
        let found = await said(word).catch(() => []);
        while (found.length < LINES && Date.now() < deadline) {
            await new Promise((resolve) => setTimeout(resolve, 300));
            found = await said(word).catch(() => []);
        }
        return found;
    };

    test("every line is there once and in order, over an orderly restart of the manager", async () => {
        const speaking = say("orderly");
        await stack.run("docker", "restart", "--time", "10", MANAGER);
        await speaking;
        expect(await complete("orderly")).toEqual(all);
    }, 100_000);

    test("and over one that is killed", async () => {
        const speaking = say("killed");
        await stack.run("docker", "kill", MANAGER);
        await stack.run("docker", "start", MANAGER);
        await speaking;
        expect(await complete("killed")).toEqual(all);
    }, 100_000);

    test("logs shows them with their time, and still when the container is gone", async () => {
        const { code, stdout } = await stack.mcp(["logs", "files-mcp", "--tail", "3"]);
        expect(code).toBe(0);
        const lines = stdout.trim().split("\n");
        expect(lines).toHaveLength(3);
        expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z /);
        const gone = `gone-${String(process.pid)}`;
        const [files] = await stack.inspect("files-mcp");
        const labels = ["mcp.managed=true", "mcp.managed-by=sutazai-mcp", "mcp.component=server"];
        await stack.run(
            ...["docker", "run", "--detach", "--name", gone, "--network", "none"],
            ...labels.flatMap((label) => ["--label", label]),
            ...["--entrypoint", "sh", files?.Image ?? "", "-c", "echo last words; sleep 5"],
        );
        const deadline = Date.now() + 20_000;
        let text = "";
        while (!text.includes("last words") && Date.now() < deadline) {
            await new Promise((resolve) => setTimeout(resolve, 300));
            text = (await api.as("read", "GET", `/containers/${gone}/logs`)).body;
        }
        await stack.run("docker", "rm", "--force", gone);
        expect((await stack.mcp(["logs", gone])).stdout).toMatch(/Z last words$/m);
    }, 60_000);

    test("a log that never was is an error, and so is a path in its place", async () => {
        const { code, stderr } = await stack.mcp(["logs", "no-such-mcp"]);
        expect([code, stderr]).toEqual([1, expect.stringContaining("no-such-mcp") as string]);
        for (const name of ["..%2f..%2fetc%2fpasswd", "%2e%2e", "a%00b", ".hidden/../x"]) {
            const { status } = await api.as("read", "GET", `/containers/${name}/logs`);
            expect([name, [400, 404].includes(status)]).toEqual([name, true]);
        }
    });
}
