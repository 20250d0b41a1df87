import { ConfigError } from "../../../config/errors";
import {
    pathPattern,
    planEdge,
    type EdgePlan,
    type EdgeSettings,
} from "../../../config/edge/model";

import { planOf, STACK } from "./plans";

/** Name of the route that lets the path through. */
function routeOf({ routes }: EdgePlan, path: string): string | undefined {
    return routes.find((route) => new RegExp(pathPattern(route)).test(path))?.name;
}

describe("the plan of a stack that chooses nothing", () => {
    test("leads to the orchestrator's address, in plain HTTP, without CORS", () => {
        expect(planOf()).toMatchObject({
            listenPort: 8000,
            upstream: { host: "10.89.0.2", port: 13000, healthPath: "/healthz" },
            limits: { bodyBytes: 4_194_304, requestsPerMinute: 6_000, readTimeoutSeconds: 3_600 },
            cors: { allowedOrigins: [] },
            tls: undefined,
            metrics: { port: 8100 },
        });
    });

    test("follows the subnet", () => {
        const moved = planEdge({ ...STACK, mainSubnet: "10.77.0.0/24" }, { gatewayPort: 1 });
        expect(moved.upstream).toMatchObject({ host: "10.77.0.2", port: 1 });
    });

    test.each([
        ["/mcp", "all"],
        ["/servers/files-mcp/mcp", "server"],
        [`/servers/${"a".repeat(40)}/mcp`, "server"],
        ["/.well-known/oauth-protected-resource", "oauth-metadata"],
        ["/.well-known/oauth-protected-resource/servers/a/mcp", "oauth-metadata"],
        ["/servers/files-mcp/sse", undefined],
        [`/servers/${"a".repeat(41)}/mcp`, undefined],
        ["/servers//mcp", undefined],
        ["/servers/a/b/mcp", undefined],
        ["/servers/a/mcp/", undefined],
        ["/xwell-known/oauth-protected-resource", undefined],
        ["/.well-known/oauth-protected-resources", undefined],
        ["/x/mcp", undefined],
        ["/mcp\n", undefined],
        ["/healthz", "health"],
        ["/", undefined],
    ])("%j belongs to %s", (path, name) => {
        expect(routeOf(planOf(), path)).toBe(name);
    });
});

describe("what a stack chooses", () => {
    test("origins, in one order whatever the list's, each once", () => {
        const allowedOrigins = ["https://b.example", "http://a.example:8080", "https://b.example"];
        expect(planOf({ allowedOrigins }).cors.allowedOrigins).toEqual([
            "http://a.example:8080",
            "https://b.example",
        ]);
    });

    test.each(["internal-ca", "given"] as const)("a certificate, %s", (tls) => {
        expect(planOf({ tls }).tls).toEqual({
            mode: tls,
            certFile: "/etc/edge/cert.pem",
            keyFile: "/etc/edge/key.pem",
        });
    });

    test.each([
        ["/servers/files-mcp/sse", "sse"],
        ["/servers/files-mcp/message", "sse-message"],
    ])("the old transport: %s", (path, name) => {
        expect(routeOf(planOf({ legacySse: true }), path)).toBe(name);
    });
});

describe("what cannot be used is named", () => {
    const WHOLE = "must be a whole number from";
    test.each<[Partial<EdgeSettings>, string]>([
        [{ gatewayPort: 0 }, `edge.gatewayPort: ${WHOLE} 1 to 65535, got 0; `],
        [{ gatewayPort: 65_536 }, "edge.gatewayPort: "],
        [{ bodyBytes: 1_023 }, `edge.bodyBytes: ${WHOLE} 1024 to 67108864, got 1023; `],
        [{ bodyBytes: 4_096.5 }, "edge.bodyBytes: "],
        [{ requestsPerMinute: 59 }, "edge.requestsPerMinute: "],
        [{ readTimeoutSeconds: 60 }, `edge.readTimeoutSeconds: ${WHOLE} 3600 to 86400, got 60; `],
        [{ readTimeoutSeconds: Number.NaN }, "edge.readTimeoutSeconds: "],
    ])("%j", (settings, message) => {
        expect(() => planOf(settings)).toThrow(ConfigError);
        expect(() => planOf(settings)).toThrow(message);
    });

    test.each([
        "*",
        "null",
        "",
        "console.example",
        "https://",
        "https://console.example/",
        "https://console.example/path",
        "https://console.example:443",
        "https://Console.example",
        "https://user@console.example",
        "https://[::1]",
        "https://*.example",
        "https://a_b.example",
        "https://a.example|https://b.example",
        "https://a.example {",
        "https://a.example\nheader X y",
        "https://a.example\n",
        "ftp://a.example",
        "http://a.example:99999",
        "http://1.2",
    ])("the origin %j", (origin) => {
        expect(() => planOf({ allowedOrigins: [origin] })).toThrow(
            /^edge[.]allowedOrigins: must be scheme and host .*; write it like/,
        );
    });

    test("all at once, a line each", () => {
        const wrong = { gatewayPort: 0, bodyBytes: 1, allowedOrigins: ["*", "a"] };
        expect(() => planOf(wrong)).toThrow(/^(edge[.].*\n){3}edge[.].*$/);
    });
});
