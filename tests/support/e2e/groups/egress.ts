import { datagramsTo, serveSite, type Site } from "../http";
import { MANAGER } from "../manager";
import type { TestStack } from "../stack";
import { COMPANIONS, FETCHING, PORTS, SERVERS, SITE_PORT } from "./servers";

const GATEWAY = "mcp-gateway";

/** Connects to each "<address> <port>" at once; prints those that answered within 3 s, by a refusal as well. */
const KNOCK = `
import asyncio, sys
async def knock(place):
    address, port = place.split()
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, int(port)), 3)
        writer.close()
        print(place, "open")
    except ConnectionRefusedError:
        print(place, "refused")
    except (OSError, asyncio.TimeoutError):
        pass
async def main():
    await asyncio.gather(*map(knock, sys.argv[1:]))
asyncio.run(main())`;

/** Sends a question to PostgreSQL and prints the first byte of its answer: whether it would take TLS. */
const ASK_POSTGRES = `
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as connection:
    connection.sendall(bytes.fromhex("0000000804d2162f"))
    print(connection.recv(1).decode())`;

/** Asks a name server by a datagram for example.com, three times, and prints whether anything came back. */
const ASK_NAME_SERVER = `
import socket, sys
asker = socket.socket(type=socket.SOCK_DGRAM)
asker.settimeout(1)
for _ in range(3):
    try:
        asker.sendto(bytes.fromhex("abcd01000001000000000000076578616d706c6503636f6d0000010001"), (sys.argv[1], int(sys.argv[2])))
        asker.recv(512)
        print("answered")
    except OSError:
        pass`;

/** Kills by SIGKILL the process of that name; fails if there is none. */
const KILL = `
for folder in /proc/[0-9]*; do
    read -r name <"$folder/comm" 2>/dev/null || continue
    if [ "$name" = "$1" ]; then kill -9 "\${folder#/proc/}"; exit; fi
done
exit 1`;

/** Each server reaches what it declares, by its companion, and nothing else. */
export function egressTests(stack: TestStack): void {
    const python = async (name: string, program: string, ...words: string[]): Promise<string> => {
        const { code, stdout, stderr } = await stack.inside(name, [
            ...["python3", "-c", program],
            ...words,
        ]);
        return code === 0 ? stdout.trim() : (stderr.trim().split("\n").at(-1) ?? "");
    };

    /** Status of a page through the server's proxy; that of the proxy's own refusal where there is no tunnel. */
    const fetched = async (name: string, ...words: string[]): Promise<string> => {
        const { stdout } = await stack.inside(name, [
            ...["curl", "-s", "-g", "-m", "15", "-o", "/dev/null"],
            ...["-w", "%{http_code} %{http_connect}", ...words],
        ]);
        return stdout;
    };

    /** Addresses of containers of the inner daemon by network. */
    const addresses = async (name: string): Promise<Record<string, string>> => {
        const [found] = await stack.inspect(name);
        const networks = Object.entries(found?.NetworkSettings.Networks ?? {});
        return Object.fromEntries(networks.map(([key, { IPAddress }]) => [key, IPAddress]));
    };

    /** The orchestrator's own addresses on the networks inside. */
    const bridges = async (): Promise<string[]> => {
        const format = "{{range .IPAM.Config}}{{.Gateway}} {{end}}";
        const networks = (await stack.run("docker", "network", "ls", "-q")).trim().split("\n");
        const found = await stack.run("docker", "network", "inspect", "-f", format, ...networks);
        const gateways = found.split(/\s+/).filter((text) => text !== "");
        // The default one, the servers', the companions', and a link for each companion.
        expect(gateways.length).toBeGreaterThanOrEqual(3 + COMPANIONS.length);
        return gateways;
    };

    /** Everything in and around the stack that a container might come to, but for what is its own. */
    const placesFor = async (self: string): Promise<string[]> => {
        const others = [...SERVERS, ...COMPANIONS, MANAGER, GATEWAY].filter((one) => one !== self);
        const found = await Promise.all(
            others.map(async (name) => ({ name, networks: await addresses(name) })),
        );
        const ports = [3000, 3128, 5432, 8080, 8090, 9090, 9464, SITE_PORT];
        const link = self.startsWith("mcp-egress-") ? self.slice(11) : self;
        const inside = found
            .flatMap(({ networks }) => Object.entries(networks))
            // A server and its companion see each other on their link.
            .filter(([network]) => network !== `mcp-link-${link}`)
            .flatMap(([, address]) => ports.map((port) => `${address} ${port}`));
        const own = [...(await bridges()), stack.main(2), stack.internal(2)].flatMap((address) =>
            [22, 2375, 2376, 8080, 13001].map((port) => `${address} ${port}`),
        );
        return [...inside, ...own, "169.254.169.254 80"];
    };

    /** What is outside: a server comes to it by its companion or not at all. */
    const outside = (): string[] => [
        ...[53, SITE_PORT].map((port) => `${stack.main(1)} ${port}`),
        ...[8500, 8600].map((port) => `${stack.main(5)} ${port}`),
        `${stack.main(7)} 9099`,
        `${stack.internal(1)} 22`,
        `${stack.internal(10)} 5432`,
        "8.8.8.8 53",
        "2606:4700::1111 443",
        "fd00:ec2::254 80",
        "fe80::1 2376",
    ];

    describe("egress:", () => {
        let site: Site;

        beforeAll(async () => {
            const page = { "/": { type: "text/plain", body: "here" } };
            site = await serveSite(stack.main(1), page, SITE_PORT);
        });
        afterAll(() => site?.close());

        test.each(SERVERS)("%s comes to no address that is not its companion's", async (name) => {
            const places = [...(await placesFor(name)), ...outside()];
            expect(places.length).toBeGreaterThan(100);
            expect(await python(name, KNOCK, ...places)).toBe("");
        });

        test.each(COMPANIONS)("%s comes to nothing inside, its own server apart", async (name) => {
            expect(await python(name, KNOCK, ...(await placesFor(name)))).toBe("");
            // It is the one that leaves.
            const there = `${stack.main(1)} ${SITE_PORT}`;
            expect(await python(name, KNOCK, there)).toBe(`${there} open`);
        });

        test("no server asks a name server, by its own resolver or by datagram", async () => {
            // A name that only the host's Docker knows: an answer has passed through it.
            const known = `${stack.postgres}.${stack.prefix}sutazai-dind-internal`;
            const heard = await datagramsTo(stack.main(1), async (port) => {
                for (const name of SERVERS) {
                    const { code, stdout } = await stack.inside(name, ["getent", "hosts", known]);
                    expect({ name, code, stdout }).toEqual({ name, code: 2, stdout: "" });
                    const asked = await python(
                        name,
                        ASK_NAME_SERVER,
                        ...[stack.main(1), String(port)],
                    );
                    expect({ name, asked }).toEqual({ name, asked: "" });
                }
                // What shows that a datagram would have been heard.
                await python(COMPANIONS[0] ?? "", ASK_NAME_SERVER, stack.main(1), String(port));
            });
            expect(heard.length).toBeGreaterThan(0);
            expect(heard.length).toBeLessThanOrEqual(3);
        }, 60_000);

        test.each(SERVERS)("%s has no IPv6 beyond its loopback", async (name) => {
            const { stdout } = await stack.inside(name, ["cat", "/proc/net/if_inet6"]);
            expect(stdout.replace(/^.* lo\n/gm, "")).toBe("");
        });

        test("postgres-mcp comes to the database by its companion, on the declared port alone", async () => {
            expect(await python("postgres-mcp", ASK_POSTGRES, "postgres", "5432")).toMatch(
                /^[SN]$/,
            );
            const companion = await addresses("mcp-egress-postgres-mcp");
            const own = companion["mcp-link-postgres-mcp"] ?? "";
            const ports = [80, 3128, 5433, 8500];
            const answers = await python(
                "postgres-mcp",
                KNOCK,
                ...ports.map((port) => `${own} ${port}`),
            );
            expect(answers.split("\n").sort()).toEqual(
                ports.map((port) => `${own} ${port} refused`).sort(),
            );
        });

        test("a page that is declared by its address is fetched by the proxy", async () => {
            expect(await fetched(FETCHING, `${site.origin}/`)).toBe("200 000");
            // The name of the companion for ports that are forwarded.
            expect(await fetched(FETCHING, "--noproxy", "*", `http://egress:${SITE_PORT}/`)).toBe(
                "200 000",
            );
            expect(site.visits.at(-1)).toBe(`${stack.main(2)} /`);
        });

        test("what is not declared is refused by the proxy, whatever it is called", async () => {
            const consul = stack.main(5);
            const number = consul.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
            const before = site.visits.length;
            const refused = [
                `${site.origin.replace(String(SITE_PORT), "80")}/`,
                `http://${consul}/`,
                `http://${number}/`,
                `http://[::ffff:${consul}]/`,
                `http://${stack.consul}/`,
                `http://${consul}:8500/v1/agent/self`,
                `http://${stack.main(2)}:${PORTS["files-mcp"]}/mcp`,
                "http://169.254.169.254/latest/meta-data/",
                "http://127.0.0.1:3000/",
                "http://localhost.:3000/",
                "http://[::1]:3000/",
            ];
            const answers = refused.map(async (url): Promise<[string, string]> => {
                return [url, await fetched(FETCHING, "--noproxy", "", url)];
            });
            expect(await Promise.all(answers)).toEqual(
                refused.map((url) => [url, expect.stringMatching(/^(403|503) 000$/) as string]),
            );
            const tunnels = [`https://${consul}:443/`, `https://${consul}:8500/`];
            for (const url of tunnels) expect(await fetched(FETCHING, url)).toBe("000 403");
            // The declared one too, for the server that has not declared it.
            expect(await fetched("http-mcp", `${site.origin}/`)).toBe("403 000");
            expect(site.visits).toHaveLength(before);
        });

        test("a refusal is in the companion's log, and with that in the central one", async () => {
            await fetched(FETCHING, "http://undeclared.example:81/");
            const line = /GET http:\/\/undeclared\.example:81\/ 403 TCP_DENIED/;
            expect(await stack.run("docker", "logs", "mcp-egress-fetch-test")).toMatch(line);
            const file = "/var/log/mcp/mcp-egress-fetch-test.jsonl";
            const until = Date.now() + 20_000;
            while (Date.now() < until && !line.test(await stack.run("cat", file))) {
                await new Promise((resolve) => setTimeout(resolve, 300));
            }
            expect(await stack.run("cat", file)).toMatch(line);
        });

        test("a companion that dies comes back, and its server never has another way out", async () => {
            const killed = await stack.inside("mcp-egress-postgres-mcp", [
                ...["bash", "-c", KILL, "kill", "haproxy"],
            ]);
            expect(killed).toMatchObject({ code: 0 });
            const direct = `${stack.internal(10)} 5432`;
            expect(await python("postgres-mcp", KNOCK, direct)).toBe("");
            const until = Date.now() + 30_000;
            let answer = "";
            while (Date.now() < until && !/^[SN]$/.test(answer)) {
                answer = await python("postgres-mcp", ASK_POSTGRES, "postgres", "5432");
            }
            expect(answer).toMatch(/^[SN]$/);
            const [companion] = await stack.inspect("mcp-egress-postgres-mcp");
            expect(companion?.RestartCount).toBeGreaterThan(0);
        }, 90_000);
    });
}
