/** Probes below HTTP: a TCP connection, or a TLS handshake with a verified server. */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

interface Endpoint {
    readonly host: string;
    readonly port: number;
}

/** Connects and leaves again. */
export function reachTcp(endpoint: Endpoint, signal: AbortSignal): Promise<void> {
    return reached(connectTcp(endpoint), "connect", signal);
}

/**
 * Completes a TLS handshake and leaves again. In TLS 1.3 the server asks for a client's certificate
 * but judges its absence only after the handshake, so none is needed; a daemon that hangs accepts the
 * connection and never gets so far.
 */
export function shakeHands(endpoint: Endpoint, ca: string, signal: AbortSignal): Promise<void> {
    const socket = connectTls({ ...endpoint, ca, minVersion: "TLSv1.3", rejectUnauthorized: true });
    return reached(socket, "secureConnect", signal);
}

function reached(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
        const stop = (): void => void socket.destroy(new Error("stopped"));
        signal.addEventListener("abort", stop, { once: true });
        socket.on(event, () => {
            resolve();
            socket.destroy();
        });
        socket.on("error", reject);
        socket.on("close", () => {
            signal.removeEventListener("abort", stop);
            // Only if nothing was settled before.
            reject(new Error("connection closed"));
        });
    });
}
