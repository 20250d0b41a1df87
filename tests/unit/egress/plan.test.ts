import * as fc from "fast-check";

import { ConfigError } from "../../../config/errors";
import { planEgress } from "../../../config/egress/plan";

import { COMPANION } from "./world";

const place = { companion: COMPANION, hosts: { postgres: "172.30.0.10" } };

/** Lines of a configuration that begin with the word. */
function lines(text: string | undefined, word: string): string[] {
    return (text ?? "").split("\n").filter((line) => line.trim().startsWith(word));
}

describe("what the server is given", () => {
    test("the proxy, in both cases of its variables, and what never goes there", () => {
        const url = `http://${COMPANION}:3128`;
        const hosts = "localhost,127.0.0.1,::1";
        expect(planEgress(["*:443"], place)).toMatchObject({
            proxyUrl: url,
            companionNames: ["egress"],
            serverEnvironment: {
                HTTP_PROXY: url,
                HTTPS_PROXY: url,
                NO_PROXY: hosts,
                http_proxy: url,
                https_proxy: url,
                no_proxy: hosts,
                NODE_USE_ENV_PROXY: "1",
            },
        });
    });

    test("names of its companion: forwarded targets, egress for bare addresses, and no proxy for them alone", () => {
        const plan = planEgress(["postgres:5432", "10.0.0.5:6432", "api.example.com:8443"], place);
        expect(plan.companionNames).toEqual(["api.example.com", "egress", "postgres"]);
        expect(plan.serverEnvironment).toEqual({});
        expect(plan.proxyUrl).toBeUndefined();
        expect(Object.keys(plan.companionEnvironment)).toEqual(["EGRESS_HAPROXY_CFG"]);
    });

    test("a proxy's port that no target has", () => {
        const list = ["*:443", "squid.example.com:3128", "*:3129"];
        expect(planEgress(list, place).proxyUrl).toBe(`http://${COMPANION}:3130`);
    });
});

describe("what the companion is given", () => {
    test("addresses of the stack's names when they are declared", () => {
        expect(planEgress(["postgres:5432"], place).companionHosts).toEqual(place.hosts);
        expect(planEgress(["*:443"], place).companionHosts).toEqual({});
    });

    test("one listener for each forwarded target, on the server's network alone", () => {
        const plan = planEgress(["postgres:5432", "db.example.com:6432", "*:443"], place);
        const text = plan.companionEnvironment["EGRESS_HAPROXY_CFG"];
        expect(lines(text, `bind ${COMPANION}`)).toEqual([
            `    bind ${COMPANION}:5432`,
            `    bind ${COMPANION}:6432`,
        ]);
        expect(lines(text, "bind ")).toHaveLength(3);
        expect(lines(text, "server ")).toEqual([
            "    server target 172.30.0.10:5432",
            "    server target 0.0.0.0:6432",
        ]);
    });

    test("for every host on a port no list of names beside it", () => {
        const plan = planEgress(["*:443", "api.example.com:443", "api.example.com:80"], place);
        const text = plan.companionEnvironment["EGRESS_SQUID_CONF"];
        expect(lines(text, "acl public")).toEqual([
            "acl public_hosts_80 dstdomain -n api.example.com",
            "acl public_80 all-of port_80 public_hosts_80",
            "acl public any-of public_80 port_443",
        ]);
        expect(lines(text, "http_port")).toEqual([`http_port ${COMPANION}:3128`]);
    });

    test("the last word of the proxy is no", () => {
        const host = fc.constantFrom("*", "a.example.com", "b.corp", "10.0.0.5");
        const target = fc.tuple(host, fc.constantFrom(80, 443)).map(([h, p]) => `${h}:${p}`);
        fc.assert(
            fc.property(fc.array(target, { minLength: 1 }), (list) => {
                const plan = planEgress(list, place);
                const rules = lines(plan.companionEnvironment["EGRESS_SQUID_CONF"], "http_access");
                expect(rules.at(-1)).toBe("http_access deny all");
                expect(rules.indexOf("http_access deny !declared")).toBeLessThan(
                    rules.findIndex((rule) => rule.startsWith("http_access allow")),
                );
            }),
        );
    });

    test("the same in whatever order the list is written", () => {
        const list = ["postgres:5432", "*:443", "api.example.com:80", "10.0.0.5:6432"];
        const plan = planEgress(list, place);
        fc.assert(
            fc.property(fc.shuffledSubarray(list, { minLength: list.length }), (other) => {
                expect(JSON.stringify(planEgress(other, place))).toBe(JSON.stringify(plan));
            }),
        );
    });
});

test.each([
    [[], "egress: is empty; a companion needs a target"],
    [["localhost:80", "x"], /^egress\[0\]: "localhost:80" is not on .*\negress\[1\]: "x" is not a/],
])("%j is an error with a line for each problem", (list, message) => {
    expect(() => planEgress(list, place)).toThrow(ConfigError);
    expect(() => planEgress(list, place)).toThrow(message);
});
