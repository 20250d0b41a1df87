import { host } from "../docker";
import { datagramsTo, initialize, serveSite, type Answer, type Site } from "../http";
import type { TestStack } from "../stack";
import { PORTS, PRODUCT, SERVERS } from "./servers";

const curl = ["curl", "-sS", "-m", "4", "-o", "/dev/null", "-w", "%{http_code}"];

/** curl's words for an address that does not answer. */
const CLOSED = /timed out|Failed|refused/;

/** Sends a datagram three times. */
const SEND = `
import socket, sys
text, address, port = sys.argv[1:]
for _ in range(3):
    socket.socket(type=socket.SOCK_DGRAM).sendto(text.encode(), (address, int(port)))`;

/** Who reaches whom, and under which name. */
export function networkTests(stack: TestStack): void {
    /** "200" when the container gets that page, else curl's complaint. */
    const get = async (name: string, url: string): Promise<string> => {
        const { code, stdout, stderr } = await stack.inside(name, [...curl, url]);
        return code === 0 ? stdout : stderr.trim();
    };

    describe("a server with egress none", () => {
        let site: Site;

        beforeAll(async () => {
            site = await serveSite(stack.main(1), { "/": { type: "text/plain", body: "here" } });
        });
        afterAll(() => site?.close());

        test("gets no answer from outside, where one with egress gets it", async () => {
            const url = `${site.origin}/`;
            expect(await get("http-mcp", url)).toBe("200");
            const before = site.visits.length;
            const database = `http://${stack.internal(10)}:5432/`;
            const answers = [get("files-mcp", url), get("files-mcp", database)];
            expect(await Promise.all(answers)).toEqual([
                expect.stringMatching(CLOSED),
                expect.stringMatching(CLOSED),
            ]);
            expect(site.visits).toHaveLength(before);
        });

        test("sends nothing out that needs no answer, where one with egress can", async () => {
            const heard = await datagramsTo(stack.main(1), async (port) => {
                for (const name of ["http-mcp", "files-mcp"]) {
                    const words = [`from ${name}`, stack.main(1), String(port)];
                    const sent = await stack.inside(name, ["python3", "-c", SEND, ...words]);
                    expect(sent).toMatchObject({ code: 0, stderr: "" });
                }
            });
            expect([...new Set(heard)]).toEqual(["from http-mcp"]);
        });

        test("asks no name server outside: by its questions data would leave", async () => {
            // A name that only the host's Docker knows: an answer has passed through it.
            const name = `${stack.postgres}.${stack.prefix}sutazai-dind-internal`;
            expect((await stack.run("getent", "hosts", name)).trim()).toContain(stack.internal(10));
            const { code, stdout } = await stack.inside("files-mcp", ["getent", "hosts", name]);
            expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
        });
    });

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
        expect(ways.length).toBe(SERVERS.length * (SERVERS.length - 1) * 2);
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
        expect(await get("http-mcp", `http://${stack.main(2)}:2375/version`)).toMatch(
            /refused|Failed/,
        );
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
