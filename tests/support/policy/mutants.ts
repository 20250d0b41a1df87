import { UNKNOWN, type ResourceRecord } from "../../../policy/core/model";
import { COMPONENTS, TYPES, onHost, onInner } from "../../../policy/known";

import { added, below, part, props, type Change } from "./change";
import {
    ofType,
    container,
    orchestrator,
    carrier,
    innerCarrier,
    catalog,
    server,
    confined,
    runs,
    docker,
    inner,
    labelled,
    named,
    type Where,
} from "./where";

/** A protected property broken, and the rule that has to say so. */
export interface Mutant {
    readonly resource: string;
    readonly what: string;
    readonly rule: string;
    readonly change: Change;
}

const CA_KEY =
    "urn:pulumi:dev::sutazai-mcp::mcp:host:Layer$mcp:tls:Authority$tls:index/privateKey:PrivateKey::tls-ca-key";
const SHARED =
    "urn:pulumi:dev::sutazai-mcp::mcp:host:Layer$mcp:host:Volumes$docker:index/volume:Volume::volumes-shared";
const DSN = "postgres://u:secret@db/x";
const provider = (name: string): Change => part({ provider: { type: TYPES.dockerProvider, name } });

/** Rule, where, and one change for each way to break it. */
type Mutation = readonly [string, Where, Readonly<Record<string, Change>>];

const MUTATIONS: readonly Mutation[] = [
    ["privilege-no-privileged", confined, { on: props({ privileged: true }) }],
    [
        "privilege-no-privileged",
        orchestrator,
        { "outside its component": below(COMPONENTS.hostLayer) },
    ],
    [
        "privilege-no-host-namespaces",
        container,
        Object.fromEntries(
            ["networkMode", "pidMode", "ipcMode", "utsMode", "usernsMode", "cgroupnsMode"].map(
                (key) => [key, props({ [key]: "host" })],
            ),
        ),
    ],
    [
        "privilege-no-added-capabilities",
        container,
        { adds: props({ "capabilities.adds": ["SYS_ADMIN"] }) },
    ],
    [
        "privilege-no-devices",
        container,
        { devices: props({ devices: [{ hostPath: "/dev/sda" }] }), gpus: props({ gpus: "all" }) },
    ],
    [
        "privilege-keeps-confinement",
        container,
        { seccomp: added("securityOpts", "seccomp=unconfined") },
    ],
    [
        "privilege-no-host-paths",
        container,
        {
            socket: added("volumes", { hostPath: "/var/run/docker.sock", containerPath: "/s" }),
            path: added("volumes", { hostPath: "/", containerPath: "/host" }),
            mount: added("mounts", { type: "bind", source: "/", target: "/host" }),
        },
    ],
    [
        "privilege-no-bind-volumes",
        ofType(TYPES.volume),
        { bind: props({ driverOpts: { type: "none", o: "bind", device: "/" } }) },
    ],
    ["bar-user", server, { root: props({ user: "0:0" }), none: props({ user: undefined }) }],
    ["bar-cap-drop-all", confined, { none: props({ capabilities: undefined }) }],
    ["bar-no-new-privileges", confined, { none: props({ securityOpts: undefined }) }],
    ["bar-read-only-root", server, { writable: props({ readOnly: false }) }],
    ["bar-read-only-root", innerCarrier, { starts: props({ start: true }) }],
    ["bar-cpus", carrier, { starts: props({ start: true }) }],
    [
        "bar-memory",
        container,
        {
            none: props({ memory: undefined, memorySwap: undefined }),
            swap: props({ memorySwap: -1 }),
            half: props({ memorySwap: undefined }),
        },
    ],
    ["bar-cpus", runs, { none: props({ cpuQuota: undefined }) }],
    [
        "bar-processes",
        server,
        { runtime: props({ runtime: undefined }), off: added("envs", "MCP_PIDS_LIMIT=0") },
    ],
    ["bar-init", server, { off: props({ init: false }) }],
    ["bar-restart", runs, { never: props({ restart: "no" }), none: props({ restart: undefined }) }],
    ["bar-log-rotation", runs, { endless: props({ logOpts: undefined }) }],
    ["bar-health", runs, { none: props({ healthcheck: undefined }) }],
    [
        "bar-egress",
        server,
        {
            network: props({ networksAdvanced: [{ name: "elsewhere" }] }),
            "a way out besides": added("networksAdvanced", { name: "mcp-egress" }),
            undeclared: (record) => ({
                ...record,
                props: {
                    ...record.props,
                    labels: (record.props.labels as { label: string }[]).filter(
                        ({ label }) => label !== "mcp.egress",
                    ),
                },
            }),
        },
    ],
    [
        "expose-loopback-only",
        container,
        {
            "every address": added("ports", { internal: 1, external: 20001, ip: "0.0.0.0" }),
            "no address": added("ports", { internal: 1, external: 20001 }),
            all: props({ publishAllPorts: true }),
        },
    ],
    [
        "expose-plain-api",
        orchestrator,
        {
            port: added("ports", { internal: 2375, external: 20001, ip: "127.0.0.1" }),
            flag: added("command", "--host=tcp://0.0.0.0:2375"),
        },
    ],
    [
        "expose-provider-tls",
        (record) => record.type === TYPES.dockerProvider && record.name === "inner",
        {
            ca: props({ caMaterial: undefined }),
            cert: props({ certMaterial: undefined }),
            key: props({ keyMaterial: undefined }),
            host: props({ host: undefined }),
        },
    ],
    [
        "expose-consul-provider",
        ofType(TYPES.consulProvider),
        { elsewhere: props({ address: "c.example:8500" }), tls: props({ insecureHttps: true }) },
    ],
    ["place-explicit-provider", catalog, { none: part({ provider: undefined }) }],
    ["secret-argument", ofType(TYPES.consulService), { meta: props({ "meta.dsn": DSN }) }],
    [
        "expose-network-isolation",
        named("platform-closed"),
        { options: props({ options: undefined }) },
    ],
    ["expose-network-isolation", named("networks-internal"), { out: props({ internal: false }) }],
    ["image-pinned", container, { tag: props({ image: "server:1" }) }],
    ["image-pinned", ofType(TYPES.image), { tag: props({ name: "server:1" }) }],
    ["image-no-latest", container, { latest: props({ image: "server:latest" }) }],
    ["image-no-latest", ofType(TYPES.image), { none: props({ name: "server" }) }],
    [
        "image-base-pinned",
        named("images-runtime"),
        { base: props({ "build.buildArgs.NODE_BASE": "node:22" }) },
    ],
    [
        "image-denied",
        server,
        { argument: props({ command: ["npx", "@modelcontextprotocol/server-postgres"] }) },
    ],
    [
        "image-denied",
        ofType("mcp:inner:Server"),
        { manifest: props({ "manifest.command": ["@modelcontextprotocol/server-postgres"] }) },
    ],
    [
        "image-dind-escapes",
        named("image-orchestrator"),
        { old: props({ name: "docker:25.0.5-dind" }) },
    ],
    [
        "cert-key-algorithm",
        ofType(TYPES.privateKey),
        { short: props({ algorithm: "RSA", rsaBits: 1024 }) },
    ],
    [
        "cert-validity",
        (record) => record.type === TYPES.leaf || record.type === TYPES.selfSigned,
        { long: props({ validityPeriodHours: 400_000 }) },
    ],
    ["cert-roles", ofType(TYPES.leaf), { signs: props({ isCaCertificate: true }) }],
    [
        "cert-ca-key-stays",
        container,
        { upload: (record) => part({ sources: { ...record.sources, uploads: [CA_KEY] } })(record) },
    ],
    [
        "secret-env",
        container,
        { name: added("envs", "API_TOKEN=x"), url: added("envs", `X=${DSN}`) },
    ],
    ["secret-label", labelled, { value: added("labels", { label: "x", value: DSN }) }],
    ["secret-argument", container, { command: added("command", `--dsn=${DSN}`) }],
    [
        "secret-source",
        container,
        { env: (record) => part({ sources: { ...record.sources, envs: [CA_KEY] } })(record) },
    ],
    ["secret-output", ofType(TYPES.stack), { url: part({ outputs: { dsn: DSN } }) }],
    [
        "place-explicit-provider",
        docker,
        { none: part({ provider: undefined }), default: provider("default_5_2_0") },
    ],
    ["place-layer", inner, { "host's daemon": provider("host") }],
    ["place-layer", (record) => docker(record) && onHost(record), { inner: provider("inner") }],
    ["place-known-types", docker, { other: part({ type: "docker:index/service:Service" }) }],
    [
        "place-deleted-with",
        inner,
        { nothing: (record) => part({ beyondPack: { secretPaths: [] } })(record) },
    ],
    [
        "place-deleted-with",
        ofType(COMPONENTS.innerLayer),
        {
            nothing: part({ sources: {} }),
            another: part({ sources: { deletedWith: [SHARED] } }),
        },
    ],
    ["data-ownership", labelled, { none: props({ labels: undefined }) }],
    [
        "data-protected",
        (record) => ["volumes-shared", "volumes-logs"].includes(record.name),
        { one: part({ protect: true }) },
    ],
    ["stack-one-privileged", confined, { on: props({ privileged: true }) }],
    [
        "stack-unique-names",
        (record) => server(record) && record.name !== "files-mcp-container",
        { same: props({ name: "files-mcp" }) },
    ],
    [
        "stack-unique-ports",
        (record) => server(record) && record.name !== "files-mcp-container",
        {
            same: added("ports", {
                internal: 1,
                external: 13002,
                ip: "10.89.0.2",
                protocol: "tcp",
            }),
        },
    ],
    [
        "stack-unique-addresses",
        named("postgres-container"),
        { same: props({ "networksAdvanced[0].ipv4Address": "172.30.0.2" }) },
    ],
    [
        "stack-networks-apart",
        (record) => record.type === TYPES.network && onInner(record),
        { reserved: props({ "ipamConfigs[0].subnet": "172.30.9.0/24" }) },
    ],
    [
        "stack-limits-fit",
        server,
        { memory: props({ memory: 65_536 }), cpus: props({ cpuQuota: 6_400_000 }) },
    ],
    // What is not known is no way around a rule either.
    ["bar-user", server, { unknown: props({ user: UNKNOWN }) }],
    ["bar-memory", container, { unknown: props({ memory: UNKNOWN }) }],
    ["privilege-no-privileged", confined, { unknown: props({ privileged: UNKNOWN }) }],
    ["expose-loopback-only", container, { unknown: props({ ports: UNKNOWN }) }],
];

/** All mutants of a stack. */
export function mutantsOf(records: readonly ResourceRecord[]): Mutant[] {
    return MUTATIONS.flatMap(([rule, where, changes]) =>
        records
            .filter(where)
            .flatMap(({ urn: resource }) =>
                Object.entries(changes).map(([what, change]) => ({ resource, what, rule, change })),
            ),
    );
}
