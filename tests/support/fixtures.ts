import * as docker from "@pulumi/docker";
import type * as pulumi from "@pulumi/pulumi";

import { HostLayer, InnerLayer } from "../../components/layers";
import { NetworkPair } from "../../components/network-pair";
import type { StackContext } from "../../components/stack-context";
import { TlsAuthority } from "../../components/tls-authority";
import { Volumes } from "../../components/volumes";
import { planAddresses } from "../../config/addresses";
import { parseManifest, type ServerManifest } from "../../config/manifest";
import { namesFor } from "../../config/names";
import { loadSettings } from "../../config/settings";

/** An image as manifests name it. */
export const IMAGE = `registry.example/server@sha256:${"0a".repeat(32)}`;

/** The context of a stack with these config keys set, read and checked as for a real one. */
export function stackContext(config: Readonly<Record<string, string>> = {}): StackContext {
    const source = { get: (key: string) => ({ imageSource: "registry", ...config })[key] };
    const settings = loadSettings(source, "test", {});
    return { settings, names: namesFor(settings.namePrefix), addresses: planAddresses(settings) };
}

/** A manifest with these parts of `spec`, read and checked as from a file. Behind the bridge unless it says otherwise. */
export function manifest(
    spec: Readonly<Record<string, unknown>> = {},
    metadata: Readonly<Record<string, unknown>> = {},
): ServerManifest {
    const source = "image" in spec ? {} : { build: "bridge", command: ["node", "server.mjs"] };
    const text = JSON.stringify({
        apiVersion: "mcp/v1",
        kind: "MCPContainer",
        metadata: { name: "demo", ...metadata },
        spec: { port: 13005, ...source, ...spec },
    });
    const { manifest: parsed, problems } = parseManifest("manifests/demo.yml", text);
    if (parsed !== undefined) return parsed;
    throw new Error(problems.map(({ field, problem }) => `${field}: ${problem}`).join("\n"));
}

/** Options of a child of the host layer; its provider is called `host`. */
export function onHost(): { readonly parent: pulumi.Resource } {
    const provider = new docker.Provider("host", { host: "unix:///var/run/docker.sock" });
    return { parent: new HostLayer("host", provider) };
}

/** Options of a child of the inner layer; its provider is called `inner`. */
export function onInner(): { readonly parent: pulumi.Resource } {
    const provider = new docker.Provider("inner", { host: "tcp://127.0.0.1:12376" });
    const data = new docker.Volume("test-data", { name: "test-data" }, { provider });
    return { parent: new InnerLayer("inner", provider, data) };
}

/** What host-level containers stand on. */
export function hostParts(
    context: StackContext,
    opts: { readonly parent: pulumi.Resource },
): { networks: NetworkPair; volumes: Volumes; authority: TlsAuthority } {
    return {
        networks: new NetworkPair("networks", context, opts),
        volumes: new Volumes("volumes", context, opts),
        authority: new TlsAuthority("tls", context, opts),
    };
}

/** What every container of the inner daemon is held to, in the words of the docker provider. */
export const INNER_BAR = {
    user: "1001:1001",
    readOnly: true,
    init: true,
    runtime: "mcp-runc",
    capabilities: { drops: ["ALL"] },
    securityOpts: ["no-new-privileges"],
    restart: "unless-stopped",
} as const;
