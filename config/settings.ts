import { readCertificates } from "./certificate-settings";
import { CONSUL_KEYS, readConsul, type ConsulSettings } from "./consul-settings";
import { DEFAULTS, PORTS } from "./defaults";
import { EDGE_KEYS, readEdge, type EdgeOptions } from "./edge-settings";
import { shown } from "./errors";
import { GATEWAY_KEYS, readGateway, type GatewaySettings } from "./gateway-settings";
import { formatCidr, isPrivate, overlaps, parseCidr } from "./ipv4";
import type { MachineFacts } from "./machine";
import { isDigestReference, isLoopback } from "./predicates";
import { SettingReader, setIt, type ConfigSource } from "./setting-reader";

export { ConfigError } from "./errors";
export type { ConfigSource } from "./setting-reader";

/** Everything a stack can choose, checked. Each field is a config key of its own; secrets are not here. */
export interface StackSettings {
    /** Name of the stack. */
    readonly stack: string;
    /** Put before every host-level name; lower case, digits, "-", ends with "-". @default "" */
    readonly namePrefix: string;
    /** Added to every host port, 0 to 40000. @default 0 */
    readonly portOffset: number;
    /** IPv4 loopback address the host ports are published on. @default "127.0.0.1" */
    readonly bindAddress: string;
    /** CIDR of the host network `sutazai-main`, /16 to /28. @default "10.89.0.0/24" */
    readonly mainSubnet: string;
    /** CIDR of the host network `sutazai-dind-internal`, /16 to /28. @default "172.30.0.0/16" */
    readonly internalSubnet: string;
    /** CIDR of the inner daemon's networks, /12 to /22; a quarter of it, in /28s, is for servers with egress. @default "10.90.0.0/16" */
    readonly innerPool: string;
    /** Publish the inner daemon's API without TLS, on loopback. @default false */
    readonly plainApi: boolean;
    /**
     * Ports of servers published on the host, as a range (`13001-13010`); `none` publishes none. A range, because
     * the ports of the orchestrator are fixed when it is made and a new server must not replace it. @default none
     */
    readonly publishServers: { readonly from: number; readonly to: number } | undefined;
    /** Pull images by digest, or use those built on this machine. @default what the machine remembers, else "registry" */
    readonly imageSource: "registry" | "local";
    /** Limits of the orchestrator container, and with them of all servers together. */
    readonly orchestrator: {
        /** CPU cores. @default 4 */
        readonly cpus: number;
        /** MiB. @default 4096 */
        readonly memoryMb: number;
        /** Another orchestrator image, by digest; used when `imageSource` is "registry". */
        readonly image?: string;
    };
    /** Own PostgreSQL container, or an existing one (secret key `postgresUrl`). @default managed */
    readonly postgres: { readonly mode: "managed" } | { readonly mode: "external" };
    /** Own Consul container, or an existing one (secret keys `consulToken`, `consulReporterToken`). @default managed */
    readonly consul: ConsulSettings;
    /** The gateway beyond its clients, which are files. */
    readonly gateway: GatewaySettings;
    /** The one way in for clients. */
    readonly edge: EdgeOptions;
    /** Certificates of the inner daemon. */
    readonly certificates: {
        /** Raise by one to issue the server and client certificates anew, with new keys. @default 1 */
        readonly epoch: number;
        /** Days the CA is valid. @default 3650 */
        readonly caDays: number;
        /** Days a server or client certificate is valid, up to 398. @default 365 */
        readonly leafDays: number;
    };
    /** Protect the data volumes from removal. @default false */
    readonly protect: boolean;
    /** Folder of the manifests, relative to the project. @default "manifests" */
    readonly manifestsDir: string;
    /** Folder of the clients, relative to the project. @default "clients" */
    readonly clientsDir: string;
}

/** Every config key `loadSettings` reads, without the project's namespace. */
export const SETTING_KEYS = [
    ...["namePrefix", "portOffset", "bindAddress", "mainSubnet", "internalSubnet", "innerPool"],
    ...["plainApi", "publishServers", "imageSource"],
    ...["orchestratorCpus", "orchestratorMemoryMb", "orchestratorImage", "postgresMode"],
    ...CONSUL_KEYS,
    ...GATEWAY_KEYS,
    ...EDGE_KEYS,
    ...["certEpoch", "caDays", "leafDays", "protect", "manifestsDir", "clientsDir"],
] as readonly string[];

/**
 * Reads and checks the settings of a stack.
 *
 * @param source the stack's config; a key that is not set takes its default
 * @param stack name of the stack
 * @param machine what this machine remembers (`readMachineFacts`)
 * @throws ConfigError listing all problems
 */
export function loadSettings(
    source: ConfigSource,
    stack: string,
    machine: MachineFacts,
): StackSettings {
    const read = new SettingReader(source, stack);
    const imageSource = read.choice("imageSource", machine.imageSource ?? DEFAULTS.imageSource, [
        "registry",
        "local",
    ]);
    const subnets = readSubnets(read);
    const image = readImage(read, imageSource);
    const portOffset = read.number("portOffset", DEFAULTS.portOffset, { min: 0, max: 40000 });
    const bindAddress = read.text(
        "bindAddress",
        DEFAULTS.bindAddress,
        isLoopback,
        "must be an IPv4 loopback address",
        setIt("bindAddress", DEFAULTS.bindAddress),
    );
    const settings: StackSettings = {
        stack,
        namePrefix: read.text(
            "namePrefix",
            DEFAULTS.namePrefix,
            (text) => text === "" || /^[a-z0-9][a-z0-9-]{0,30}-$/.test(text),
            'must be up to 32 lower-case letters, digits and "-", starting with a letter or digit and ending with "-"',
            setIt("namePrefix", "second-"),
        ),
        portOffset,
        bindAddress,
        ...subnets,
        plainApi: read.flag("plainApi", DEFAULTS.plainApi),
        publishServers: readPortRange(read, portOffset),
        imageSource,
        orchestrator: {
            cpus: read.number("orchestratorCpus", DEFAULTS.orchestratorCpus, {
                min: 0.5,
                max: 512,
                whole: false,
            }),
            memoryMb: read.number("orchestratorMemoryMb", DEFAULTS.orchestratorMemoryMb, {
                min: 512,
                max: 4194304,
                unit: "MiB",
            }),
            ...(image === undefined ? {} : { image }),
        },
        postgres: {
            mode: read.choice("postgresMode", DEFAULTS.postgresMode, ["managed", "external"]),
        },
        consul: readConsul(read),
        gateway: readGateway(read),
        edge: readEdge(read, imageSource, bindAddress),
        certificates: readCertificates(read),
        protect: read.flag("protect", DEFAULTS.protect),
        manifestsDir: readFolder(read, "manifestsDir"),
        clientsDir: readFolder(read, "clientsDir"),
    };
    read.finish();
    return settings;
}

function readFolder(read: SettingReader, key: "manifestsDir" | "clientsDir"): string {
    return read.text(
        key,
        DEFAULTS[key],
        (text) => text.trim() === text && text !== "" && !text.includes("\0"),
        "must be a folder",
        setIt(key, DEFAULTS[key]),
    );
}

function readImage(read: SettingReader, imageSource: "registry" | "local"): string | undefined {
    const image = read.text(
        "orchestratorImage",
        "",
        isDigestReference,
        "must be an image with its digest (name@sha256:<64 hex digits>)",
        "look the digest up with: docker buildx imagetools inspect <image>",
    );
    // A machine that builds its images may ignore the override; a stack that asks for both may not.
    if (image !== "" && imageSource === "local" && read.has("imageSource")) {
        read.refuse(
            "orchestratorImage",
            "only counts when imageSource is registry",
            "imageSource local",
            "remove it with: pulumi config rm orchestratorImage",
        );
    }
    return image === "" ? undefined : image;
}

/** Most ports published for servers: each costs the host a forwarding rule and a proxy process. */
const MAX_PUBLISHED = 200;

function readPortRange(read: SettingReader, offset: number): StackSettings["publishServers"] {
    const text = read.text(
        "publishServers",
        DEFAULTS.publishServers,
        (value) => value === "none" || parsePortRange(value) !== undefined,
        `must be none or a range of up to ${MAX_PUBLISHED} ports from 1024 to 65535`,
        setIt("publishServers", "13001-13010"),
    );
    const range = parsePortRange(text);
    if (range === undefined || !read.fine("portOffset")) return range;
    const taken = Object.values(PORTS)
        .flatMap((port) => (typeof port === "object" ? Object.values<number>(port) : []))
        .concat(PORTS.gatewayMetrics)
        .filter((port) => port >= range.from && port <= range.to);
    if (taken.length > 0) {
        const rule = `must leave out the orchestrator's own ports (${taken.join(", ")})`;
        read.refuse("publishServers", rule, shown(text), setIt("publishServers", "13001-13010"));
    } else if (range.to + offset > 65535) {
        const rule = `must end at 65535 or below with portOffset ${offset} added`;
        read.refuse("publishServers", rule, shown(text), "lower the range or portOffset");
    }
    return range;
}

function parsePortRange(text: string): { from: number; to: number } | undefined {
    const match = /^([0-9]{4,5})-([0-9]{4,5})$/.exec(text);
    const from = Number(match?.[1]);
    const to = Number(match?.[2]);
    const fits = from >= 1024 && to <= 65535 && from <= to && to - from < MAX_PUBLISHED;
    return match && fits ? { from, to } : undefined;
}

/** Subnet settings with the largest and smallest block each may be, as prefix lengths. */
const SUBNETS = [
    { key: "mainSubnet", largest: 16, smallest: 28, fallback: DEFAULTS.mainSubnet },
    { key: "internalSubnet", largest: 16, smallest: 28, fallback: DEFAULTS.internalSubnet },
    { key: "innerPool", largest: 12, smallest: 22, fallback: DEFAULTS.innerPool },
] as const;

function readSubnets(
    read: SettingReader,
): Pick<StackSettings, "mainSubnet" | "internalSubnet" | "innerPool"> {
    const [mainSubnet, internalSubnet, innerPool] = SUBNETS.map((s) => readSubnet(read, s)) as [
        string,
        string,
        string,
    ];
    refuseOverlap(read, ["internalSubnet", internalSubnet], ["mainSubnet", mainSubnet]);
    refuseOverlap(read, ["innerPool", innerPool], ["mainSubnet", mainSubnet]);
    refuseOverlap(read, ["innerPool", innerPool], ["internalSubnet", internalSubnet]);
    // The fixed range stays clear even when this stack moved away from it: another stack may be there.
    if (internalSubnet !== DEFAULTS.internalSubnet) {
        refuseOverlap(
            read,
            ["innerPool", innerPool],
            ["the range kept for sutazai-dind-internal", DEFAULTS.internalSubnet],
        );
    }
    return { mainSubnet, internalSubnet, innerPool };
}

function readSubnet(read: SettingReader, subnet: (typeof SUBNETS)[number]): string {
    const { key, largest, smallest, fallback } = subnet;
    const text = read.text(
        key,
        fallback,
        (value) => parseCidr(value) !== undefined,
        "must be an IPv4 subnet",
        setIt(key, fallback),
    );
    const cidr = parseCidr(text);
    if (cidr === undefined) return fallback;
    if (cidr.prefix < largest || cidr.prefix > smallest) {
        const rule = `must be between /${largest} and /${smallest}`;
        read.refuse(key, rule, shown(text), setIt(key, fallback));
    } else if (formatCidr(cidr) !== text) {
        const rule = "must start at its network address";
        read.refuse(key, rule, shown(text), setIt(key, formatCidr(cidr)));
    } else if (!isPrivate(cidr)) {
        const rule = "must be a private range (10/8, 172.16/12, 192.168/16, 100.64/10)";
        read.refuse(key, rule, shown(text), setIt(key, fallback));
    }
    return text;
}

function refuseOverlap(
    read: SettingReader,
    [key, text]: readonly [string, string],
    [otherKey, otherText]: readonly [string, string],
): void {
    const cidr = parseCidr(text);
    const other = parseCidr(otherText);
    if (cidr === undefined || other === undefined || !read.fine(key, otherKey)) return;
    if (!overlaps(cidr, other)) return;
    read.refuse(
        key,
        `must not overlap ${otherKey} (${otherText})`,
        shown(text),
        `choose another range with: pulumi config set ${key} <subnet>`,
    );
}
