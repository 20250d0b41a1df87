import * as fc from "fast-check";
import { PORTS } from "../../../config/defaults";
import { hostPort } from "../../../config/names";
import { loadSettings, SETTING_KEYS } from "../../../config/settings";
import { testAuthority } from "../../support/certificates";
import { source } from "./support";

const DIGEST = `sha256:${"a".repeat(64)}`;
const load = (values: Record<string, string>): ReturnType<typeof loadSettings> =>
    loadSettings(source(values), "dev", {});

describe("what is accepted", () => {
    let CA: string;
    beforeAll(async () => {
        CA = (await testAuthority()).cert;
    });

    test("defaults", () => {
        expect(load({})).toEqual({
            stack: "dev",
            namePrefix: "",
            portOffset: 0,
            bindAddress: "127.0.0.1",
            mainSubnet: "10.89.0.0/24",
            internalSubnet: "172.30.0.0/16",
            innerPool: "10.90.0.0/16",
            plainApi: false,
            publishServers: undefined,
            imageSource: "registry",
            orchestrator: { cpus: 4, memoryMb: 4096 },
            postgres: { mode: "managed" },
            consul: { mode: "managed" },
            gateway: {
                ...{ strictTools: false, legacySse: false },
                ...{ oauth: undefined, otlpEndpoint: undefined },
            },
            edge: {
                program: "kong",
                bindAddress: "127.0.0.1",
                tls: { mode: "none" },
                hosts: [],
                origins: [],
                requestsPerMinute: 6000,
                bodyBytes: 4194304,
            },
            certificates: { epoch: 1, caDays: 3650, leafDays: 365 },
            protect: false,
            manifestsDir: "manifests",
            clientsDir: "clients",
        });
    });

    test("everything set", () => {
        const values = {
            namePrefix: "second-",
            portOffset: "100",
            bindAddress: "127.0.0.2",
            mainSubnet: "10.99.0.0/24",
            internalSubnet: "172.31.0.0/16",
            innerPool: "10.100.0.0/22",
            plainApi: "true",
            publishServers: "13001-13010",
            imageSource: "registry",
            orchestratorCpus: "2.5",
            orchestratorMemoryMb: "2048",
            orchestratorImage: `docker:25.0.5-dind-alpine3.19@${DIGEST}`,
            postgresMode: "external",
            ...{ consulMode: "external", consulAddress: "consul.example.com:8501" },
            ...{ consulScheme: "http", consulDatacenter: "east", consulCa: CA },
            ...{ gatewayStrictTools: "true", gatewayLegacySse: "true" },
            gatewayOtlpEndpoint: "http://otel.example.com:4318",
            ...{ oauthIssuer: "https://id.example.com", oauthAudience: "http://localhost:10005" },
            ...{ oauthJwksUri: "https://id.example.com/keys", oauthScopes: "a b" },
            oauthClientClaim: "azp",
            ...{ edge: "caddy", edgeBindAddress: "0.0.0.0", edgeTls: "files" },
            ...{ edgeCertFile: "tls/edge.pem", edgeKeyFile: "tls/key.pem" },
            edgeHosts: "mcp.example.com, edge.example.com",
            edgeOrigins: "https://console.example.com",
            ...{ edgeRequestsPerMinute: "600", edgeBodyBytes: "1048576" },
            certEpoch: "3",
            caDays: "30",
            leafDays: "30",
            protect: "true",
            manifestsDir: "examples/servers",
            clientsDir: "examples/clients",
        };
        expect(Object.keys(values).sort()).toEqual([...SETTING_KEYS].sort());
        expect(load(values)).toEqual({
            stack: "dev",
            namePrefix: "second-",
            portOffset: 100,
            bindAddress: "127.0.0.2",
            mainSubnet: "10.99.0.0/24",
            internalSubnet: "172.31.0.0/16",
            innerPool: "10.100.0.0/22",
            plainApi: true,
            publishServers: { from: 13001, to: 13010 },
            imageSource: "registry",
            orchestrator: { cpus: 2.5, memoryMb: 2048, image: values.orchestratorImage },
            postgres: { mode: "external" },
            consul: {
                mode: "external",
                address: "consul.example.com:8501",
                scheme: "http",
                datacenter: "east",
                ca: CA,
            },
            gateway: {
                ...{ strictTools: true, legacySse: true },
                oauth: {
                    issuer: "https://id.example.com",
                    jwksUri: "https://id.example.com/keys",
                    audience: "http://localhost:10005",
                    scopes: ["a", "b"],
                    clientClaim: "azp",
                },
                otlpEndpoint: "http://otel.example.com:4318",
            },
            edge: {
                program: "caddy",
                bindAddress: "0.0.0.0",
                tls: { mode: "files", certFile: "tls/edge.pem", keyFile: "tls/key.pem" },
                hosts: ["mcp.example.com", "edge.example.com"],
                origins: ["https://console.example.com"],
                requestsPerMinute: 600,
                bodyBytes: 1048576,
            },
            certificates: { epoch: 3, caDays: 30, leafDays: 30 },
            protect: true,
            manifestsDir: "examples/servers",
            clientsDir: "examples/clients",
        });
    });

    test("server ports are not published when the stack says none", () => {
        expect(load({ publishServers: "none" }).publishServers).toBeUndefined();
    });

    test("only the documented keys are looked up", () => {
        const asked = new Set<string>();
        loadSettings({ get: (key) => (asked.add(key), undefined) }, "dev", {});
        for (const key of asked) expect(SETTING_KEYS).toContain(key);
    });

    test("the machine remembers where images come from; the stack has the last word", () => {
        const local = { imageSource: "local" } as const;
        expect(loadSettings(source({}), "dev", local).imageSource).toBe("local");
        const stack = source({ imageSource: "registry" });
        expect(loadSettings(stack, "dev", local).imageSource).toBe("registry");
    });

    test("a machine that builds its images passes over another orchestrator image", () => {
        const values = { orchestratorImage: `docker@${DIGEST}` };
        const settings = loadSettings(source(values), "dev", { imageSource: "local" });
        expect(settings.orchestrator.image).toBe(values.orchestratorImage);
    });

    test("every offset in range keeps every fixed port a port", () => {
        const fixed = Object.values(PORTS).flatMap((p) =>
            typeof p === "object" && "host" in p ? [p.host] : [],
        );
        fc.assert(
            fc.property(fc.integer({ min: 0, max: 40000 }), (offset) => {
                const { portOffset } = load({ portOffset: String(offset) });
                for (const port of fixed) expect(hostPort(port, portOffset)).toBe(port + offset);
            }),
        );
    });
});
