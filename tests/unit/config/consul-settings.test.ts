import { loadSettings } from "../../../config/settings";
import { testAuthority } from "../../support/certificates";
import { source, thrown } from "./support";

const EXTERNAL = { consulMode: "external", consulAddress: "consul.example.com:8501" };

const load = (values: Record<string, string>) => loadSettings(source(values), "dev", {}).consul;

/** The bullets of the error. */
function bullets(values: Record<string, string>): string[] {
    return thrown(() => load(values))
        .message.split("\n")
        .slice(1);
}

test("an own Consul by default", () => {
    expect(load({})).toEqual({ mode: "managed" });
});

test("an external one speaks HTTPS unless the stack says otherwise", () => {
    expect(load(EXTERNAL)).toEqual({
        mode: "external",
        address: "consul.example.com:8501",
        scheme: "https",
    });
    expect(load({ ...EXTERNAL, consulScheme: "http", consulDatacenter: "east" })).toMatchObject({
        scheme: "http",
        datacenter: "east",
    });
});

test.each(["10.1.2.3:8500", "consul:8500", "a-b.example.com:1"])("%s is an address", (address) => {
    expect(load({ ...EXTERNAL, consulAddress: address })).toMatchObject({ address });
});

describe("an address that containers cannot reach is refused", () => {
    test.each([
        ["loopback", "127.0.0.1:8500"],
        ["loopback by name", "localhost:8500"],
        ["every address", "0.0.0.0:8500"],
        ["IPv6, which sutazai-main has not", "[fd00::5]:8500"],
        ["IPv6 loopback", "[::1]:8500"],
        ["no IPv4 address", "10.1.2.300:8500"],
        ["no port", "consul.example.com"],
        ["port 0", "consul.example.com:0"],
        ["a port beyond all", "consul.example.com:70000"],
        ["a URL", "https://consul.example.com:8501"],
        ["a password", "user:secret@consul.example.com:8501"],
    ])("%s", (_what, consulAddress) => {
        const [line = "", ...others] = bullets({ ...EXTERNAL, consulAddress });
        expect(others).toEqual([]);
        expect(line).toMatch(/^- consulAddress: must be host:port .*sutazai-main has no IPv6/);
        expect(line).toContain("pulumi config set consulAddress consul.example.com:8501");
    });
});

test("an external one without an address", () => {
    expect(bullets({ consulMode: "external" })).toEqual([
        "- consulAddress: must be set when consulMode is external, got nothing; " +
            "set it with: pulumi config set consulAddress consul.example.com:8501",
    ]);
});

describe("the authority", () => {
    test("is a CA's certificate in PEM form", async () => {
        const authority = await testAuthority();
        const { cert: leaf } = await authority.issue([{ type: "dns", value: "consul" }]);
        expect(load({ ...EXTERNAL, consulCa: authority.cert })).toMatchObject({
            ca: authority.cert,
        });
        for (const consulCa of [leaf, authority.key, "nonsense", ""]) {
            expect(bullets({ ...EXTERNAL, consulCa })).toEqual([
                expect.stringMatching(
                    /^- consulCa: must be a certificate of an authority in PEM form/,
                ),
            ]);
        }
    });

    test("a key in the wrong place is not repeated", async () => {
        const { key } = await testAuthority();
        expect(bullets({ ...EXTERNAL, consulCa: key }).join()).not.toContain(key.slice(40, 80));
    });
});

test.each(["consulAddress", "consulScheme", "consulDatacenter"])(
    "%s without an external Consul would do nothing, and is refused",
    (key) => {
        const values = {
            consulAddress: "consul:8500",
            consulScheme: "http",
            consulDatacenter: "e",
        };
        const [line] = bullets({ [key]: values[key as keyof typeof values] });
        expect(line).toContain(`- ${key}: only counts when consulMode is external`);
        expect(line).toContain(`pulumi config rm ${key}`);
    },
);
