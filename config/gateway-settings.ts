import { egressIssues, parseTarget, type EgressTarget } from "./egress/target";
import { setIt, type SettingReader } from "./setting-reader";

/** What a stack chooses about its gateway. */
export interface GatewaySettings {
    /** Hold back every tool that is not as recorded, instead of telling of it only. @default false */
    readonly strictTools: boolean;
    /** Serve HTTP+SSE of 2024-11-05 as well. @default false */
    readonly legacySse: boolean;
    /** Access tokens of an authorization server, besides the clients' own. @default undefined: none are taken */
    readonly oauth:
        | {
              /** As it stands in `iss` of its tokens. */
              readonly issuer: string;
              /** Where its public keys are. */
              readonly jwksUri: string;
              /** The gateway's own base URL, as clients know it: what tokens have to be for. */
              readonly audience: string;
              /** Scopes a token has to have. @default [] */
              readonly scopes: readonly string[];
              /** Claim that names the client, for `oauthClient` in its file. @default "client_id" */
              readonly clientClaim: string;
          }
        | undefined;
    /** Base URL of an OTLP/HTTP collector that spans go to. @default undefined: nowhere */
    readonly otlpEndpoint: string | undefined;
}

/** Config keys of `readGateway`. */
export const GATEWAY_KEYS = [
    ...["gatewayStrictTools", "gatewayLegacySse", "gatewayOtlpEndpoint"],
    ...["oauthIssuer", "oauthJwksUri", "oauthAudience", "oauthScopes", "oauthClientClaim"],
] as const;

const OAUTH_REQUIRED = ["oauthIssuer", "oauthJwksUri", "oauthAudience"] as const;
const EXAMPLES = {
    oauthIssuer: "https://id.example.com",
    oauthJwksUri: "https://id.example.com/.well-known/jwks.json",
    oauthAudience: "http://localhost:10005",
    gatewayOtlpEndpoint: "http://otel.example.com:4318",
} as const;

/** Reads the gateway's settings; OAuth is on when its three addresses are set. */
export function readGateway(read: SettingReader): GatewaySettings {
    const url = (key: keyof typeof EXAMPLES): string =>
        read.text(
            key,
            "",
            isBaseUrl,
            "must be an http or https URL without user, query and fragment",
            fix(key),
        );
    const otlpEndpoint = url("gatewayOtlpEndpoint");
    const collector = targetOf(otlpEndpoint);
    if (otlpEndpoint !== "" && !isForwardedName(collector)) {
        const rule =
            "must name a host and a port other than 80 and 443, which the way out forwards";
        read.refuse("gatewayOtlpEndpoint", rule, otlpEndpoint, fix("gatewayOtlpEndpoint"));
    }
    const settings = {
        strictTools: read.flag("gatewayStrictTools", false),
        legacySse: read.flag("gatewayLegacySse", false),
        oauth: readOauth(read, url),
        otlpEndpoint: otlpEndpoint === "" ? undefined : otlpEndpoint,
    };
    if (read.fine("gatewayOtlpEndpoint", ...OAUTH_REQUIRED)) {
        const egress = gatewayEgress(settings);
        for (const { index, problem, remedy } of egressIssues(egress)) {
            const isCollector = index > 0 || settings.oauth === undefined;
            const key = isCollector ? "gatewayOtlpEndpoint" : "oauthJwksUri";
            read.refuse(key, problem, egress[index] ?? "", remedy);
        }
    }
    return settings;
}

function readOauth(
    read: SettingReader,
    url: (key: (typeof OAUTH_REQUIRED)[number]) => string,
): GatewaySettings["oauth"] {
    const [issuer, jwksUri, audience] = [
        url("oauthIssuer"),
        url("oauthJwksUri"),
        url("oauthAudience"),
    ];
    const scopes = read.text(
        "oauthScopes",
        "",
        (text) => /^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/.test(text),
        "must be scopes with one space between them",
        setIt("oauthScopes", '"mcp:tools"'),
    );
    const clientClaim = read.text(
        "oauthClientClaim",
        "client_id",
        (text) => /^[\x21-\x7e]{1,128}$/.test(text),
        "must be the name of a claim",
        setIt("oauthClientClaim", "client_id"),
    );
    const asked = GATEWAY_KEYS.filter((key) => key.startsWith("oauth") && read.has(key));
    const [first] = asked;
    if (first === undefined) return undefined;
    for (const key of OAUTH_REQUIRED) {
        if (read.has(key)) continue;
        read.refuse(key, `must be set with ${first}`, "nothing", fix(key));
    }
    const keys = targetOf(jwksUri);
    if (jwksUri !== "" && (keys === undefined || (keys.forwarded && !isForwardedName(keys)))) {
        const rule = "must name a host with a dot in its name, or one on port 80 or 443";
        read.refuse("oauthJwksUri", rule, jwksUri, fix("oauthJwksUri"));
    }
    if (jwksUri.startsWith("http:") && keys?.kind === "public") {
        const rule = "must be https: whoever changes the keys on their way is every client";
        read.refuse("oauthJwksUri", rule, jwksUri, fix("oauthJwksUri"));
    }
    return {
        ...{ issuer, jwksUri, audience, clientClaim },
        scopes: scopes === "" ? [] : scopes.split(" "),
    };
}

function fix(key: keyof typeof EXAMPLES): string {
    return setIt(key, EXAMPLES[key]);
}

/** What the gateway has to reach outside, as an egress list; empty: nothing. */
export function gatewayEgress({ oauth, otlpEndpoint }: GatewaySettings): string[] {
    const found = [oauth?.jwksUri, otlpEndpoint].flatMap((url) =>
        url === undefined ? [] : (placeOf(url) ?? []),
    );
    return [...new Set(found)];
}

/** Known by its companion's name alone: one without a dot could be that of a server, which the gateway finds first. */
function isForwardedName(target: EgressTarget | undefined): boolean {
    return target?.forwarded === true && target.kind !== "address" && target.host.includes(".");
}

function targetOf(url: string): EgressTarget | undefined {
    const place = placeOf(url);
    return place === undefined ? undefined : parseTarget(place);
}

/** `host:port` of a URL, whose port may be the scheme's. */
function placeOf(text: string): string | undefined {
    const url = URL.parse(text);
    if (!url) return undefined;
    return `${url.hostname}:${url.port || (url.protocol === "https:" ? "443" : "80")}`;
}

function isBaseUrl(text: string): boolean {
    const url = URL.parse(text);
    return (url?.protocol === "http:" || url?.protocol === "https:") && !/[?#@\s]/.test(text);
}
