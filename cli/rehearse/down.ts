import { rmSync } from "node:fs";
import Docker from "dockerode";
import { CliError, messageOf } from "../errors";
import { askConsul } from "../consul/client";
import { Ledger, type DockerThing, type Entry, type Registration } from "./ledger";
import { orNone, RUN_LABEL, statusOf } from "./run";
import type { RehearseEvent } from "./index";

type DockerEntry = Extract<Entry, DockerThing>;
type Remove = (client: Docker, entry: DockerEntry, run: string) => Promise<unknown>;

/** In the order of removing: what a container uses is busy for as long as it is there. */
const STEPS: readonly { kind: DockerThing["kind"]; type: string; remove: Remove }[] = [
    { kind: "container", type: "docker:index/container:Container", remove: removeContainer },
    { kind: "network", type: "docker:index/network:Network", remove: removeNetwork },
    { kind: "volume", type: "docker:index/volume:Volume", remove: removeVolume },
    { kind: "image", type: "docker:index/remoteImage:RemoteImage", remove: removeImage },
];

/**
 * Removes all that a rehearsal made, then its ledger. Can be repeated; what is already gone counts as removed. Inner
 * daemons are not contacted: what they hold goes with the container they live in and its volume.
 */
export async function rehearseDown(options: {
    readonly ledgerFile: string;
    /** Token for an external Consul; the ledger holds no secret. */
    readonly consulToken?: string;
    readonly onEvent?: (event: RehearseEvent) => void;
}): Promise<{ removed: number }> {
    const ledger = Ledger.open(options.ledgerFile);
    if (ledger === undefined) {
        return { removed: 0 };
    }
    const entries = ledger.list();
    const failures: string[] = [];
    const removeOne = async (entry: Entry, type: string, remove: () => Promise<unknown>) => {
        const start = performance.now();
        const emit = (kind: RehearseEvent["kind"], detail?: string) => {
            const seconds = kind === "removing" ? undefined : (performance.now() - start) / 1000;
            options.onEvent?.({ kind, type, name: entry.name, seconds, detail });
        };
        emit("removing");
        try {
            await remove();
            ledger.strike(entry.number);
            emit("removed");
        } catch (error) {
            failures.push(`  - ${entry.kind} ${entry.name}: ${messageOf(error)}`);
            emit("failed", messageOf(error));
        }
    };
    const demandNone = () => {
        if (failures.length === 0) return;
        const what = `not everything could be removed:\n${failures.join("\n")}`;
        throw new CliError(what, `see to it and try again; ${ledger.file} lists the rest`);
    };
    for (const { kind, type, remove } of STEPS) {
        const removeIt = (entry: DockerEntry) =>
            removeOne(entry, type, () =>
                remove(new Docker({ socketPath: entry.socket }), entry, ledger.run),
            );
        const own = entries.filter(
            (entry): entry is DockerEntry => entry.kind === kind && entry.within === undefined,
        );
        if (kind === "image") {
            // The newest first, one after another: an image may stand on an older one.
            await own.reduceRight(
                (before, entry) => before.then(() => removeIt(entry)),
                Promise.resolve(),
            );
        } else {
            await Promise.all(own.map(removeIt));
        }
        demandNone();
    }
    // Last: a Consul that is gone keeps nothing else from being removed. A node takes its services along.
    const registered = entries.filter((entry) => entry.kind === "registration");
    for (const entry of registered.reverse()) {
        await removeOne(entry, `consul:index/${entry.what}`, () =>
            deregister(entry, options.consulToken),
        );
    }
    demandNone();
    rmSync(ledger.file, { force: true });
    return { removed: entries.length };
}

async function deregister({ what, name, node, consul }: Registration, token?: string) {
    const target = { ...consul, ...(token === undefined ? {} : { token }) };
    if (what !== "query") {
        const entry = what === "node" ? { Node: name } : { Node: node, ServiceID: name };
        await askConsul(target, "PUT", "/v1/catalog/deregister", entry);
        return;
    }
    const queries = await askConsul<{ ID: string; Name: string }[]>(target, "GET", "/v1/query");
    for (const { ID } of queries.filter((query) => query.Name === name)) {
        await askConsul(target, "DELETE", `/v1/query/${ID}`);
    }
}

/** False for what has the name of an unfinished entry without being what the rehearsal was making. */
function isOurs(
    entry: DockerEntry,
    labels: Record<string, string> | null | undefined,
    run: string,
) {
    return entry.id !== undefined || labels?.[RUN_LABEL] === run;
}

async function removeContainer(client: Docker, entry: DockerEntry, run: string): Promise<void> {
    const container = client.getContainer(entry.id ?? entry.name);
    const found = await orNone(container.inspect());
    if (found === undefined || !isOurs(entry, found.Config.Labels, run)) {
        return;
    }
    if (found.State.Running && entry.graceSeconds !== undefined) {
        await orNone(container.stop({ t: entry.graceSeconds }));
    }
    // A 409 here: somebody is removing it already.
    await patiently(409, () => container.remove({ force: true, v: true }));
}

async function removeNetwork(client: Docker, entry: DockerEntry, run: string): Promise<void> {
    const network = client.getNetwork(entry.id ?? entry.name);
    const found = await orNone<Docker.NetworkInspectInfo>(network.inspect());
    if (found !== undefined && isOurs(entry, found.Labels, run)) {
        // A 403 here: the endpoints of containers just removed linger for a moment.
        await patiently(403, () => network.remove());
    }
}

async function removeVolume(client: Docker, entry: DockerEntry, run: string): Promise<void> {
    const volume = client.getVolume(entry.name);
    const found = await orNone(volume.inspect());
    // A volume has no id but its name: one that somebody else made after ours was gone stays.
    if (found?.Labels?.[RUN_LABEL] === run) {
        await orNone(volume.remove());
    }
}

async function removeImage(client: Docker, entry: DockerEntry): Promise<void> {
    const image = client.getImage(entry.name);
    const found = await orNone(image.inspect());
    if (found !== undefined && found.Id === (entry.id ?? found.Id)) {
        await orNone(image.remove());
    }
}

/** Removes, trying again for up to five seconds while the daemon answers with that status. */
async function patiently(status: number, remove: () => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
        try {
            await orNone(remove());
            return;
        } catch (error) {
            if (statusOf(error) !== status || attempt === 20) {
                throw error;
            }
            await new Promise((resolve) => setTimeout(resolve, 250));
        }
    }
}
