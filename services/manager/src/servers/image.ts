/** Images by digest: those that are on the daemon, and those it may fetch. */
import type Docker from "dockerode";

import { ApiError } from "../api/errors.ts";
import type { Daemon } from "../daemon/daemon.ts";

const PULL_MS = 120_000;

/** Last parts of names that lead into somebody's own network. */
const INNER_ZONES = new Set(
    "arpa consul corp home internal intranet lan local localdomain localhost private".split(" "),
);
/** Where registries listen besides 443; whatever else is inside has other ports. */
const REGISTRY_PORTS = new Set(["443", "5000", "8443"]);
/** A name with at least one dot and a last part that no address can have. */
const PUBLIC_NAME = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/i;

/**
 * Has the image on the daemon, pulled if it has to be. The daemon stands within the networks of the stack, so it is not
 * sent to any address a caller likes, and what it says of the one it was sent to is not handed on.
 *
 * @param ref `name@sha256:…`
 * @throws ApiError 422 when it is absent and its registry is none it may be pulled from, 502 when the pull fails;
 *   DaemonError
 */
export async function ensureImage(daemon: Daemon, ref: string): Promise<void> {
    if (await daemon.call((docker, { abortSignal }) => isPresent(docker, ref, abortSignal))) return;
    const registry = registryOf(ref);
    if (!isPublicRegistry(registry)) {
        throw new ApiError(422, "image-refused", `spec.image: nothing is pulled from ${registry}`, {
            remedy: "name an image of a public registry, or run ./mcp up with a manifest that names it",
        });
    }
    const problem = await daemon.call(
        (docker, { abortSignal }) => pullProblem(docker, ref, abortSignal),
        PULL_MS,
        "operations",
    );
    if (problem === undefined) return;
    throw new ApiError(502, "pull-failed", `spec.image: ${classOf(problem)}`, {
        remedy: "check its name and digest, and that its registry gives it to everybody",
    });
}

/** Registry of an image, `HOST` or `HOST:PORT`, by Docker's rule for names without one. */
export function registryOf(ref: string): string {
    const [first = "", ...rest] = ref.split("/");
    const named = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
    return named ? first : "docker.io";
}

/** Whether it looks like a registry on the Internet: a name, not an address, and none of an inner zone. */
export function isPublicRegistry(registry: string): boolean {
    const [host = "", port, ...more] = registry.split(":");
    if (more.length > 0 || (port !== undefined && !REGISTRY_PORTS.has(port))) return false;
    const zone = host.slice(host.lastIndexOf(".") + 1).toLowerCase();
    return PUBLIC_NAME.test(host) && !INNER_ZONES.has(zone);
}

/** Not `Image.inspect`, which takes no signal. */
function isPresent(docker: Docker, ref: string, abortSignal: AbortSignal): Promise<boolean> {
    return new Promise((resolve, reject) => {
        const ask = {
            path: `/images/${ref}/json`,
            method: "GET",
            abortSignal,
            statusCodes: { 200: true, 404: true, 500: "server error" },
        };
        docker.modem.dial(ask, (error: Error | null, body: unknown) => {
            if (error) reject(error);
            else resolve(typeof (body as { Id?: unknown } | null)?.Id === "string");
        });
    });
}

/**
 * Pulls an image.
 *
 * @returns what the daemon said when it could not; undefined when it is there
 * @throws what a broken connection to the daemon throws
 */
async function pullProblem(
    docker: Docker,
    ref: string,
    abortSignal: AbortSignal,
): Promise<string | undefined> {
    let stream: NodeJS.ReadableStream;
    try {
        stream = await docker.pull(ref, { abortSignal });
    } catch (error) {
        const { statusCode } = error as { statusCode?: unknown };
        if (typeof statusCode !== "number") throw error;
        return (error as Error).message;
    }
    let problem: string | undefined;
    let rest = "";
    // A pull that fails on its way says so in its progress, not in its status.
    for await (const part of stream) {
        const lines = (rest + String(part)).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) problem ??= problemIn(line);
    }
    return problem ?? problemIn(rest);
}

function problemIn(line: string): string | undefined {
    if (line.trim() === "") return undefined;
    const { error } = JSON.parse(line) as { error?: unknown };
    return typeof error === "string" ? error : undefined;
}

/** All that a caller is told: more would make the daemon a means to look around with. */
function classOf(problem: string): string {
    if (/no space left/i.test(problem)) return "the disk of the daemon is full";
    if (/not found|unknown|denied|unauthorized|authentication/i.test(problem)) {
        return "the registry has no such image for everybody";
    }
    return "the image cannot be pulled";
}
