/** The inner daemon by mutual TLS: every call has a deadline, a bounded number runs at once, none hangs. */
import Docker from "dockerode";
import pLimit from "p-limit";

import { WatchingAgent } from "./agent.ts";
import {
    expiryOf,
    readClientCertificate,
    sameCertificate,
    type ClientCertificate,
} from "./certificates.ts";
import { classify, DaemonError } from "./errors.ts";

export interface DaemonOptions {
    /** `https://HOST:PORT`. */
    readonly url: URL;
    /** Folder with ca.pem, cert.pem and key.pem. */
    readonly certsDir: string;
    /** Limit of a call, in milliseconds, the time it waits for its turn included. @default 4500 */
    readonly callMs?: number;
    /** Calls under way at once. @default 8 */
    readonly calls?: number;
    /** Calls that may wait for their turn; one more is refused. @default 128 */
    readonly waiting?: number;
}

type Work<T> = (docker: Docker, abort: { readonly abortSignal: AbortSignal }) => Promise<T>;

export class Daemon {
    /** For long streams (events, logs). They have connections of their own, so that they never use up the calls'. */
    readonly streams: Docker;
    readonly #calls: Docker;
    readonly #options: Required<DaemonOptions>;
    readonly #turns: ReturnType<typeof pLimit>;
    #certificate: ClientCertificate;
    #agents: readonly WatchingAgent[] = [];
    #serverExpiry: string | undefined;

    /** @throws Error in one line when the client certificate cannot be read */
    constructor({ url, certsDir, callMs = 4_500, calls = 8, waiting = 128 }: DaemonOptions) {
        this.#options = { url, certsDir, callMs, calls, waiting };
        this.#turns = pLimit(calls);
        this.#certificate = readClientCertificate(certsDir);
        const target = { protocol: "https", host: url.hostname, port: url.port || "2376" } as const;
        this.#calls = new Docker(target);
        this.streams = new Docker(target);
        this.#connect();
    }

    /**
     * Calls the daemon.
     *
     * @param work gets the signal that dockerode has to be given
     * @param limitMs deadline of calls that take longer by their nature
     * @throws DaemonError
     */
    async call<T>(work: Work<T>, limitMs = this.#options.callMs): Promise<T> {
        if (this.#turns.pendingCount >= this.#options.waiting) {
            throw new DaemonError("busy", "too many calls wait for the Docker daemon");
        }
        const late = new AbortController();
        let timer: NodeJS.Timeout | undefined;
        const deadline = new Promise<never>((_, reject) => {
            timer = setTimeout(() => {
                const seconds = limitMs / 1000;
                reject(new DaemonError("timeout", `no answer from the daemon in ${seconds} s`));
                late.abort();
            }, limitMs);
        });
        const turn = this.#turns(() => {
            // Its time ran out while it waited.
            if (late.signal.aborted) return deadline;
            return work(this.#calls, { abortSignal: late.signal });
        });
        try {
            return await Promise.race([turn, deadline]);
        } catch (error) {
            throw this.#explained(classify(error));
        } finally {
            clearTimeout(timer);
            // Whichever lost the race has nobody left to tell.
            turn.catch(() => undefined);
            deadline.catch(() => undefined);
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
            found = readClientCertificate(this.#options.certsDir);
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
        const calls = new WatchingAgent({ ...tls, maxSockets: this.#options.calls }, seen);
        const streams = new WatchingAgent(tls, seen);
        const before = this.#agents;
        this.#agents = [calls, streams];
        Object.assign(this.#calls.modem as object, { agent: calls });
        Object.assign(this.streams.modem as object, { agent: streams });
        for (const agent of before) agent.destroy();
    }
}
