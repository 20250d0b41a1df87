import { containerInputs, labelsOf } from "./docker";
import type { Recorded, Recorder } from "../../cli/graph/mocks";

const HOST = "mcp:host:Layer";
const INNER = "mcp:inner:Layer";
const MESH = "mcp:mesh:Layer";
const NAMED = ["Container", "Network", "Volume"] as const;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+/g;
const PASSWORD = /(?<![0-9a-f:])[0-9a-f]{64}(?![0-9a-f])/g;
const URL_WITH_PASSWORD = /:\/\/[^/\s:]*:[^/\s@]+@/;

/** Resources of the docker provider. */
export function dockerResources(recorder: Recorder): Recorded[] {
    return recorder.all.filter(({ type }) => type.startsWith("docker:"));
}

/** Docker and Consul resources without the provider of the layer they belong to. */
export function providerProblems(recorder: Recorder): string[] {
    const providers = { [INNER]: "inner", [HOST]: "host", [MESH]: "consul" };
    const explicit = recorder.all.filter(({ type }) => /^(docker|consul):/.test(type));
    return explicit.flatMap((resource) => {
        const layers = recorder.ancestors(resource).map(({ type }) => type);
        const layer = Object.entries(providers).find(([type]) => layers.includes(type));
        const expected = layer?.[1] ?? "?";
        if (resource.provider === expected) return [];
        return [
            `${resource.key}: provider ${resource.provider ?? "none"}, its layer's is ${expected}`,
        ];
    });
}

/** Names and keys that two resources share. */
export function nameProblems(recorder: Recorder): string[] {
    const physical = NAMED.flatMap((kind) =>
        recorder
            .ofKind(kind)
            .map(
                ({ provider, inputs }) => `${kind} ${String(inputs.name)} on ${provider ?? "none"}`,
            ),
    );
    // A URN holds the types of all ancestors and the name of the resource, not the names of its ancestors.
    const logical = recorder.all.map((resource) => {
        const types = recorder.ancestors(resource).map(({ type }) => type);
        return [...types.reverse(), resource.key].join("$");
    });
    const unnamed = physical.filter((name) => name.includes("undefined"));
    return [...repeated(physical), ...repeated(logical), ...unnamed];
}

/** Addresses and ports that two containers of a daemon publish, and fixed addresses that two have. */
export function portProblems(recorder: Recorder): string[] {
    const taken = recorder.ofKind("Container").flatMap((container) => {
        const daemon = container.provider ?? "none";
        const { ports, networksAdvanced } = containerInputs(container);
        const addresses = networksAdvanced.flatMap(({ ipv4Address }) => ipv4Address ?? []);
        return [
            ...ports.map(({ ip, external }) => `${daemon} ${ip}:${String(external)}`),
            ...addresses.map((address) => `${daemon} address ${address}`),
        ];
    });
    return repeated(taken);
}

/** Host ports that can be reached from outside this machine. */
export function exposedProblems(recorder: Recorder): string[] {
    return recorder
        .ofKind("Container")
        .filter(({ provider }) => provider !== "inner")
        .flatMap((container) =>
            containerInputs(container)
                .ports.filter(({ ip }) => !ip.startsWith("127."))
                .map(({ ip, external }) => `${container.key}: ${ip}:${String(external)}`),
        );
}

/** Servers on other inner networks than those that fit the egress they declare. */
export function egressProblems(recorder: Recorder): string[] {
    return recorder
        .ofKind("Container")
        .filter((container) => labelsOf(container)["mcp.component"] === "server")
        .flatMap((container) => {
            const declared = labelsOf(container)["mcp.egress"];
            const link = `mcp-link-${String(container.inputs.name)}`;
            const expected = declared === "none" ? "mcp-closed" : `mcp-closed,${link}`;
            const networks = containerInputs(container).networksAdvanced.map(({ name }) => name);
            if (networks.join() === expected) return [];
            return [`${container.key}: on ${networks.join()}, with egress ${declared ?? "unsaid"}`];
        });
}

/**
 * Secrets in inputs that are not secret. What counts as one: every private key and every 64-digit password in
 * a secret input, URLs with a password, and the values given.
 */
export function secretProblems(recorder: Recorder, values: readonly string[] = []): string[] {
    const secret = [...values, ...generatedSecrets(recorder)];
    return recorder.all.flatMap((resource) =>
        leaves(resource.inputs)
            .filter(({ path }) => !within(resource.secrets, path))
            .filter(
                ({ text }) =>
                    secret.some((value) => text.includes(value)) ||
                    URL_WITH_PASSWORD.test(text) ||
                    text.search(PRIVATE_KEY) >= 0,
            )
            .map(({ path }) => `${resource.key}: ${path} holds a secret in clear`),
    );
}

/** Private keys and generated passwords of a program, found in its secret inputs. */
export function generatedSecrets(recorder: Recorder): string[] {
    const texts = recorder.all.flatMap(({ inputs, secrets }) =>
        leaves(inputs)
            .filter(({ path }) => within(secrets, path))
            .map(({ text }) => text),
    );
    const found = texts.flatMap((text) => [
        ...(text.match(PRIVATE_KEY) ?? []),
        ...(text.match(PASSWORD) ?? []),
    ]);
    return [...new Set(found)];
}

function within(secrets: readonly string[], path: string): boolean {
    return secrets.some((secret) => path === secret || /^[.[]/.test(path.slice(secret.length)));
}

function leaves(value: unknown, path = ""): { readonly path: string; readonly text: string }[] {
    if (typeof value !== "object" || value === null) return [{ path, text: String(value) }];
    if (Array.isArray(value)) {
        return value.flatMap((item, index) => leaves(item, `${path}[${String(index)}]`));
    }
    // A key can hold a secret as well as a value can.
    return Object.entries(value).flatMap(([key, part]) => {
        const below = path === "" ? key : `${path}.${key}`;
        return [{ path: below, text: key }, ...leaves(part, below)];
    });
}

function repeated(values: readonly string[]): string[] {
    return values
        .filter((value, index) => values.indexOf(value) !== index)
        .map((value) => `twice: ${value}`);
}
