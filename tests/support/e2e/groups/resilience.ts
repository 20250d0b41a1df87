import { answersWithin } from "../clients";
import type { TestStack } from "../stack";
import { FETCHING, PORTS, PRODUCT } from "./servers";

/** How the command line of the process begins that does a server's work. */
const WORKERS = {
    "files-mcp": "node /opt/servers/",
    "http-mcp": "python3 ",
    "postgres-mcp": "node /opt/dbhub/",
} as const;

/** Kills by SIGKILL every process whose command line begins with $1; fails if there is none. */
const KILL = `
found=1
for folder in /proc/[0-9]*; do
    line=$(tr '\\0' ' ' <"$folder/cmdline") 2>/dev/null || continue
    case $line in "$1"*) kill -9 "\${folder#/proc/}" && found=0 ;; esac
done
exit $found`;

/** Starts up to 600 processes that live for ten seconds. */
const BOMB = "count=0; while [ $count -lt 600 ]; do sleep 10 & count=$((count + 1)); done; wait";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Servers come back by themselves, and what one does does not harm the others. */
export function resilienceTests(stack: TestStack): void {
    const look = async (name: string): Promise<{ restarts: number; health: string }> => {
        const [found] = await stack.inspect(name);
        return {
            restarts: found?.RestartCount ?? -1,
            health: found?.State.Health?.Status ?? "none",
        };
    };

    test("servers whose process is killed come back, each with one restart", async () => {
        const comeBack = async (name: (typeof PRODUCT)[number]) => {
            const { restarts } = await look(name);
            const killed = await stack.inside(name, ["sh", "-c", KILL, "sh", WORKERS[name]]);
            expect({ name, ...killed }).toMatchObject({ code: 0, stderr: "" });
            const wanted = { name, restarts: restarts + 1, health: "healthy" };
            const deadline = Date.now() + 60_000;
            let now = { name, ...(await look(name)) };
            while (JSON.stringify(now) !== JSON.stringify(wanted) && Date.now() < deadline) {
                await pause(200);
                now = { name, ...(await look(name)) };
            }
            expect(now).toEqual(wanted);
            expect((await answersWithin(stack.door(PORTS[name]), 10)).length).toBeGreaterThan(0);
        };
        await Promise.all(PRODUCT.map(comeBack));
    }, 120_000);

    test("a fork bomb in one server is bounded, and the others go on answering", async () => {
        // Looked at from the orchestrator: in the container itself no command starts any more.
        const id = (await stack.run("docker", "inspect", "-f", "{{.Id}}", FETCHING)).trim();
        const find = await stack.run("find", "/sys/fs/cgroup", "-path", `*/${id}/pids.max`);
        const group = find.trim().replace(/\/pids\.max$/, "");
        const read = async (what: "max" | "current"): Promise<number> =>
            Number(await stack.run("cat", `${group}/pids.${what}`));

        const limit = await read("max");
        expect(limit).toBeLessThanOrEqual(256);
        const bomb = stack.inside(FETCHING, ["sh", "-c", BOMB], 60);
        const deadline = Date.now() + 20_000;
        let most = 0;
        while (most < limit * 0.9 && Date.now() < deadline) most = await read("current");
        expect(most).toBeGreaterThanOrEqual(limit * 0.9);
        for (const name of PRODUCT) await answersWithin(stack.door(PORTS[name]), 5);
        expect(await read("current")).toBeLessThanOrEqual(limit);
        for (const name of PRODUCT) expect(await look(name)).toMatchObject({ health: "healthy" });

        const { code, stderr } = await bomb;
        expect(code).not.toBe(0);
        expect(stderr).toMatch(/fork/i);
        expect(await answersWithin(stack.door(PORTS[FETCHING]), 60)).toEqual(["fetch"]);
    }, 150_000);
}
