/** What can go wrong with the daemon, in the few kinds the rest of the manager tells apart. */
import { reasonOf } from "../../../reporter/src/reasons.ts";

export type DaemonTrouble =
    /** No connection, or it broke. */
    | "unreachable"
    /** It did not answer in time. */
    | "timeout"
    /** Too much is waiting for it already. */
    | "busy"
    /** One of the two certificates was refused. */
    | "certificate"
    | "not-found"
    | "conflict"
    /** It answered with any other error. */
    | "failed";

/** A call of the daemon that failed; the message is one line without a secret. */
export class DaemonError extends Error {
    readonly trouble: DaemonTrouble;

    constructor(trouble: DaemonTrouble, message: string) {
        super(message);
        this.name = "DaemonError";
        this.trouble = trouble;
    }
}

/** Node's codes for a certificate of the daemon that we refuse. */
const SERVER_CERTIFICATE =
    /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID)/;
/**
 * OpenSSL's names for an alert by which the daemon refuses ours; the last one means another CA of the same name.
 */
const CLIENT_CERTIFICATE =
    /ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|ACCESS|DECRYPT_ERROR)/;
/** Refusals of a port or name, which Docker reports as a server error. */
const TAKEN = /port is already allocated|address already in use|already in use by container/;

/** Puts an error of dockerode or of the connection into its kind; undefined for one that is about neither. */
export function classify(error: unknown): DaemonError | undefined {
    if (error instanceof DaemonError) return error;
    const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
    if (typeof statusCode === "number") return answered(statusCode, reasonOf(error));
    // Connections fail with a code; what fails without one, or as these, is a defect.
    const defect = error instanceof TypeError || error instanceof RangeError;
    if (typeof code !== "string" || defect) return undefined;
    if (SERVER_CERTIFICATE.test(code)) {
        return new DaemonError("certificate", `the daemon's ${reasonOf(error)}`);
    }
    if (CLIENT_CERTIFICATE.test(code)) {
        return new DaemonError(
            "certificate",
            `the daemon refuses the client certificate (${reasonOf(error)})`,
        );
    }
    return new DaemonError("unreachable", reasonOf(error));
}

/** The kind of an error of `Daemon.call`; undefined when it is not about the daemon. */
export function troubleOf(error: unknown): DaemonTrouble | undefined {
    return error instanceof DaemonError ? error.trouble : undefined;
}

function answered(status: number, message: string): DaemonError {
    // dockerode puts "(HTTP code 404) no such container - " before what the daemon said.
    const said = message.replace(/^\(HTTP code \d+\) [^-]* - /, "");
    if (status === 404) return new DaemonError("not-found", said);
    if (status === 409 || TAKEN.test(said)) return new DaemonError("conflict", said);
    return new DaemonError("failed", said);
}
