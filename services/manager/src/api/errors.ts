/** The one shape of every error the API answers with. */
import type { DaemonTrouble } from "../daemon/errors.ts";
import { DaemonError } from "../daemon/errors.ts";

/** An answer other than success, with what the caller can do about it. */
export class ApiError extends Error {
    readonly status: number;
    /** Word for programs, like `port-taken`. */
    readonly code: string;
    readonly remedy: string;
    readonly headers: Readonly<Record<string, string>>;

    constructor(
        status: number,
        code: string,
        detail: string,
        more: { readonly remedy: string; readonly headers?: Readonly<Record<string, string>> },
    ) {
        super(detail);
        this.name = "ApiError";
        this.status = status;
        this.code = code;
        this.remedy = more.remedy;
        this.headers = more.headers ?? {};
    }

    static noContainer(name: string): ApiError {
        return new ApiError(404, "no-such-container", `there is no container ${name}`, {
            remedy: "GET /containers lists those there are",
        });
    }
}

const DAEMON: Readonly<Record<DaemonTrouble, readonly [status: number, remedy: string]>> = {
    unreachable: [503, "wait for the daemon, or run: ./mcp doctor"],
    timeout: [504, "try again; if it stays so, run: ./mcp doctor"],
    busy: [503, "try again in a few seconds"],
    certificate: [502, "run: ./mcp rotate"],
    "not-found": [404, "GET /containers lists those there are"],
    conflict: [409, "GET /containers shows names and ports in use"],
    failed: [502, "the detail is what the Docker daemon said"],
};

/** An error of the daemon as an answer; undefined for any other one. */
export function daemonAnswer(error: unknown): ApiError | undefined {
    if (!(error instanceof DaemonError)) return undefined;
    const [status, remedy] = DAEMON[error.trouble];
    return new ApiError(status, `daemon-${error.trouble}`, error.message, { remedy });
}
