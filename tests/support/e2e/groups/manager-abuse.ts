import { ask } from "../http";
import { MANAGER, ManagerApi } from "../manager";
import type { TestStack } from "../stack";

const YAML = { "content-type": "application/yaml" };
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A document that would grow to a billion nodes if its aliases were followed. */
const LAUGHS = Array.from({ length: 9 }, (_, level) =>
    level === 0
        ? "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"
        : `a${String(level)}: &a${String(level)} [${Array(10)
              .fill(`*a${String(level - 1)}`)
              .join(", ")}]`,
).join("\n");

/** What the manager does when its clients, its servers or its daemon misbehave. */
export function managerAbuseTests(stack: TestStack): void {
    const api = new ManagerApi(stack);

    test("manifest bombs and nonsense are refused at once, and make nothing", async () => {
        const bombs = {
            laughs: LAUGHS,
            deep: `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
            large: `x: ${"y".repeat(1024 * 1024)}`,
            binary: "\u0000\u0001\u0002",
            empty: "",
            list: "- 1\n- 2",
            "no spec": "apiVersion: mcp/v1\nkind: MCPContainer\nmetadata: { name: x }",
            "a system port": manifest("port: 2376"),
            "a system image": manifest("port: 13009").replace("bridge", "manager"),
            "a host path": `${manifest("port: 13009")}  volumes: [{ source: /etc, path: /x }]\n`,
            "a secret": `${manifest("port: 13009")}  secrets: [{ name: dsn, from: postgres.dsn }]\n`,
            "a label of ours": manifest("port: 13009").replace(
                "name: bomb-mcp",
                "name: bomb-mcp, labels: { mcp.managed-by: sutazai-mcp }",
            ),
        };
        for (const [what, body] of Object.entries(bombs)) {
            const begun = Date.now();
            const { status } = await api.as("operate", "POST", "/containers", {
                body,
                headers: YAML,
            });
            expect([what, status >= 400 && status < 500]).toEqual([what, true]);
            expect([what, Date.now() - begun < 3_000]).toEqual([what, true]);
        }
        expect((await stack.innerNames()).server).not.toContain("bomb-mcp");
    }, 60_000);

    const manifest = (port: string): string => `apiVersion: mcp/v1
kind: MCPContainer
metadata: { name: bomb-mcp }
spec:
  build: bridge
  command: ["sleep", "60"]
  ${port}
`;

    test("fifty clients at once are all answered, also while servers come and go", async () => {
        const restart = api.as("operate", "POST", "/containers/http-mcp/restart?wait=60");
        const paths = ["/containers", "/status", "/containers/files-mcp", "/health"];
        const answers = await Promise.all(
            Array.from({ length: 50 }, async (_, client) => {
                const seen: number[] = [];
                for (let round = 0; round < 10; round += 1) {
                    const path = paths[(client + round) % paths.length] ?? "/health";
                    seen.push((await api.as("read", "GET", path)).status);
                }
                return seen;
            }),
        );
        expect([...new Set(answers.flat())]).toEqual([200]);
        expect((await restart).status).toBe(200);
    }, 120_000);

    test("what a server says cannot break its log: a line of a megabyte, binary, no end", async () => {
        const script =
            "head -c 1048576 /dev/zero | tr '\\0' 'L'; echo; " +
            "head -c 4096 /dev/urandom; echo; printf 'after all that\\n'";
        await stack.inside("files-mcp", ["sh", "-c", `{ ${script}; } >/proc/1/fd/1`]);
        const deadline = Date.now() + 20_000;
        let records: { line: string; truncated?: boolean }[] = [];
        while (!records.some(({ line }) => line === "after all that") && Date.now() < deadline) {
            await pause(300);
            const { body } = await api.as("read", "GET", "/containers/files-mcp/logs?tail=200");
            records = body
                .split("\n")
                .filter((line) => line !== "")
                .map((line) => JSON.parse(line) as (typeof records)[number]);
        }
        expect(records.at(-1)?.line).toBe("after all that");
        const long = records.find(({ line }) => line.startsWith("LLLL"));
        expect([long?.truncated, (long?.line.length ?? 0) <= 64 * 1024]).toEqual([true, true]);
    }, 40_000);

    test("a daemon killed during requests: the API answers, and is right again when it is back", async () => {
        const pid = (await stack.run("cat", "/var/run/docker.pid")).trim();
        let asking = true;
        const statuses = new Set<number | string>();
        const clients = Array.from({ length: 5 }, async () => {
            while (asking) {
                // With the orchestrator's daemon its containers go, the manager as well: refused is an answer, too.
                const answer = await api.as("read", "GET", "/containers").catch(() => undefined);
                statuses.add(answer?.status ?? "refused");
                await pause(50);
            }
        });
        try {
            await stack.run("kill", "-9", pid).catch(() => undefined);
            await pause(3_000);
            await api.until("everything back", 90, ({ daemon, containers }) => {
                const running = containers.filter(({ state, health }) => {
                    return state === "running" && health === "healthy";
                });
                return daemon.reachable && running.length === containers.length;
            });
        } finally {
            // Else they ask for ever, and the run of the tests never ends.
            asking = false;
            await Promise.all(clients);
        }
        for (const status of statuses) expect([200, 502, 503, 504, "refused"]).toContain(status);
        await api.ready(30);
    }, 120_000);

    test("a certificate the daemon does not know is told as that, and a right one is taken up", async () => {
        const files = ["cert.pem", "key.pem"];
        const keep = files
            .map((file) => `cp -p /certs/client/${file} /tmp/${file}.kept`)
            .join("; ");
        const forge =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 " +
            "-subj /CN=forged -keyout /tmp/forged-key.pem -out /tmp/forged.pem 2>/dev/null; " +
            "cat /tmp/forged.pem >/certs/client/cert.pem; cat /tmp/forged-key.pem >/certs/client/key.pem";
        const back = files.map((file) => `cat /tmp/${file}.kept >/certs/client/${file}`).join("; ");
        await stack.run("sh", "-c", `${keep}; ${forge}`);
        try {
            const found = await api.until("refusal seen", 30, ({ daemon }) => !daemon.reachable);
            expect(JSON.stringify(found.daemon)).toMatch(/certificate/i);
            const restart = await api.as("operate", "POST", "/containers/files-mcp/restart");
            expect([restart.status, restart.body]).toEqual([
                502,
                expect.stringContaining("certificate") as string,
            ]);
        } finally {
            await stack.run("sh", "-c", back);
        }
        await api.until("recovery", 30, ({ daemon }) => daemon.reachable);
    }, 100_000);

    test("tokens are in no log of its own, and not in what it shows", async () => {
        const tokens = [await api.token("read"), await api.token("operate")];
        const own = await stack.run("docker", "logs", MANAGER);
        const shown = await stack.run("docker", "inspect", MANAGER);
        const answers = await Promise.all(
            ["/containers", "/status", `/containers/${MANAGER}/logs?tail=10000`].map((path) =>
                api.as("operate", "GET", path),
            ),
        );
        const texts = [own, shown, ...answers.map(({ body }) => body)];
        for (const token of tokens) {
            expect(token).toMatch(/^[0-9a-f]{64}$/);
            expect(texts.filter((text) => text.includes(token))).toEqual([]);
        }
        const guesses = await Promise.all(
            Array.from({ length: 60 }, (_, index) =>
                ask(api.url("/containers"), {
                    headers: { authorization: `Bearer guess-${String(index)}` },
                }),
            ),
        );
        expect(guesses.some(({ status }) => status === 429)).toBe(true);
        expect(guesses.every(({ status }) => [401, 429].includes(status))).toBe(true);
    }, 60_000);
}
