import { createHash } from "node:crypto";

import * as pulumi from "@pulumi/pulumi";

import { ClientTokens } from "../../components/client-tokens";
import { EgressCompanion } from "../../components/egress-companion";
import { Gateway } from "../../components/gateway";
import type { ClientFile } from "../../config/clients";
import type { GatewayConfig } from "../../config/gateway";
import { containerInputs, labelsOf, uploadTo } from "../support/docker";
import { INNER_BAR, IMAGE, manifest, onHost, onInner, stackContext } from "../support/fixtures";
import { isSecretInput, startMocks, type Recorded, type Recorder } from "../../cli/graph/mocks";

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

const client = (name: string, tokenEpoch = 1): ClientFile => ({
    file: `clients/${name}.yml`,
    name,
    servers: ["*"],
    tools: { allow: ["*"], deny: [] },
    limits: { callsPerMinute: 600, concurrent: 16, bodyBytes: 1048576, sessions: 64 },
    oauthClient: undefined,
    tokenEpoch,
});

async function gateway(
    config: Readonly<Record<string, string>> = {},
    clients: readonly ClientFile[] = [client("editor"), client("ci")],
    companion?: EgressCompanion,
): Promise<Recorded> {
    new Gateway(
        "gateway",
        {
            context: stackContext(config),
            image: IMAGE,
            network: pulumi.output("mcp-closed"),
            companion,
            logs: "mcp-logs",
            routes: "mcp-routes",
            manifests: [manifest({ port: 13005 }, { name: "demo" })],
            clients,
            tokens: new ClientTokens("clients", clients, onHost()),
        },
        onInner(),
    );
    await recorder.settle();
    return recorder.one("Container", "gateway-container");
}

/** The token of each client, as the carrier that nothing mounts has it. */
const tokenOf = (name: string): string =>
    uploadTo(recorder.one("Container", "gateway-tokens-carrier"), `/run/secrets/${name}`).content;

function served(): GatewayConfig {
    const carrier = recorder.one("Container", "gateway-config-carrier");
    return JSON.parse(uploadTo(carrier, "/run/secrets/gateway.json").content) as GatewayConfig;
}

test("lives within the bar, on the servers' network at a fixed address, and asks no name server outside", async () => {
    const container = await gateway();
    expect(container.provider).toBe("inner");
    expect(container.inputs).toMatchObject({
        name: "mcp-gateway",
        ...INNER_BAR,
        memory: 256,
        memorySwap: 256,
        cpuQuota: 75_000,
        dns: ["127.0.0.1"],
    });
    expect(containerInputs(container).networksAdvanced).toEqual([
        { name: "mcp-closed", ipv4Address: "10.90.1.251" },
    ]);
    expect(labelsOf(container)["mcp.egress"]).toBe("none");
});

test("publishes its port and the servers' whole range, on the orchestrator's address alone", async () => {
    const { ports } = containerInputs(await gateway({ publishServers: "13001-13003" }));
    expect(ports.map(({ internal, external, ip }) => [internal, external, ip])).toEqual(
        [8090, 13001, 13002, 13003].map((port) => [port, port, "10.89.0.2"]),
    );
});

test("answers for its metrics at its fixed address alone, on a port that is not published", async () => {
    const { envs, ports } = containerInputs(await gateway({ publishServers: "13001-13003" }));
    expect(envs).toEqual(
        expect.arrayContaining(["GATEWAY_METRICS_HOST=10.90.1.251", "GATEWAY_METRICS_PORT=9464"]),
    );
    expect(ports.map(({ internal }) => internal)).not.toContain(9464);
});

test("a new client or server makes neither the gateway anew nor its mounts unknown", async () => {
    const one = await gateway();
    recorder = await startMocks();
    const other = await gateway({}, [client("somebody-else")]);
    expect(other.inputs).toEqual(one.inputs);
    expect(other.options.replaceWith ?? []).toEqual([]);
    expect(containerInputs(other).volumes).toEqual([
        { volumeName: "mcp-logs", containerPath: "/var/log/mcp" },
        { volumeName: "mcp-routes", containerPath: "/var/lib/mcp-routes", readOnly: true },
        { volumeName: "mcp-gateway-state", containerPath: "/var/lib/mcp-gateway" },
        { volumeName: "mcp-gateway.secrets", containerPath: "/run/secrets", readOnly: true },
    ]);
});

test("has every client's hash and nobody's token; the tokens are where nothing mounts them", async () => {
    const container = await gateway();
    const names = ["editor", "ci", "mcp-reporter"];
    const tokens = names.map(tokenOf);
    expect(new Set(tokens).size).toBe(3);
    expect(served().clients).toEqual(
        names.map((name, index) => {
            const tokenSha256 = createHash("sha256")
                .update(tokens[index] ?? "")
                .digest("hex");
            return expect.objectContaining({ name, tokenSha256 }) as unknown;
        }),
    );
    for (const carrier of ["gateway-config-carrier", "gateway-tokens-carrier"]) {
        expect(isSecretInput(recorder.one("Container", carrier), "uploads")).toBe(true);
    }
    const seen = JSON.stringify([container.inputs, served()]);
    for (const token of tokens) {
        expect(token).toMatch(/^[0-9a-f]{64}$/);
        expect(seen).not.toContain(token);
    }
});

test("another epoch is another token, of that client alone", async () => {
    await gateway();
    const [editor, ci] = [tokenOf("editor"), tokenOf("ci")];
    recorder = await startMocks();
    await gateway({}, [client("editor", 2), client("ci")]);
    expect(tokenOf("editor")).not.toBe(editor);
    expect(tokenOf("ci")).toBe(ci);
});

test("a client at a later epoch is not the one whose name looks like it", async () => {
    await gateway({}, [client("laptop", 2), client("laptop-2")]);
    expect(tokenOf("laptop")).not.toBe(tokenOf("laptop-2"));
});

test("tokens are on the host's side: the inner daemon's volume takes none with it", async () => {
    await gateway();
    expect(recorder.below("clients")).toEqual([
        "tls:index/privateKey:PrivateKey clients-ci",
        "tls:index/privateKey:PrivateKey clients-editor",
        "tls:index/privateKey:PrivateKey clients-mcp-reporter",
    ]);
});

test("what the settings have it reach, it reaches by a companion alone", async () => {
    const config = { gatewayOtlpEndpoint: "http://otel.example.com:4318" };
    const server = { name: "mcp-gateway", egress: ["otel.example.com:4318"] };
    const companion = new EgressCompanion(
        "mcp-gateway-egress",
        { context: stackContext(config), server, image: IMAGE, network: "mcp-egress" },
        onInner(),
    );
    const container = await gateway(config, [], companion);
    const { networksAdvanced, envs } = containerInputs(container);
    expect(networksAdvanced).toEqual([
        { name: "mcp-closed", ipv4Address: "10.90.1.251" },
        { name: "mcp-link-mcp-gateway" },
    ]);
    expect(envs).toContain("OTEL_EXPORTER_OTLP_ENDPOINT=http://otel.example.com:4318");
    expect(labelsOf(container)["mcp.egress"]).toBe("otel.example.com:4318");
});
