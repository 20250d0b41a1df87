import * as fc from "fast-check";
import { DEFAULTS } from "../../../config/defaults";
import { ConfigError, loadSettings, SETTING_KEYS } from "../../../config/settings";
import { source, thrown } from "./support";

const DIGEST = `sha256:${"a".repeat(64)}`;
const load = (values: Record<string, string>): ReturnType<typeof loadSettings> =>
    loadSettings(source(values), "dev", {});

/** The bullets of the error, without the first line. */
function bullets(values: Record<string, string>, machine = {}): string[] {
    const error = thrown(() => loadSettings(source(values), "dev", machine));
    expect(error).toBeInstanceOf(ConfigError);
    const [first, ...rest] = error.message.split("\n");
    expect(first).toBe('the settings of stack "dev" do not work:');
    return rest;
}

const set = (key: string, value: string | number): string =>
    `set it with: pulumi config set ${key} ${value}`;
const PREFIX_RULE =
    'must be up to 32 lower-case letters, digits and "-", starting with a letter or digit and ending with "-"';
const IMAGE_RULE = "must be an image with its digest (name@sha256:<64 hex digits>)";
const IMAGE_FIX = "look the digest up with: docker buildx imagetools inspect <image>";
const PRIVATE_RULE = "must be a private range (10/8, 172.16/12, 192.168/16, 100.64/10)";

describe("what is refused, with rule, value and remedy", () => {
    test.each([
        ["namePrefix", "second", PREFIX_RULE, set("namePrefix", "second-")],
        ["namePrefix", "-", PREFIX_RULE, set("namePrefix", "second-")],
        ["namePrefix", "Second-", PREFIX_RULE, set("namePrefix", "second-")],
        ["namePrefix", `${"a".repeat(32)}-`, PREFIX_RULE, set("namePrefix", "second-")],
        ...["-1", "40001", "1.5", "0x10", "1e3", "", " 1", "ten"].map((value) => [
            ...["portOffset", value],
            ...["must be a whole number from 0 to 40000", set("portOffset", 0)],
        ]),
        ...["0.0.0.0", "192.168.1.1", "localhost", "::1", "127.0.0.1:80", "127.0.0.256"].map(
            (value) => [
                ...["bindAddress", value],
                ...["must be an IPv4 loopback address", set("bindAddress", "127.0.0.1")],
            ],
        ),
        [
            "mainSubnet",
            "10.89.0.0",
            "must be an IPv4 subnet",
            set("mainSubnet", DEFAULTS.mainSubnet),
        ],
        [
            "mainSubnet",
            "10.0.0.0/15",
            "must be between /16 and /28",
            set("mainSubnet", "10.89.0.0/24"),
        ],
        [
            "mainSubnet",
            "10.89.0.0/29",
            "must be between /16 and /28",
            set("mainSubnet", "10.89.0.0/24"),
        ],
        [
            ...["mainSubnet", "10.89.0.7/24"],
            ...["must start at its network address", set("mainSubnet", "10.89.0.0/24")],
        ],
        ["mainSubnet", "8.8.8.0/24", PRIVATE_RULE, set("mainSubnet", "10.89.0.0/24")],
        [
            ...["internalSubnet", "172.16.0.0/12"],
            ...["must be between /16 and /28", set("internalSubnet", "172.30.0.0/16")],
        ],
        [
            "innerPool",
            "10.90.0.0/23",
            "must be between /12 and /22",
            set("innerPool", "10.90.0.0/16"),
        ],
        [
            "innerPool",
            "10.0.0.0/8",
            "must be between /12 and /22",
            set("innerPool", "10.90.0.0/16"),
        ],
        ["plainApi", "yes", "must be true or false", set("plainApi", "false")],
        ...["true", "13001", "1-10", "13010-13001", "13001-13201", "65000-65536", ""].map(
            (value) => [
                ...["publishServers", value],
                "must be none or a range of up to 200 ports from 1024 to 65535",
                set("publishServers", "13001-13010"),
            ],
        ),
        [
            ...["publishServers", "12370-12380"],
            "must leave out the orchestrator's own ports (12376, 12375)",
            set("publishServers", "13001-13010"),
        ],
        ["protect", "TRUE", "must be true or false", set("protect", "false")],
        ["imageSource", "dockerhub", "must be registry or local", set("imageSource", "registry")],
        ["postgresMode", "none", "must be managed or external", set("postgresMode", "managed")],
        ["orchestratorCpus", "0.4", "must be a number from 0.5 to 512", set("orchestratorCpus", 4)],
        ["orchestratorCpus", "NaN", "must be a number from 0.5 to 512", set("orchestratorCpus", 4)],
        [
            ...["orchestratorMemoryMb", "4Gi", "must be a whole number of MiB from 512 to 4194304"],
            set("orchestratorMemoryMb", 4096),
        ],
        ["orchestratorImage", "docker:25.0.5-dind", IMAGE_RULE, IMAGE_FIX],
        ["orchestratorImage", "docker@sha256:abc", IMAGE_RULE, IMAGE_FIX],
        ["orchestratorImage", "", IMAGE_RULE, IMAGE_FIX],
        ["certEpoch", "0", "must be a whole number from 1 to 1000000", set("certEpoch", 1)],
        ["caDays", "7301", "must be a whole number of days from 1 to 7300", set("caDays", 3650)],
        ["leafDays", "399", "must be a whole number of days from 1 to 398", set("leafDays", 365)],
        ["manifestsDir", "", "must be a folder", set("manifestsDir", "manifests")],
        ["manifestsDir", " x", "must be a folder", set("manifestsDir", "manifests")],
    ] as [string, string, string, string][])("%s = %j", (key, value, rule, fix) => {
        expect(bullets({ [key]: value })).toEqual([
            `- ${key}: ${rule}, got ${JSON.stringify(value)}; ${fix}`,
        ]);
    });

    test("the stack asks for images of this machine and for another one", () => {
        expect(bullets({ imageSource: "local", orchestratorImage: `docker@${DIGEST}` })).toEqual([
            "- orchestratorImage: only counts when imageSource is registry, got imageSource local; " +
                "remove it with: pulumi config rm orchestratorImage",
        ]);
    });

    test("server ports that the offset moves past the last port", () => {
        const fits = load({ publishServers: "25500-25535", portOffset: "40000" });
        expect(fits.publishServers).toEqual({ from: 25500, to: 25535 });
        expect(bullets({ publishServers: "25500-25536", portOffset: "40000" })).toEqual([
            "- publishServers: must end at 65535 or below with portOffset 40000 added, " +
                'got "25500-25536"; lower the range or portOffset',
        ]);
    });

    test("a leaf certificate that outlives its CA", () => {
        expect(bullets({ caDays: "100" })).toEqual([
            "- leafDays: must not outlive the CA (caDays is 100), got 365; " +
                "set it with: pulumi config set leafDays 100",
        ]);
    });

    test.each([
        [{ internalSubnet: "10.89.0.128/25" }, "internalSubnet", "mainSubnet (10.89.0.0/24)"],
        [{ innerPool: "10.88.0.0/14" }, "innerPool", "mainSubnet (10.89.0.0/24)"],
        [{ innerPool: "172.30.4.0/22" }, "innerPool", "internalSubnet (172.30.0.0/16)"],
        [
            { internalSubnet: "172.31.0.0/16", innerPool: "172.30.4.0/22" },
            "innerPool",
            "the range kept for sutazai-dind-internal (172.30.0.0/16)",
        ],
    ])("overlap %j", (values: Record<string, string>, key, other) => {
        expect(bullets(values)).toEqual([
            `- ${key}: must not overlap ${other}, got ${JSON.stringify(values[key])}; ` +
                `choose another range with: pulumi config set ${key} <subnet>`,
        ]);
    });

    test("all problems at once, each once", () => {
        const wrong = Object.fromEntries(
            SETTING_KEYS.map((key) => [key, key === "namePrefix" ? "?" : ""]),
        );
        const keys = bullets(wrong).map((line) => /^- ([A-Za-z]+): /.exec(line)?.[1]);
        expect([...keys].sort()).toEqual([...SETTING_KEYS].sort());
    });

    test("a URL with a password in the wrong key is not repeated", () => {
        const [line] = bullets({ postgresMode: "postgres://app:hunter2@db/app" });
        expect(line).toContain('got "postgres://***@db/app"');
        expect(line).not.toContain("hunter2");
    });

    test("any text either gives a value or a ConfigError that names the key", () => {
        fc.assert(
            fc.property(fc.constantFrom(...SETTING_KEYS), fc.string(), (key, value) => {
                try {
                    load({ [key]: value });
                } catch (error) {
                    expect(error).toBeInstanceOf(ConfigError);
                    // A value that is fine by itself may clash with another key's: the message then names both.
                    expect((error as Error).message).toContain(key);
                }
            }),
            { numRuns: 500 },
        );
    });
});
