/** The inner daemon by mutual TLS: every call has a deadline, a bounded number runs at once, none hangs. */
import Docker from "dockerode";

import { WatchingAgent } from "./agent.ts";
import {
    expiryOf,
    readClientCertificate,
    sameCertificate,
    type ClientCertificate,
} from "./certificates.ts";
import { DaemonError } from "./errors.ts";
import { Lane, type Work } from "./lane.ts";

export interface DaemonOptions {
    /** `https://HOST:PORT`. */
    readonly url: URL;
    /** Folder with ca.pem, cert.pem and key.pem. */
    readonly certsDir: string;
}

/** Limit of a call in milliseconds, unless it asks for another. */
const CALL_MS = 4_500;
/** Operations under way at once. */
export const MOST_OPERATIONS = 8;

/** Kinds of calls. */
const LANES = {
    /** Short questions on behalf of a request. */
    requests: { calls: 8, waiting: 128 },
    /** What takes its time: starts, stops, pulls, removals. */
    operations: { calls: MOST_OPERATIONS, waiting: 32 },
    /** The sampler's: whether the daemon is there must not depend on what others ask of it. */
    samples: { calls: 8, waiting: 1_024 },
} as const;

type LaneName = keyof typeof LANES;

export class Daemon {
    /** For long streams (events, logs). They have connections of their own, so that they never use up the calls'. */
    readonly streams: Docker;
    readonly #lanes: Readonly<Record<LaneName, Lane>>;
    readonly #certsDir: string;
    #certificate: ClientCertificate;
    #agents: readonly WatchingAgent[] = [];
    #serverExpiry: string | undefined;

    /** @throws Error in one line when the client certificate cannot be read */
    constructor({ url, certsDir }: DaemonOptions) {
        this.#certsDir = certsDir;
        this.#certificate = readClientCertificate(certsDir);
        const target = { protocol: "https", host: url.hostname, port: url.port || "2376" } as const;
        this.#lanes = {
            requests: new Lane(target, LANES.requests),
            operations: new Lane(target, LANES.operations),
            samples: new Lane(target, LANES.samples),
        };
        this.streams = new Docker(target);
        this.#connect();
    }

    /**
     * Calls the daemon.
     *
     * @param work gets the signal that dockerode has to be given
     * @param limitMs limit in milliseconds, the time it waits for its turn included
     * @param lane which calls it shares turns with
     * @throws DaemonError; an error that is not about the daemon as it is
     */
    async call<T>(work: Work<T>, limitMs = CALL_MS, lane: LaneName = "requests"): Promise<T> {
        try {
            return await this.#lanes[lane].call(work, limitMs);
        } catch (error) {
            throw error instanceof DaemonError ? this.#explained(error) : error;
        }
    }

    /**
     * Takes up a rotated client certificate: connections made from now on use it.
     *
     * @returns whether there was a new one; one that cannot be read yet is none
     */
    refreshCertificate(): boolean {
        let found: ClientCertificate;
        try {
            found = readClientCertificate(this.#certsDir);
        } catch {
            // Half written; the old one may still be good, and the daemon says so when it is not.
            return false;
        }
        if (sameCertificate(found, this.#certificate)) return false;
        this.#certificate = found;
        this.#connect();
        return true;
    }

    /** Ends of validity, ISO 8601: CA, client, and server once a handshake has shown it. */
    get expiries(): { readonly name: string; readonly expiresAt: string }[] {
        const { ca, cert } = this.#certificate;
        return [
            { name: "ca", expiresAt: expiryOf(ca) },
            { name: "client", expiresAt: expiryOf(cert) },
            ...(this.#serverExpiry ? [{ name: "server", expiresAt: this.#serverExpiry }] : []),
        ];
    }

    /** Ends all connections, streams included. */
    close(): void {
        for (const agent of this.#agents) agent.destroy();
    }

    /** A daemon that refuses an expired certificate may end the connection before its reason gets through. */
    #explained(error: DaemonError): DaemonError {
        const end = expiryOf(this.#certificate.cert);
        if (error.trouble !== "unreachable" || Date.parse(end) > Date.now()) return error;
        return new DaemonError("certificate", `the client certificate has expired at ${end}`);
    }

    #connect(): void {
        const { ca, cert, key } = this.#certificate;
        const tls = { ca, cert, key, keepAlive: true, minVersion: "TLSv1.2" } as const;
        const seen = (expiresAt: string): void => void (this.#serverExpiry = expiresAt);
        const before = this.#agents;
        const streams = new WatchingAgent(tls, seen);
        this.#agents = [streams];
        Object.assign(this.streams.modem as object, { agent: streams });
        for (const [name, lane] of Object.entries(this.#lanes)) {
            const maxSockets = LANES[name as LaneName].calls;
            const agent = new WatchingAgent({ ...tls, maxSockets }, seen);
            this.#agents = [...this.#agents, agent];
            lane.use(agent);
        }
        for (const agent of before) agent.destroy();
    }
}
