import { X509Certificate } from "node:crypto";

import { parseAddress } from "./ipv4";
import { setIt, type SettingReader } from "./setting-reader";

/** An own Consul container, or an existing one. Tokens are secrets and not here (`loadProgram`). */
export type ConsulSettings =
    | { readonly mode: "managed" }
    | {
          readonly mode: "external";
          /** `host:port` of the HTTP API, reachable from this host and from `sutazai-main`. */
          readonly address: string;
          readonly scheme: "http" | "https";
          /** @default the one of the agent at that address, which the token must be allowed to read */
          readonly datacenter?: string;
          /** CA of the API's certificate, PEM. @default the system's authorities */
          readonly ca?: string;
      };

/** Config keys of `readConsul`. */
export const CONSUL_KEYS = [
    "consulMode",
    "consulAddress",
    "consulScheme",
    "consulDatacenter",
    "consulCa",
] as const;

/**
 * Reads which Consul the stack registers with: `consulMode` managed (default) or external, and for an external one
 * `consulAddress`, `consulScheme` (default https), `consulDatacenter` and `consulCa`.
 */
export function readConsul(read: SettingReader): ConsulSettings {
    const mode = read.choice("consulMode", "managed", ["managed", "external"]);
    const address = read.text(
        "consulAddress",
        "",
        isReachable,
        "must be host:port with a host name or IPv4 address that containers reach (no loopback; sutazai-main has no IPv6)",
        setIt("consulAddress", "consul.example.com:8501"),
    );
    const scheme = read.choice("consulScheme", "https", ["https", "http"]);
    const datacenter = read.text(
        "consulDatacenter",
        "",
        (text) => /^[a-z0-9_-]{1,64}$/.test(text),
        'must be up to 64 lower-case letters, digits, "_" and "-"',
        setIt("consulDatacenter", "dc1"),
    );
    const ca = read.text(
        "consulCa",
        "",
        isCertificate,
        "must be a certificate of an authority in PEM form",
        "set it with: pulumi config set consulCa < ca.pem",
    );
    if (mode === "managed") {
        for (const key of CONSUL_KEYS.slice(1)) {
            if (!read.has(key) || !read.fine(key, "consulMode")) continue;
            const remedy = `remove it with: pulumi config rm ${key}; or set it with: pulumi config set consulMode external`;
            read.refuse(
                key,
                "only counts when consulMode is external",
                "consulMode managed",
                remedy,
            );
        }
        return { mode };
    }
    if (!read.has("consulAddress")) {
        read.refuse(
            "consulAddress",
            "must be set when consulMode is external",
            "nothing",
            setIt("consulAddress", "consul.example.com:8501"),
        );
    }
    return {
        mode,
        address,
        scheme,
        ...(datacenter === "" ? {} : { datacenter }),
        ...(ca === "" ? {} : { ca }),
    };
}

/** Whether a container on `sutazai-main` could reach it: a name or an IPv4 address besides loopback, and a port. */
function isReachable(text: string): boolean {
    const match = /^([A-Za-z0-9.-]{1,253}):([1-9][0-9]{0,4})$/.exec(text);
    const host = match?.[1];
    if (host === undefined || Number(match?.[2]) > 65535) return false;
    if (/^[0-9.]+$/.test(host)) {
        return parseAddress(host) !== undefined && !/^(127|0)\./.test(host);
    }
    return host.toLowerCase() !== "localhost" && !host.startsWith("-") && !host.startsWith(".");
}

function isCertificate(text: string): boolean {
    try {
        return new X509Certificate(text).ca;
    } catch {
        return false;
    }
}
