import { readFileSync } from "node:fs";
import * as path from "node:path";

import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { HostLayer, InnerLayer } from "./components/layers";
import { InnerImages } from "./components/inner-images";
import { InnerPlatform } from "./components/inner-platform";
import { McpServer } from "./components/mcp-server";
import { NetworkPair } from "./components/network-pair";
import { Orchestrator } from "./components/orchestrator";
import { Postgres } from "./components/postgres";
import { hostImages } from "./components/host-images";
import { TlsAuthority } from "./components/tls-authority";
import { Volumes } from "./components/volumes";
import { loadProgram } from "./config/program";

const projectDir = __dirname;
const { context, machine, manifests, hostDaemon, secrets } = loadProgram(projectDir);
const { settings } = context;
const text = (file: string): string => readFileSync(path.join(projectDir, file), "utf8");

const hostProvider = new docker.Provider("host", { host: hostDaemon });
const host = new HostLayer("host", hostProvider);
const onHost = { parent: host };
const images = hostImages(context, machine, onHost);
const networks = new NetworkPair("networks", context, onHost);
const volumes = new Volumes("volumes", context, onHost);
const authority = new TlsAuthority("tls", context, onHost);
const orchestrator = new Orchestrator(
    "orchestrator",
    {
        context,
        image: images.orchestrator,
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
                  image: images.postgres,
                  networks,
                  files: {
                      start: text("images/postgres/mcp-postgres"),
                      seed: text("images/postgres/seed.sql"),
                  },
              },
              onHost,
          )
        : undefined;

const innerProvider = new docker.Provider("inner", {
    host: orchestrator.apiUrl,
    caMaterial: authority.caCert,
    certMaterial: authority.client.cert,
    keyMaterial: authority.client.key,
});
const inner = new InnerLayer("inner", innerProvider, volumes.data);
const onInner = { parent: inner };
const platform = new InnerPlatform("platform", context, onInner);
const innerImages = new InnerImages(
    "images",
    {
        context,
        machine,
        projectDir,
        names: manifests.flatMap(({ source }) => (source.kind === "build" ? [source.image] : [])),
    },
    onInner,
);
const servers = manifests.map((manifest) => {
    const { name, source, egress } = manifest;
    return new McpServer(
        name,
        {
            context,
            manifest,
            image: source.kind === "build" ? innerImages.id(source.image) : source.ref,
            network: egress.length > 0 ? platform.egressNetwork : platform.closedNetwork,
            volumes: { shared: platform.sharedVolume },
            secrets: secrets(manifest, { "postgres.dsn": postgres?.readerDsn }),
        },
        onInner,
    );
});

export const stack = settings.stack;
export const orchestratorApi = orchestrator.apiUrl;
export const certificatesExpireAt = authority.expiresAt;
export const endpoints = pulumi.output(
    Object.fromEntries(servers.map((server, index) => [manifests[index]?.name ?? "", server.url])),
);
