import * as fc from "fast-check";
import {
    contains,
    formatCidr,
    hostAt,
    overlaps,
    parseAddress,
    parseCidr,
    planAddresses,
    type AddressPlan,
    type Cidr,
} from "../../../config/addresses";
import { DEFAULTS } from "../../../config/defaults";
import { formatAddress, isPrivate, subnetAt } from "../../../config/ipv4";
import { ConfigError, loadSettings } from "../../../config/settings";
import { source, thrown } from "./support";

function cidr(text: string): Cidr {
    const parsed = parseCidr(text);
    if (parsed === undefined) throw new Error(`not a subnet: ${text}`);
    return parsed;
}

/** A private block with a prefix length in the range. */
function block(largest: number, smallest: number): fc.Arbitrary<string> {
    return fc
        .record({
            home: fc.constantFrom("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
            prefix: fc.integer({ min: largest, max: smallest }),
            pick: fc.nat(),
        })
        .map(({ home, prefix, pick }) => {
            const outer = cidr(home);
            const longest = Math.max(prefix, outer.prefix);
            return formatCidr(subnetAt(outer, longest, pick % 2 ** (longest - outer.prefix)));
        });
}

const subnets = fc
    .record({
        mainSubnet: block(16, 28),
        internalSubnet: block(16, 28),
        innerPool: block(12, 22),
    })
    .filter(({ mainSubnet, internalSubnet, innerPool }) => {
        const [a, b, c, d] = [mainSubnet, internalSubnet, innerPool, "172.30.0.0/16"].map(cidr);
        if (!a || !b || !c || !d) return false;
        return !overlaps(a, b) && !overlaps(a, c) && !overlaps(b, c) && !overlaps(c, d);
    });

function fixedAddresses({ main, internal, inner }: AddressPlan): [string, string][] {
    return [
        ...[main.gateway, main.orchestrator, main.consul, main.edge, main.reporter].map(
            (address): [string, string] => [main.subnet, address],
        ),
        ...[internal.gateway, internal.orchestrator, internal.postgres].map(
            (address): [string, string] => [internal.subnet, address],
        ),
        [inner.closed, inner.closedGateway],
        [inner.egress, inner.egressGateway],
        [formatCidr(cidr(inner.bip)), inner.bip.replace(/\/24$/, "")],
    ];
}

describe("address plan", () => {
    test("defaults", () => {
        expect(planAddresses(DEFAULTS)).toEqual({
            main: {
                subnet: "10.89.0.0/24",
                gateway: "10.89.0.1",
                orchestrator: "10.89.0.2",
                consul: "10.89.0.5",
                edge: "10.89.0.6",
                reporter: "10.89.0.7",
            },
            internal: {
                subnet: "172.30.0.0/16",
                gateway: "172.30.0.1",
                orchestrator: "172.30.0.2",
                postgres: "172.30.0.10",
            },
            inner: {
                bip: "10.90.0.1/24",
                pool: "10.90.0.0/16",
                closed: "10.90.1.0/24",
                closedGateway: "10.90.1.1",
                egress: "10.90.2.0/24",
                egressGateway: "10.90.2.1",
                links: "10.90.192.0/18",
                linkSize: 28,
                manager: "10.90.1.250",
                gateway: "10.90.1.251",
            },
        });
    });

    test("every address lies in its subnet, is a host address and is given once", () => {
        fc.assert(
            fc.property(subnets, (settings) => {
                const fixed = fixedAddresses(planAddresses(settings));
                for (const [subnet, address] of fixed) {
                    const { base, size } = cidr(subnet);
                    const value = parseAddress(address) ?? 0;
                    expect(value).toBeGreaterThan(base);
                    expect(value).toBeLessThan(base + size - 1);
                }
                expect(new Set(fixed.map(([, address]) => address)).size).toBe(fixed.length);
            }),
        );
    });

    test("no two networks overlap, and the inner ones lie in the pool", () => {
        fc.assert(
            fc.property(subnets, (settings) => {
                const { main, internal, inner } = planAddresses(settings);
                const parts = [inner.bip, inner.closed, inner.egress, inner.links].map(cidr);
                for (const part of parts) expect(contains(cidr(inner.pool), part)).toBe(true);
                const all = [cidr(main.subnet), cidr(internal.subnet), ...parts];
                all.forEach((a, i) =>
                    all.slice(i + 1).forEach((b) => expect(overlaps(a, b)).toBe(false)),
                );
            }),
        );
    });

    test("whatever loadSettings accepts can be planned", () => {
        fc.assert(
            fc.property(subnets, (values) => {
                const settings = loadSettings(source(values), "dev", {});
                expect(planAddresses(settings).main.subnet).toBe(values.mainSubnet);
            }),
        );
    });

    test.each([
        ["mainSubnet", { ...DEFAULTS, mainSubnet: "10.89.0.0/29" }],
        ["internalSubnet", { ...DEFAULTS, internalSubnet: "nonsense" }],
        ["innerPool", { ...DEFAULTS, innerPool: "10.90.0.0/23" }],
    ])("%s that does not fit is a ConfigError that names it", (key, settings) => {
        const error = thrown(() => planAddresses(settings));
        expect(error).toBeInstanceOf(ConfigError);
        expect(error.message).toMatch(
            new RegExp(`^${key}: must be an IPv4 subnet of /.*; write it`),
        );
    });
});

describe("IPv4", () => {
    test("addresses round trip", () => {
        fc.assert(
            fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
                expect(parseAddress(formatAddress(value))).toBe(value);
            }),
        );
    });

    test("subnets round trip, host bits cleared", () => {
        fc.assert(
            fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), (address, prefix) => {
                const parsed = cidr(`${address}/${prefix}`);
                expect(cidr(formatCidr(parsed))).toEqual(parsed);
                expect(contains(parsed, cidr(`${address}/32`))).toBe(true);
            }),
        );
    });

    test("overlap is symmetric and agrees with containment", () => {
        fc.assert(
            fc.property(block(8, 30), block(8, 30), (a, b) => {
                const together = overlaps(cidr(a), cidr(b));
                expect(overlaps(cidr(b), cidr(a))).toBe(together);
                expect(contains(cidr(a), cidr(b)) || contains(cidr(b), cidr(a))).toBe(together);
            }),
        );
    });

    test.each(["", "10.0.0.0", "10.0.0/8", "10.0.0.256/8", "10.0.0.0/33", "010.0.0.0/8", "::1/64"])(
        "%j is not a subnet",
        (text) => expect(parseCidr(text)).toBeUndefined(),
    );

    test("network and broadcast addresses are not handed out", () => {
        const small = cidr("10.0.0.0/30");
        expect([1, 2].map((index) => hostAt(small, index))).toEqual(["10.0.0.1", "10.0.0.2"]);
        for (const index of [-1, 0, 3, 4, 1.5]) {
            expect(() => hostAt(small, index)).toThrow("10.0.0.0/30 has no host number");
        }
        expect(() => subnetAt(small, 30, 1)).toThrow("10.0.0.0/30 has no /30 number 1");
    });

    test("private ranges", () => {
        const found = ["10.1.0.0/16", "172.32.0.0/16", "8.8.8.0/24", "0.0.0.0/0", "100.64.0.0/10"];
        expect(found.filter((text) => isPrivate(cidr(text)))).toEqual([
            "10.1.0.0/16",
            "100.64.0.0/10",
        ]);
    });
});
