/** Puts what went wrong into one short line that holds no secret. */

const LONGEST = 160;

const BY_CODE: Readonly<Record<string, string>> = {
    ECONNREFUSED: "connection refused",
    ECONNRESET: "connection reset",
    EPIPE: "connection reset",
    EHOSTUNREACH: "no route to host",
    EHOSTDOWN: "host is down",
    ENETUNREACH: "network unreachable",
    ETIMEDOUT: "connection timed out",
    ENOTFOUND: "host name not found",
    EAI_AGAIN: "host name not found",
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate is not of the expected CA",
    SELF_SIGNED_CERT_IN_CHAIN: "certificate is not of the expected CA",
    DEPTH_ZERO_SELF_SIGNED_CERT: "certificate is not of the expected CA",
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "certificate is not of the expected CA",
    CERT_SIGNATURE_FAILURE: "certificate is not of the expected CA",
    CERT_HAS_EXPIRED: "certificate has expired",
    CERT_NOT_YET_VALID: "certificate is not valid yet",
    ERR_TLS_CERT_ALTNAME_INVALID: "certificate is for another address",
};

/** The reason in an error of any kind, for a check's output or a log line. */
export function reasonOf(error: unknown): string {
    // Node tries every address of a name and packs the failures.
    if (error instanceof AggregateError && error.errors.length > 0) {
        return reasonOf(error.errors[0]);
    }
    const { code } = error as { code?: unknown };
    if (typeof code === "string") {
        const words = BY_CODE[code];
        if (words) return words;
        if (code.startsWith("HPE_")) return "answer is not HTTP";
        if (code.startsWith("ERR_SSL_")) return `TLS: ${code.slice(8).toLowerCase()}`;
    }
    return tidy(error instanceof Error ? error.message : String(error));
}

/** Makes one short line of a foreign text and blanks out what looks like a credential. */
export function tidy(text: string): string {
    const line = text
        .slice(0, 4 * LONGEST)
        .replace(/[\p{C}\s]+/gu, " ")
        .trim()
        .replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi, "$1***@")
        .replace(/\b(bearer|basic)\s+[\w.~+/=-]+/gi, "$1 ***")
        .replace(
            /(["']?\b[\w-]*(?:password|passwd|pwd|secret|token|api[_-]?key)["']?\s*[=:]\s*)("[^"]*"?|'[^']*'?|[^\s,;}&]+)/gi,
            "$1***",
        );
    return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
}
