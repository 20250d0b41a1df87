import { readFileSync } from "node:fs";
import * as path from "node:path";

import * as consul from "@pulumi/consul";
import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { Consul } from "./components/consul";
import { ClientTokens } from "./components/client-tokens";
import { externalConsul } from "./components/consul-access";
import { Edge } from "./components/edge";
import { EgressCompanion } from "./components/egress-companion";
import { Gateway } from "./components/gateway";
import { HostImages } from "./components/host-images";
import { InnerImages } from "./components/inner-images";
import { InnerPlatform } from "./components/inner-platform";
import { HostLayer, InnerLayer, MeshLayer } from "./components/layers";
import { Manager } from "./components/manager";
import { McpServer } from "./components/mcp-server";
import { NetworkPair } from "./components/network-pair";
import { Orchestrator } from "./components/orchestrator";
import { Postgres } from "./components/postgres";
import { Registrations } from "./components/registrations";
import { Reporter } from "./components/reporter";
import { TlsAuthority } from "./components/tls-authority";
import { Volumes } from "./components/volumes";
import { GATEWAY_NAME } from "./config/defaults";
import { gatewayEgress } from "./config/gateway-settings";
import type { ServerManifest } from "./config/manifest";
import { loadProgram } from "./config/program";

const projectDir = __dirname;
const { context, machine, manifests, clients, edgeFiles, hostDaemon, consulTokens, secrets } =
    loadProgram(projectDir);
const { settings } = context;
const text = (file: string): string => readFileSync(path.join(projectDir, file), "utf8");

const hostProvider = new docker.Provider("host", { host: hostDaemon });
const host = new HostLayer("host", hostProvider);
const onHost = { parent: host };
const images = new HostImages({ context, machine, projectDir }, onHost);
const networks = new NetworkPair("networks", context, onHost);
const volumes = new Volumes("volumes", context, onHost);
const authority = new TlsAuthority("tls", context, onHost);
const orchestrator = new Orchestrator(
    "orchestrator",
    {
        context,
        image: images.id("orchestrator"),
        networks,
        volumes,
        authority,
        scripts: {
            entrypoint: text("images/orchestrator/mcp-entrypoint"),
            runtime: text("images/orchestrator/mcp-runc"),
        },
    },
    onHost,
);
const postgres =
    settings.postgres.mode === "managed"
        ? new Postgres(
              "postgres",
              {
                  context,
                  image: images.id("postgres"),
                  networks,
                  files: {
                      start: text("images/postgres/mcp-postgres"),
                      seed: text("images/postgres/seed.sql"),
                  },
              },
              onHost,
          )
        : undefined;

const tokens = new ClientTokens("clients", clients, onHost);

const innerProvider = new docker.Provider("inner", {
    host: orchestrator.apiUrl,
    caMaterial: authority.caCert,
    certMaterial: authority.client.cert,
    keyMaterial: authority.client.key,
});
const inner = new InnerLayer("inner", innerProvider, volumes.data);
const onInner = { parent: inner };
const platform = new InnerPlatform("platform", context, onInner);
const serverImages = manifests.flatMap(({ source }) =>
    source.kind === "build" ? [source.image] : [],
);
const innerImages = new InnerImages(
    "images",
    {
        context,
        machine,
        projectDir,
        names: serverImages,
    },
    onInner,
);
const imageOf = ({ source }: ServerManifest): pulumi.Input<string> =>
    source.kind === "build" ? innerImages.id(source.image) : source.ref;
/** The way out of what declares egress. */
const wayOut = (name: string, egress: readonly string[]): EgressCompanion | undefined =>
    egress.length === 0
        ? undefined
        : new EgressCompanion(
              `${name}-egress`,
              {
                  context,
                  server: { name, egress },
                  image: innerImages.id("egress"),
                  network: platform.egressNetwork,
              },
              onInner,
          );
const servers = manifests.map((manifest) => {
    const { name, egress } = manifest;
    return new McpServer(
        name,
        {
            context,
            manifest,
            image: imageOf(manifest),
            network: platform.closedNetwork,
            companion: wayOut(name, egress),
            volumes: { shared: platform.volumes.shared },
            secrets: secrets(manifest, { "postgres.dsn": postgres?.readerDsn }),
        },
        onInner,
    );
});
new Manager(
    "manager",
    {
        context,
        image: innerImages.id("manager"),
        network: platform.closedNetwork,
        volumes: platform.volumes,
        routes: platform.routes,
        // The one that all others stand on is there in any case, for servers that speak HTTP themselves.
        images: Object.fromEntries(
            [...new Set(["runtime", ...serverImages])].map((name) => [name, innerImages.id(name)]),
        ),
    },
    onInner,
);
new Gateway(
    "gateway",
    {
        context,
        image: innerImages.id("gateway"),
        network: platform.closedNetwork,
        companion: wayOut(GATEWAY_NAME, gatewayEgress(settings.gateway)),
        logs: platform.volumes.logs,
        routes: platform.routes,
        manifests,
        clients,
        tokens,
    },
    onInner,
);

new Edge(
    "edge",
    {
        context,
        image: images.id(settings.edge.program),
        networks,
        certificate: authority.edge ?? edgeFiles,
    },
    onHost,
);

const mesh =
    settings.consul.mode === "external" && consulTokens
        ? externalConsul(settings.consul, consulTokens)
        : new Consul(
              "consul",
              {
                  context,
                  image: images.id("consul"),
                  networks,
                  start: text("images/consul/mcp-consul"),
              },
              onHost,
          ).access;
const meshProvider = new consul.Provider("consul", {
    address: mesh.address,
    scheme: mesh.scheme,
    datacenter: mesh.datacenter,
    caPem: mesh.ca,
    token: mesh.tokens.registrar,
});
const meshLayer = new MeshLayer("mesh", meshProvider, mesh.own?.data);
new Registrations(
    "registrations",
    { context, servers: manifests.map((manifest) => ({ manifest, image: imageOf(manifest) })) },
    { parent: meshLayer },
);
new Reporter(
    "reporter",
    {
        context,
        image: images.id("reporter"),
        networks,
        consul: mesh,
        daemonCa: authority.caCert,
        mcpToken: tokens.system.token,
    },
    onHost,
);

export const stack = settings.stack;
export const orchestratorApi = orchestrator.apiUrl;
export const certificatesExpireAt = authority.expiresAt;
export const endpoints = pulumi.output(
    Object.fromEntries(servers.map((server, index) => [manifests[index]?.name ?? "", server.url])),
);
