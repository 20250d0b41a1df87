import { randomUUID } from "node:crypto";
import type * as docker from "@pulumi/docker";
import type { Unwrap } from "@pulumi/pulumi";
import Docker from "dockerode";
import { messageOf } from "../../errors";
import { refuseUnknown, type Creator, type Daemon, type Run } from "../run";

type ProviderInputs = Unwrap<docker.ProviderArgs>;

const KNOWN = ["caMaterial", "certMaterial", "disableDockerDaemonCheck", "host", "keyMaterial"];

/** A docker.Provider: the daemon that its resources live on. */
export const createDockerProvider: Creator = async ({ inputs, type }, run) => {
    refuseUnknown(type, inputs, KNOWN);
    const { disableDockerDaemonCheck, host, ...tls } = inputs as unknown as ProviderInputs;
    if (!host) {
        throw new Error("it names no host; rehearse takes none from the environment");
    }
    const socket = host.replace(/^unix:\/\//, "");
    const daemon =
        socket === host
            ? inner(host, tls, run)
            : { client: new Docker({ socketPath: socket }), socket };
    // The SDK sends a provider's booleans as JSON text.
    if (String(disableDockerDaemonCheck) !== "true") {
        await daemon.client.ping().catch((error: unknown) => {
            throw new Error(`no Docker daemon answers at ${host}: ${messageOf(error)}`);
        });
    }
    const id = randomUUID();
    run.daemons.set(id, daemon);
    return { id, state: {} };
};

/** A provider without a connection. */
export const createOtherProvider: Creator = () => Promise.resolve({ id: randomUUID(), state: {} });

/**
 * A daemon reached over TCP has to live in a container of this rehearsal, with its data there or in a volume of this
 * rehearsal. Then all that it holds goes with them, and no key has to be kept for removing it.
 */
function inner(host: string, tls: ProviderInputs, run: Run): Daemon {
    const { hostname, port } = new URL(host.replace(/^tcp:/, "http:"));
    const isLocal = /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
    const isHere = (ip: string) => isLocal || ip === hostname;
    const home = run.homes.find(
        ({ addresses, published }) =>
            addresses.includes(hostname) ||
            published.some(({ external, ip }) => external === Number(port) && isHere(ip)),
    );
    if (home === undefined) {
        throw new Error(
            `no container of this rehearsal answers at ${host}; a daemon is either on a unix:// socket ` +
                "or inside such a container",
        );
    }
    const { data, socket, name: within } = home;
    const ours = run.ledger.list().filter(({ kind }) => kind === "volume");
    if (data !== undefined && !ours.some(({ name }) => name === data)) {
        throw new Error(
            `the daemon in "${within}" keeps its data in "${data}", which this rehearsal did not make: ` +
                "what it makes there could not be removed",
        );
    }
    const client = new Docker({
        host: hostname,
        port,
        protocol: tls.caMaterial || tls.certMaterial ? "https" : "http",
        ca: tls.caMaterial,
        cert: tls.certMaterial,
        key: tls.keyMaterial,
    });
    return { client, socket, within };
}
