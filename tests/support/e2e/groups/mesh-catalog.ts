import { z } from "zod";

import { askConsul, type ConsulRefusal } from "../../../../cli/consul/client";
import { resultOf } from "../cli";
import { exec } from "../docker";
import { knock } from "../http";
import { Mesh } from "../mesh";
import type { TestStack } from "../stack";
import { GATEWAY, GATEWAY_PORT, SERVERS } from "./servers";

const discovered = z.object({
    services: z.array(
        z.looseObject({
            service: z.string(),
            url: z.string(),
            state: z.string(),
            tools: z.string(),
            dns: z.object({ name: z.string(), answers: z.boolean() }),
        }),
    ),
});

/** Status of a refusal; 200 when there is none. */
async function refusal(asked: Promise<unknown>): Promise<number> {
    return asked.then(
        () => 200,
        (error: unknown) => (error as ConsulRefusal).status,
    );
}

/** What is registered, who may read and write it, and how it is found. */
export function meshCatalogTests(stack: TestStack): void {
    const mesh = new Mesh(stack);
    const node = `${stack.prefix}sutazai-mcp-orchestrator`;

    test("every server, the gateway, the manager and the orchestrator are on one node, where sutazai-main reaches them", async () => {
        const path = `/v1/catalog/node-services/${node}`;
        const { Node, Services } = await askConsul<{
            Node: { Address: string };
            Services: {
                Service: string;
                Address: string;
                Port: number;
                Tags: string[];
                Meta: Record<string, string>;
            }[];
        }>(await mesh.as(), "GET", path);
        expect(Node.Address).toBe(stack.main(2));
        const names = Services.map(({ Service }) => Service).sort();
        expect(names).toEqual(
            [...SERVERS, "mcp-edge", GATEWAY, "mcp-manager", "mcp-orchestrator"]
                .map((s) => mesh.service(s))
                .sort(),
        );
        for (const server of SERVERS) {
            const one = Services.find(({ Service }) => Service === mesh.service(server));
            expect(one).toMatchObject({ Address: stack.main(2), Port: GATEWAY_PORT });
            expect(one?.Tags).toEqual(
                expect.arrayContaining(["mcp", "streamable-http", `stack:${stack.name}`]),
            );
            const [container] = await stack.inspect(server);
            expect(one?.Meta).toMatchObject({
                protocol: "mcp",
                transport: "streamable-http",
                path: `/servers/${server}/mcp`,
                tools: expect.stringMatching(/^[1-9][0-9]*$/) as unknown,
                image: container?.Config.Image,
                "manifest-hash": container?.Config.Labels["mcp.manifest-hash"],
            });
        }
    });

    test("by HTTP, DNS and the prepared query a consumer finds the same", async () => {
        for (const server of SERVERS) {
            const place = { address: stack.main(2), port: GATEWAY_PORT };
            expect(await mesh.byHttp(server)).toEqual([place]);
            expect(await mesh.byQuery(server)).toEqual([place]);
            expect(await mesh.byDns(server)).toEqual({
                ports: [place.port],
                addresses: [place.address],
            });
        }
        expect(await mesh.byQuery("no-such-mcp")).toEqual([]);
    });

    test("without a token services can be looked up, and nothing else", async () => {
        const anybody = await mesh.as();
        const put = {
            Node: node,
            SkipNodeUpdate: true,
            Service: { Service: "forged", ID: "forged" },
        };
        const refused = [
            refusal(askConsul(anybody, "PUT", "/v1/catalog/register", put)),
            refusal(askConsul(anybody, "PUT", "/v1/catalog/deregister", { Node: node })),
            refusal(askConsul(anybody, "PUT", "/v1/kv/a", "b")),
            refusal(askConsul(anybody, "GET", "/v1/acl/tokens")),
            refusal(askConsul(anybody, "GET", "/v1/agent/self")),
            refusal(askConsul(anybody, "PUT", "/v1/agent/leave")),
        ];
        expect(await Promise.all(refused)).toEqual([403, 403, 403, 403, 403, 403]);
        expect(await askConsul(anybody, "GET", "/v1/query")).toEqual([]);
    });

    test.each(["registrar", "reporter"] as const)(
        "the token of the %s may not touch keys, ACLs, other nodes or foreign services",
        async (role) => {
            const target = await mesh.as(role);
            const foreign = { Node: "other-node", Address: "10.0.0.1" };
            const service = { Service: "not-ours", ID: "not-ours" };
            const refused = [
                refusal(askConsul(target, "PUT", "/v1/kv/a", "b")),
                refusal(askConsul(target, "GET", "/v1/acl/tokens")),
                refusal(askConsul(target, "PUT", "/v1/catalog/register", foreign)),
                refusal(
                    askConsul(target, "PUT", "/v1/catalog/register", {
                        Node: node,
                        SkipNodeUpdate: true,
                        Service: service,
                    }),
                ),
            ];
            expect(await Promise.all(refused)).toEqual([403, 403, 403, 403]);
        },
    );

    test("the reporter may not deregister the node", async () => {
        const target = await mesh.as("reporter");
        const asked = askConsul(target, "PUT", "/v1/catalog/deregister", { Node: node });
        expect(await refusal(asked)).toBe(403);
    });

    test("the key/value store is empty, gossip is encrypted, and nothing runs scripts", async () => {
        const all = await mesh.as("management");
        expect(await refusal(askConsul(all, "GET", "/v1/kv/?recurse"))).toBe(404);
        const { DebugConfig } = await askConsul<{
            DebugConfig: Record<string, unknown>;
        }>(all, "GET", "/v1/agent/self");
        expect(DebugConfig).toMatchObject({
            ACLsEnabled: true,
            ConnectEnabled: false,
            EnableLocalScriptChecks: false,
            EnableRemoteScriptChecks: false,
        });
        const ring = await askConsul<{ NumNodes: number; Keys: object }[]>(
            all,
            "GET",
            "/v1/operator/keyring",
        );
        expect(Object.keys(ring[0]?.Keys ?? {})).toHaveLength(1);
    });

    test("the API is on loopback and on sutazai-main, and tokens are on no command line", async () => {
        expect(await knock("127.0.0.1", stack.port(10006))).toBe("open");
        expect(await knock(stack.main(5), 8500)).toBe("open");
        expect(await knock(stack.internal(1), stack.port(10006))).not.toBe("open");
        const { token = "" } = await mesh.as("management");
        const { stdout } = await exec(stack.consul, [
            "sh",
            "-c",
            "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'",
        ]);
        expect(stdout).toContain("consul");
        expect(stdout).not.toContain(token);
    });

    describe("./mcp discover", () => {
        test("shows what a consumer gets, also as JSON", async () => {
            const { services } = resultOf(await stack.mcp(["discover", "--json"]), discovered);
            expect(services.map(({ service, url, state }) => ({ service, url, state }))).toEqual(
                [...SERVERS].sort().map((server) => ({
                    service: mesh.service(server),
                    url: `http://${stack.main(2)}:${String(GATEWAY_PORT)}/servers/${server}/mcp`,
                    state: "passing",
                })),
            );
            for (const { service, dns, tools } of services) {
                expect(dns).toEqual({ name: `${service}.service.consul`, answers: true });
                expect(Number(tools)).toBeGreaterThan(0);
            }
            const { code, stdout } = await stack.mcp(["discover", "files-mcp"]);
            expect(code).toBe(0);
            expect(stdout).toMatch(/SERVICE +URL +STATE +TOOLS +DNS/);
            expect(stdout).toContain(`${mesh.service("files-mcp")}.service.consul`);
            expect(stdout).not.toContain(mesh.service("postgres-mcp"));
        });

        test("an unknown server is one line with what there is", async () => {
            const { code, stderr } = await stack.mcp(["discover", "nobody"]);
            expect(code).toBe(1);
            expect(stderr).toContain("error: nobody: not registered");
            expect(stderr).toContain(mesh.service("files-mcp"));
        });
    });
}
