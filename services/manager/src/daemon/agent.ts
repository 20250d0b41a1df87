/** Connections to the daemon, which tell the certificate it shows. */
import { Agent, type AgentOptions } from "node:https";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

/** An agent that calls `onCertificate` with the end of validity of the daemon's certificate, ISO 8601. */
export class WatchingAgent extends Agent {
    readonly #onCertificate: (expiresAt: string) => void;

    constructor(options: AgentOptions, onCertificate: (expiresAt: string) => void) {
        super(options);
        this.#onCertificate = onCertificate;
    }

    override createConnection(
        ...args: Parameters<Agent["createConnection"]>
    ): Duplex | null | undefined {
        const socket = super.createConnection(...args) as TLSSocket;
        socket.once("secureConnect", () => {
            // A resumed session shows none.
            const { valid_to: end } = socket.getPeerCertificate();
            if (end) this.#onCertificate(new Date(end).toISOString());
        });
        return socket;
    }
}
