import * as fc from "fast-check";

import { formatAddress } from "../../../config/ipv4";
import { egressIssues, parseTarget, parseTargets } from "../../../config/egress/target";

describe("a target", () => {
    test.each([
        ["*:443", "any", false],
        ["*:5432", "any", false],
        ["api.example.com:443", "public", false],
        ["api.example.com:80", "public", false],
        ["api.example.com:8443", "public", true],
        ["postgres:5432", "internal", true],
        ["wiki.corp:443", "internal", false],
        ["db.home.arpa:5432", "internal", true],
        ["vault.service.consul:8200", "internal", true],
        ["internal.example.com:443", "public", false],
        ["10.0.0.5:5432", "address", true],
        ["169.254.169.254:80", "address", false],
    ])("%s is %s, forwarded: %s", (text, kind, forwarded) => {
        const [host, port] = text.split(":");
        expect(parseTarget(text)).toEqual({ host, port: Number(port), kind, forwarded });
    });

    test.each([
        ...["", "example.com", "example.com:0", "example.com:65536", "example.com:080", ":443"],
        ...[
            "https://example.com:443",
            "example.com:443/x",
            "*.example.com:443",
            ".example.com:443",
        ],
        ...["Example.com:443", "a b:443", "[::1]:443", "::1:443", "example.com.:443", "-a.com:443"],
        ...["1.2.3:80", "1.2.3.256:80", "2130706433:80", "0x7f000001:80", "a.0x7f:80"],
        ...["example.com:443\nhttp_access allow all", "example.com:443 "],
    ])("%j is none", (text) => expect(parseTarget(text)).toBeUndefined());

    test("any address and port is itself", () => {
        const address = fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(formatAddress);
        fc.assert(
            fc.property(address, fc.integer({ min: 1, max: 65535 }), (host, port) => {
                const target = parseTarget(`${host}:${port}`);
                expect(target).toMatchObject({ host, port, kind: "address" });
            }),
        );
    });
});

test("a list is sorted by port and host, each item once", () => {
    const list = ["b.example.com:443", "a.example.com:443", "*:80", "b.example.com:443"];
    const hosts = parseTargets(list).map(({ host, port }) => `${host}:${port}`);
    expect(hosts).toEqual(["*:80", "a.example.com:443", "b.example.com:443"]);
});

describe("what cannot be enforced", () => {
    test.each([
        ["127.0.0.1:5432", "not on another machine"],
        ["0.0.0.0:80", "not on another machine"],
        ["169.254.169.254:80", "not on another machine"],
        ["224.0.0.1:80", "not on another machine"],
        ["255.255.255.255:80", "not on another machine"],
        ["localhost:80", "not on another machine"],
        ["db.localhost:5432", "not on another machine"],
        ["egress:5432", "the server's own way out"],
        ["example.com", "not a host and port"],
    ])("%s is %s", (text, problem) => {
        const issues = egressIssues(["api.example.com:443", text]);
        expect(issues).toHaveLength(1);
        expect(issues[0]).toMatchObject({ index: 1 });
        expect(issues[0]?.problem).toContain(problem);
    });

    test("a second host for a forwarded port is named with the first", () => {
        const list = ["a.example.com:5432", "a.example.com:5432", "10.0.0.5:5432", "b.corp:5432"];
        expect(egressIssues(list)).toEqual(
            [2, 3].map((index) => ({
                index,
                problem: "port 5432 already leads to a.example.com",
                remedy: expect.stringContaining("a server of its own") as string,
            })),
        );
    });

    test("the web's ports and every host have as many as they like", () => {
        const list = ["a.example.com:443", "b.example.com:443", "*:5432", "a.example.com:5432"];
        expect(egressIssues(list)).toEqual([]);
    });

    test.each(["100.100.100.200:80", "10.0.0.5:5432", "172.30.0.10:5432"])(
        "%s is declared by its address, whatever that is",
        (text) => expect(egressIssues([text])).toEqual([]),
    );
});
