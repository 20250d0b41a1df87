import { DEFAULTS } from "./defaults";
import { EDGE_LIMITS, isOrigin, type EdgePlan, type EdgeSettings } from "./edge/model";
import type { GatewaySettings } from "./gateway-settings";
import { parseAddress } from "./ipv4";
import { isLoopback } from "./predicates";
import { setIt, type SettingReader } from "./setting-reader";

/** What a stack chooses about its edge, the one way in for clients. */
export interface EdgeOptions {
    /** The program. Kong has no Debian package: `imageSource: local` has Caddy alone. @default kong, caddy when local */
    readonly program: "kong" | "caddy";
    /** IPv4 address of the host that it is published on, 0.0.0.0 for all; beyond loopback it needs TLS. @default bindAddress */
    readonly bindAddress: string;
    /** @default none */
    readonly tls:
        | { readonly mode: "none" }
        /** A leaf of the stack's authority, for localhost, the addresses it is published on, and `hosts`. */
        | { readonly mode: "own" }
        /** PEM files, relative to the project: certificate with its intermediates, and key. */
        | { readonly mode: "files"; readonly certFile: string; readonly keyFile: string };
    /** Host names clients use for it besides its addresses, the usual one first; lower case, without port. @default none */
    readonly hosts: readonly string[];
    /** Origins whose scripts may call it, like `https://console.example`. @default none */
    readonly origins: readonly string[];
    /** Requests of one client address in a minute, 60 to 1000000; Kong alone counts them. @default 6000 */
    readonly requestsPerMinute: number;
    /** Largest request body in bytes, 1 KiB to 64 MiB. @default 4194304 */
    readonly bodyBytes: number;
}

/** Config keys of `readEdge`. */
export const EDGE_KEYS = [
    ...["edge", "edgeBindAddress", "edgeTls", "edgeCertFile", "edgeKeyFile"],
    ...["edgeHosts", "edgeOrigins", "edgeRequestsPerMinute", "edgeBodyBytes"],
] as const;

const HOST_NAME =
    /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/**
 * Reads how clients get in.
 *
 * @param imageSource where images come from, which decides the programs there are
 * @param bindAddress where the stack's other ports are published
 */
export function readEdge(
    read: SettingReader,
    imageSource: "registry" | "local",
    bindAddress: string,
): EdgeOptions {
    const program = read.choice("edge", imageSource === "local" ? "caddy" : "kong", [
        "kong",
        "caddy",
    ]);
    if (program === "kong" && imageSource === "local") {
        read.refuse(
            "edge",
            "must be caddy when imageSource is local, since no package of the distribution has Kong",
            '"kong"',
            setIt("edge", "caddy"),
        );
    }
    const bind = read.text(
        "edgeBindAddress",
        bindAddress,
        (text) => parseAddress(text) !== undefined,
        "must be an IPv4 address of this host",
        setIt("edgeBindAddress", "0.0.0.0"),
    );
    const tls = readTls(read);
    if (read.fine("edgeBindAddress", "edgeTls") && tls.mode === "none" && !isLoopback(bind)) {
        read.refuse(
            "edgeTls",
            `must be own or files when the edge is beyond loopback (${bind}): tokens would be readable on the way`,
            '"none"',
            setIt("edgeTls", "own"),
        );
    }
    const [perMinute, body] = [EDGE_LIMITS.requestsPerMinute, EDGE_LIMITS.bodyBytes];
    return {
        program,
        bindAddress: bind,
        tls,
        hosts: readList(
            read,
            "edgeHosts",
            // What reads like an address could be meant for one; the gateway lets addresses through as they are.
            (text) => HOST_NAME.test(text) && !/^[0-9.]+$/.test(text),
            "must be host names in lower case, without port, with commas between",
            "mcp.example.com",
        ),
        origins: readList(
            read,
            "edgeOrigins",
            isOrigin,
            "must be origins in lower case (scheme://host, with a port unless it is the scheme's own), with commas between",
            "https://console.example.com",
        ),
        requestsPerMinute: read.number("edgeRequestsPerMinute", perMinute.fallback, perMinute),
        bodyBytes: read.number("edgeBodyBytes", body.fallback, { ...body, unit: "bytes" }),
    };
}

function readTls(read: SettingReader): EdgeOptions["tls"] {
    const mode = read.choice("edgeTls", DEFAULTS.edgeTls, ["none", "own", "files"]);
    const file = (key: "edgeCertFile" | "edgeKeyFile"): string =>
        read.text(
            key,
            "",
            (text) => text !== "" && text.trim() === text && !text.includes("\0"),
            "must be a file",
            setIt(key, key === "edgeCertFile" ? "tls/edge.pem" : "tls/edge-key.pem"),
        );
    const [certFile, keyFile] = [file("edgeCertFile"), file("edgeKeyFile")];
    for (const key of ["edgeCertFile", "edgeKeyFile"] as const) {
        if (!read.fine(key, "edgeTls")) continue;
        if (mode === "files" && !read.has(key)) {
            const example = key === "edgeCertFile" ? "tls/edge.pem" : "tls/edge-key.pem";
            read.refuse(key, "must be set when edgeTls is files", "nothing", setIt(key, example));
        }
        if (mode !== "files" && read.has(key)) {
            const remedy = `remove it with: pulumi config rm ${key}; or set it with: pulumi config set edgeTls files`;
            read.refuse(key, "only counts when edgeTls is files", `edgeTls ${mode}`, remedy);
        }
    }
    return mode === "files" ? { mode, certFile, keyFile } : { mode };
}

/** Words with commas between, each once. */
function readList(
    read: SettingReader,
    key: string,
    holds: (word: string) => boolean,
    rule: string,
    example: string,
): readonly string[] {
    const words = (text: string): string[] => text.split(",").map((word) => word.trim());
    const text = read.text(key, "", (raw) => words(raw).every(holds), rule, setIt(key, example));
    return text === "" ? [] : [...new Set(words(text))];
}

/** Scheme that the edge speaks. */
export function edgeScheme({ tls }: EdgeOptions): "http" | "https" {
    return tls.mode === "none" ? "http" : "https";
}

/** The settings in the words of `planEdge`. */
export function edgeSettings(
    { edge, gateway }: { readonly edge: EdgeOptions; readonly gateway: GatewaySettings },
    gatewayPort: number,
): EdgeSettings {
    const { tls, origins, bodyBytes, requestsPerMinute } = edge;
    const modes = { none: "none", own: "internal-ca", files: "given" } as const satisfies Record<
        EdgeOptions["tls"]["mode"],
        "none" | NonNullable<EdgePlan["tls"]>["mode"]
    >;
    return {
        gatewayPort,
        bodyBytes,
        requestsPerMinute,
        allowedOrigins: origins,
        tls: modes[tls.mode],
        legacySse: gateway.legacySse,
    };
}
