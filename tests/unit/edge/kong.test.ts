import { parse } from "yaml";

import { kongEnvironment, renderKong } from "../../../config/edge/kong";
import { pathPattern, type EdgePlan } from "../../../config/edge/model";

import { planOf } from "./plans";

interface Plugin {
    readonly name: string;
    readonly config: Readonly<Record<string, unknown>>;
}
interface Route {
    readonly name: string;
    readonly paths: readonly string[];
    readonly protocols: readonly string[];
    readonly methods?: readonly string[];
    readonly plugins?: readonly Plugin[];
}
interface Config {
    readonly services: readonly { readonly host: string; readonly routes: readonly Route[] }[];
    readonly upstreams: readonly { readonly name: string }[];
    readonly routes: readonly Route[];
    readonly plugins: readonly Plugin[];
}

const FULL = planOf({ allowedOrigins: ["https://console.example"], tls: "given", legacySse: true });

const rendered = (plan: EdgePlan): Config => parse(renderKong(plan)) as Config;

function plugin(plan: EdgePlan, name: string): Plugin["config"] | undefined {
    return rendered(plan).plugins.find((one) => one.name === name)?.config;
}

describe("the declarative configuration", () => {
    test("has one service with one upstream, of the plan's address and health check", () => {
        const config = rendered(planOf());
        expect(config).toMatchObject({
            _format_version: "3.0",
            upstreams: [
                {
                    name: "gateway",
                    targets: [{ target: "10.89.0.2:13000" }],
                    healthchecks: { active: { type: "http", http_path: "/healthz" } },
                },
            ],
            services: [{ host: "gateway", protocol: "http", retries: 0, connect_timeout: 2_000 }],
        });
    });

    test("waits as long for an answer as the plan says, in milliseconds", () => {
        const plan = planOf({ readTimeoutSeconds: 7_200 });
        expect(rendered(plan).services[0]).toMatchObject({ read_timeout: 7_200_000 });
    });

    test("lets each route's methods through, whole path alone, under the client's Host", () => {
        const [service] = rendered(FULL).services;
        expect(service?.routes).toEqual(
            FULL.routes.map((route) => ({
                name: route.name,
                paths: [`~${pathPattern(route).slice(1)}`],
                protocols: ["https"],
                methods: route.methods,
                strip_path: false,
                preserve_host: true,
                request_buffering: true,
                response_buffering: !route.stream,
            })),
        );
    });

    test("answers a wrong method with 405 and the right ones, and all else with 404", () => {
        const { routes } = rendered(planOf());
        const answers = routes.map(({ name, methods, plugins = [] }) => {
            const [termination, allow] = plugins;
            return [name, methods, termination?.config["status_code"], allow?.config];
        });
        const allow = (methods: string): object => ({ add: { headers: [`Allow:${methods}`] } });
        expect(answers).toEqual([
            ["all-method", undefined, 405, allow("GET, POST, DELETE")],
            ["server-method", undefined, 405, allow("GET, POST, DELETE")],
            ["oauth-metadata-method", undefined, 405, allow("GET, HEAD")],
            ["health-method", undefined, 405, allow("GET, HEAD")],
            ["unknown", undefined, 404, undefined],
        ]);
        expect(routes.at(-1)?.paths).toEqual(["/"]);
    });

    test("speaks one scheme, the one that it listens with", () => {
        for (const [plan, scheme] of [[planOf(), "http"] as const, [FULL, "https"] as const]) {
            const { services, routes } = rendered(plan);
            const all = [...services.flatMap((service) => service.routes), ...routes];
            expect(new Set(all.flatMap(({ protocols }) => protocols))).toEqual(new Set([scheme]));
        }
    });

    test("limits what one address sends, and how large", () => {
        const plan = planOf({ bodyBytes: 10_000, requestsPerMinute: 120 });
        expect(plugin(plan, "rate-limiting")).toEqual({
            minute: 120,
            limit_by: "ip",
            policy: "local",
        });
        expect(plugin(plan, "request-size-limiting")).toEqual({
            allowed_payload_size: 10_000,
            size_unit: "bytes",
        });
    });

    test("has no CORS without an origin, since an empty list is every origin to Kong", () => {
        expect(plugin(planOf(), "cors")).toBeUndefined();
    });

    test("names the origins, never with credentials", () => {
        expect(plugin(FULL, "cors")).toMatchObject({
            origins: ["https://console.example"],
            methods: ["GET", "POST", "DELETE", "HEAD"],
            credentials: false,
        });
    });

    test("reads no Authorization: nothing in it authenticates, and no header of that name is removed", () => {
        const { plugins, routes } = rendered(FULL);
        const names = [...plugins, ...routes.flatMap((route) => route.plugins ?? [])].map(
            ({ name }) => name,
        );
        expect(names.filter((name) => /auth|jwt|acl|oauth|session|hmac|ldap/.test(name))).toEqual(
            [],
        );
        const { headers } = plugin(FULL, "request-transformer")?.["remove"] as {
            headers: string[];
        };
        expect(headers).toContain("X-Consumer-Username");
        expect(headers.map((header) => header.toLowerCase())).not.toContain("authorization");
    });

    test("uses no plugin that is not loaded, and loads none that it does not use", () => {
        const { plugins, routes } = rendered(FULL);
        const used = [...plugins, ...routes.flatMap((route) => route.plugins ?? [])];
        expect([...new Set(used.map(({ name }) => name))].sort()).toEqual(
            kongEnvironment(FULL)["KONG_PLUGINS"]?.split(","),
        );
    });

    test("is the same text for the same plan, and has no anchors", () => {
        expect(renderKong(planOf())).toBe(renderKong(planOf()));
        expect(renderKong(FULL)).not.toMatch(/: [&*]/);
    });
});

describe("the environment", () => {
    test("has no admin API and no database, and keeps its state on loopback", () => {
        expect(kongEnvironment(planOf())).toMatchObject({
            KONG_DATABASE: "off",
            KONG_DECLARATIVE_CONFIG: "/etc/edge/kong.yml",
            KONG_ADMIN_LISTEN: "off",
            KONG_ADMIN_GUI_LISTEN: "off",
            KONG_STATUS_LISTEN: "127.0.0.1:8100",
            KONG_PROXY_LISTEN: "0.0.0.0:8000",
            KONG_PREFIX: "/tmp/kong",
            KONG_ANONYMOUS_REPORTS: "off",
            KONG_UNTRUSTED_LUA: "off",
        });
    });

    test("has a certificate exactly when the plan has one", () => {
        expect(Object.keys(kongEnvironment(planOf())).filter((key) => /SSL/.test(key))).toEqual([]);
        expect(kongEnvironment(FULL)).toMatchObject({
            KONG_PROXY_LISTEN: "0.0.0.0:8000 http2 ssl",
            KONG_SSL_CERT: "/etc/edge/cert.pem",
            KONG_SSL_CERT_KEY: "/etc/edge/key.pem",
        });
    });

    test("bounds a body whose length is not told, and keeps it in memory", () => {
        expect(kongEnvironment(planOf({ bodyBytes: 10_000 }))).toMatchObject({
            KONG_NGINX_HTTP_CLIENT_MAX_BODY_SIZE: "10000",
            KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE: "10000",
        });
    });
});
