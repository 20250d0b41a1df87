import { host } from "../docker";
import { initialize, type Answer } from "../http";
import type { TestStack } from "../stack";
import { PORTS, PRODUCT, SERVERS } from "./servers";

/** Past any proxy: what the proxy lets through is for the tests of egress. */
const curl = ["curl", "-sS", "-m", "4", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}"];

/** curl's words for an address that does not answer. */
const CLOSED = /timed out|Failed|refused/;

/** Who reaches whom, and under which name. */
export function networkTests(stack: TestStack): void {
    /** "200" when the container gets that page, else curl's complaint. */
    const get = async (name: string, url: string): Promise<string> => {
        const { code, stdout, stderr } = await stack.inside(name, [...curl, url]);
        return code === 0 ? stdout : stderr.trim();
    };

    test("no server reaches another one, by name, by address or by its published port", async () => {
        const inspected = await stack.inspect(...SERVERS);
        const addresses = inspected.flatMap(({ Name, NetworkSettings: { Networks } }) =>
            Object.values(Networks).map(({ IPAddress }) => ({ to: Name.slice(1), IPAddress })),
        );
        const ways = SERVERS.flatMap((from) =>
            addresses
                .filter(({ to }) => to !== from)
                .flatMap(({ to, IPAddress }) => [
                    { from, url: `http://${IPAddress}:3000/healthz` },
                    { from, url: `http://${stack.main(2)}:${PORTS[to as keyof typeof PORTS]}/` },
                ]),
        );
        // files-mcp is on one network, the others are on their link as well.
        expect(ways.length).toBe((SERVERS.length - 1) * (2 * SERVERS.length - 1) * 2);
        const open = await Promise.all(
            ways.map(async ({ from, url }) => {
                const answer = await get(from, url);
                return CLOSED.test(answer) ? [] : [`${from} -> ${url}`];
            }),
        );
        expect(open.flat()).toEqual([]);
    }, 60_000);

    test("the orchestrator's API is closed to the servers", async () => {
        // Not even the door of the one that asks for certificates.
        const secure = await get("http-mcp", `https://${stack.main(2)}:2376/version`);
        expect(secure).toMatch(/timed out/);
        const plain = await get("http-mcp", `http://${stack.main(2)}:2375/version`);
        expect(plain).toMatch(/timed out/);
    });

    describe("the host's networks", () => {
        const members = async (name: string): Promise<string[]> => {
            const { Containers = {} } = await host.getNetwork(name).inspect();
            return Object.values(Containers)
                .map(({ Name, IPv4Address }) => `${Name} ${IPv4Address}`)
                .sort();
        };

        test("hold the orchestrator on both, and each other part on the one it needs", async () => {
            expect(await members(`${stack.prefix}sutazai-main`)).toEqual([
                `${stack.consul} ${stack.main(5)}/24`,
                `${stack.edge} ${stack.main(6)}/24`,
                `${stack.orchestrator} ${stack.main(2)}/24`,
                `${stack.reporter} ${stack.main(7)}/24`,
            ]);
            expect(await members(`${stack.prefix}sutazai-dind-internal`)).toEqual([
                `${stack.orchestrator} ${stack.internal(2)}/24`,
                `${stack.postgres} ${stack.internal(10)}/24`,
            ]);
        });

        test("have no route out on the internal one", async () => {
            const network = host.getNetwork(`${stack.prefix}sutazai-dind-internal`);
            expect(await network.inspect()).toMatchObject({ Internal: true });
        });
    });

    describe("a request to", () => {
        describe.each(PRODUCT)("%s", (name) => {
            const asked = async (headers: Record<string, string>): Promise<Answer> => {
                const { url, token } = await stack.door(PORTS[name]);
                return initialize(url, { Authorization: `Bearer ${token}`, ...headers });
            };
            const status = async (headers: Record<string, string>): Promise<number> =>
                (await asked(headers)).status;

            test.each(["evil.example", "127.0.0.1.evil.example", `evil.example:${PORTS[name]}`])(
                "the host %j is refused (DNS rebinding)",
                async (wrong) => {
                    const { status: code, body } = await asked({ Host: wrong });
                    expect([400, 403]).toContain(code);
                    expect(body).not.toMatch(/serverInfo/);
                },
            );

            test("a page of another origin is refused", async () => {
                const foreign = await asked({ Origin: "http://evil.example" });
                const allowed = foreign.headers["access-control-allow-origin"];
                expect(foreign.status).toBe(403);
                expect([undefined, "http://localhost"]).toContain(allowed);
                expect([400, 403]).toContain(await status({ Origin: "null" }));
            });

            test("the names and addresses of the orchestrator are served", async () => {
                const port = PORTS[name];
                for (const right of [
                    `127.0.0.1:${stack.port(port)}`,
                    `localhost:${stack.port(port)}`,
                    `${stack.main(2)}:${port}`,
                    `${stack.orchestrator}:${port}`,
                ]) {
                    const code = await status({ Host: right });
                    expect({ right, code }).toEqual({ right, code: 200 });
                }
            });
        });
    });
}
