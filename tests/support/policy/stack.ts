import type { ResourceRecord } from "../../../policy/core/model";
import { COMPONENTS, TYPES } from "../../../policy/known";

import { companion } from "./companion";
import {
    confined,
    CONTENT_ID,
    HOST,
    INNER,
    labels,
    resource,
    running,
    type More,
} from "./resource";

/** A small stack with one resource of each kind the rules know; no rule finds anything in it. */
export function goodStack(): ResourceRecord[] {
    const host = [COMPONENTS.hostLayer];
    const inner = [COMPONENTS.innerLayer];
    const data = resource(
        host,
        TYPES.volume,
        "data",
        { name: "orchestrator-data", driver: "local", labels: labels("volume-data") },
        { provider: HOST },
    );
    const keys = ["ca-key", "leaf-key"].map((name) =>
        resource(host, TYPES.privateKey, name, { algorithm: "ECDSA", ecdsaCurve: "P256" }),
    );
    const [caKey = data, leafKey = data] = keys;
    const ca = resource(
        host,
        TYPES.selfSigned,
        "ca",
        {
            privateKeyPem: "ca-private-half",
            isCaCertificate: true,
            validityPeriodHours: 87_600,
            allowedUses: ["cert_signing", "crl_signing"],
        },
        { sources: { privateKeyPem: [caKey.urn] } },
    );
    const leaf = resource(
        host,
        TYPES.leaf,
        "leaf",
        {
            caPrivateKeyPem: "ca-private-half",
            validityPeriodHours: 8_760,
            allowedUses: ["digital_signature", "server_auth"],
        },
        { sources: { caPrivateKeyPem: [caKey.urn] } },
    );
    const image = resource(
        inner,
        TYPES.image,
        "image",
        {
            name: `mcp/bridge:${"0a".repeat(6)}`,
            build: { buildArgs: { NODE_BASE: `node:22@${CONTENT_ID}` } },
        },
        { provider: INNER },
    );
    const closed = resource(
        inner,
        TYPES.network,
        "closed",
        {
            name: "mcp-closed",
            ipamConfigs: [{ subnet: "10.90.1.0/24" }],
            options: {
                "com.docker.network.bridge.enable_icc": "false",
                "com.docker.network.bridge.enable_ip_masquerade": "false",
            },
            labels: labels("network-closed"),
        },
        { provider: INNER },
    );
    const layer = resource(
        [],
        COMPONENTS.innerLayer,
        "inner-layer",
        { deletedWith: data.urn },
        { sources: { deletedWith: [data.urn] } },
    );
    const orchestrator = resource(
        [...host, COMPONENTS.orchestrator],
        TYPES.container,
        "orchestrator",
        {
            ...running,
            name: "orchestrator",
            image: `docker:28.5.2-dind@${CONTENT_ID}`,
            privileged: true,
            memory: 4096,
            memorySwap: 4096,
            cpuQuota: 400_000,
            command: ["--default-address-pool=base=10.90.0.0/16,size=24"],
            envs: ["DOCKER_TLS_CERTDIR=/certs"],
            ports: [{ internal: 2376, external: 12376, ip: "127.0.0.1", protocol: "tcp" }],
            volumes: [{ volumeName: "orchestrator-data", containerPath: "/var/lib/docker" }],
            networksAdvanced: [{ name: "internal", ipv4Address: "172.30.0.2" }],
            uploads: [{ file: "/certs/server/key.pem", content: "leaf-private-half" }],
            labels: labels("orchestrator"),
        },
        { provider: HOST, sources: { uploads: [leafKey.urn], volumes: [data.urn] } },
    );
    const inside: More = { provider: INNER, parent: layer.urn };
    return [
        data,
        ...keys,
        ca,
        leaf,
        orchestrator,
        layer,
        { ...image, parent: layer.urn },
        { ...closed, parent: layer.urn },
        resource([], TYPES.dockerProvider, "host", { host: "unix:///var/run/docker.sock" }),
        resource(
            [],
            TYPES.dockerProvider,
            "inner",
            {
                host: "tcp://127.0.0.1:12376",
                caMaterial: "ca",
                certMaterial: "cert",
                keyMaterial: "leaf-private-half",
            },
            { sources: { keyMaterial: [leafKey.urn], host: [orchestrator.urn] } },
        ),
        resource(
            host,
            TYPES.network,
            "internal",
            {
                name: "sutazai-dind-internal",
                internal: true,
                ipamConfigs: [{ subnet: "172.30.0.0/16" }],
                labels: labels("network"),
            },
            { provider: HOST },
        ),
        resource(
            [...host, "mcp:host:Database"],
            TYPES.container,
            "database",
            {
                ...running,
                ...confined,
                name: "database",
                image: `postgres@${CONTENT_ID}`,
                envs: ["PASSWORD_FILE=/run/secrets/password"],
                ports: [{ internal: 5432, external: 5432, ip: "127.0.0.1", protocol: "tcp" }],
                networksAdvanced: [{ name: "internal", ipv4Address: "172.30.0.10" }],
                labels: labels("postgres"),
            },
            { provider: HOST },
        ),
        resource(
            [...inner, "mcp:inner:Server"],
            TYPES.container,
            "server",
            {
                ...running,
                ...confined,
                name: "server",
                image: CONTENT_ID,
                user: "1001:1001",
                readOnly: true,
                init: true,
                runtime: "mcp-runc",
                command: ["node", "server.mjs"],
                envs: ["MCP_PIDS_LIMIT=256", "MCP_PORT=3000"],
                ports: [{ internal: 3000, external: 13001, ip: "10.89.0.2", protocol: "tcp" }],
                volumes: [{ volumeName: "mcp-shared-data", containerPath: "/data" }],
                networksAdvanced: [{ name: "mcp-closed" }],
                labels: labels("server", { "mcp.egress": "none" }),
            },
            {
                ...inside,
                sources: { image: [image.urn], networksAdvanced: [closed.urn] },
            },
        ),
        ...companion(inside),
        resource(
            [...inner, "mcp:inner:Server", COMPONENTS.serverSecrets],
            TYPES.container,
            "carrier",
            {
                ...confined,
                name: "server.secrets",
                image: CONTENT_ID,
                user: "1001:1001",
                start: false,
                mustRun: false,
                networkMode: "none",
                restart: "no",
                memory: 64,
                memorySwap: 64,
                uploads: [{ file: "/run/secrets/dsn", content: "postgres://reader:secret@db/x" }],
                labels: labels("server-secrets"),
            },
            inside,
        ),
        resource(
            [...inner, "mcp:inner:Platform"],
            TYPES.volume,
            "shared",
            {
                name: "mcp-shared-data",
                driver: "local",
                driverOpts: { type: "none", o: "bind", device: "/data/shared" },
                labels: labels("volume-shared"),
            },
            inside,
        ),
        resource(inner, "mcp:inner:Server", "server-component", {
            manifest: {
                file: "manifests/server.yml",
                command: ["node", "server.mjs"],
                source: { kind: "image", ref: `registry.example/server@${CONTENT_ID}` },
            },
        }),
        resource(
            host,
            TYPES.volume,
            "logs",
            { name: "logs", driver: "local", labels: labels("volume-logs") },
            { provider: HOST },
        ),
        ...consul(),
        resource([], TYPES.stack, "sutazai-mcp-test", {}, { outputs: { api: "tcp://127.0.0.1" } }),
    ];
}

function consul(): ResourceRecord[] {
    const provider = { type: TYPES.consulProvider, name: "consul" };
    const host = [COMPONENTS.hostLayer];
    return [
        resource([], TYPES.consulProvider, "consul", {
            address: "127.0.0.1:10006",
            scheme: "http",
            token: "token",
        }),
        resource(
            host,
            TYPES.consulNode,
            "node",
            { name: "inner", address: "10.89.0.2" },
            { provider },
        ),
        resource(
            host,
            TYPES.consulService,
            "service",
            { name: "server", node: "inner", port: 13001, tags: ["mcp"] },
            { provider },
        ),
    ];
}
