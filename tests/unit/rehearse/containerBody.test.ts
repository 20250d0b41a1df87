import {
    containerBody,
    goDuration,
    type ContainerInputs,
} from "../../../cli/rehearse/creators/containerBody";

const MIB = 1024 * 1024;
const body = (inputs: Partial<ContainerInputs>) => containerBody({ image: "i", ...inputs });

test("has the provider's defaults", () => {
    expect(body({})).toEqual({
        Image: "i",
        HostConfig: { Init: false, NetworkMode: "bridge", RestartPolicy: { Name: "no" } },
    });
});

const TOP: [Partial<ContainerInputs>, object][] = [
    [{ command: ["a", "b"] }, { Cmd: ["a", "b"] }],
    [{ entrypoints: ["a"] }, { Entrypoint: ["a"] }],
    [{ envs: ["A=1"] }, { Env: ["A=1"] }],
    [{ user: "1001:1001" }, { User: "1001:1001" }],
    [{ hostname: "h" }, { Hostname: "h" }],
    [{ domainname: "d" }, { Domainname: "d" }],
    [{ workingDir: "/w" }, { WorkingDir: "/w" }],
    [{ labels: [{ label: "l", value: "v" }] }, { Labels: { l: "v" } }],
    [{ stopSignal: "SIGINT" }, { StopSignal: "SIGINT" }],
    [{ stopTimeout: 5 }, { StopTimeout: 5 }],
    [
        {
            healthcheck: {
                tests: ["CMD", "true"],
                interval: "1m30s",
                timeout: "500ms",
                startPeriod: "2s",
                retries: 3,
            },
        },
        {
            Healthcheck: {
                Test: ["CMD", "true"],
                Interval: 90e9,
                Timeout: 5e8,
                StartPeriod: 2e9,
                Retries: 3,
            },
        },
    ],
    [
        { healthcheck: { tests: ["NONE"], startInterval: "1s" } },
        {
            Healthcheck: {
                Test: ["NONE"],
                Interval: 0,
                Timeout: 0,
                StartPeriod: 0,
                StartInterval: 1e9,
                Retries: 0,
            },
        },
    ],
];

test.each(TOP)("%j at the top", (inputs, expected) => {
    expect(body(inputs)).toEqual({ ...body({}), ...expected });
});

const HOST: [Partial<ContainerInputs>, object][] = [
    [{ privileged: true }, { Privileged: true }],
    [{ readOnly: true }, { ReadonlyRootfs: true }],
    [{ init: true }, { Init: true }],
    [{ restart: "unless-stopped" }, { RestartPolicy: { Name: "unless-stopped" } }],
    [
        { maxRetryCount: 3, restart: "on-failure" },
        { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } },
    ],
    [
        { memory: 256, memorySwap: 256, memoryReservation: 128 },
        { Memory: 256 * MIB, MemorySwap: 256 * MIB, MemoryReservation: 128 * MIB },
    ],
    [{ memorySwap: -1 }, { MemorySwap: -1 }],
    [{ shmSize: 64 }, { ShmSize: 64 * MIB }],
    [{ cpus: "0.5" }, { NanoCpus: 5e8 }],
    [
        { cpuPeriod: 100000, cpuQuota: 50000, cpuShares: 512 },
        { CpuPeriod: 100000, CpuQuota: 50000, CpuShares: 512 },
    ],
    [{ cpuPeriod: 100000, cpus: "1.5", cpuQuota: 50000 }, { NanoCpus: 1.5e9 }],
    [{ cgroupParent: "/p" }, { CgroupParent: "/p" }],
    [{ tmpfs: { "/tmp": "size=1m" } }, { Tmpfs: { "/tmp": "size=1m" } }],
    [{ sysctls: { "net.a": "1" } }, { Sysctls: { "net.a": "1" } }],
    [{ runtime: "runc" }, { Runtime: "runc" }],
    [{ groupAdds: ["7"] }, { GroupAdd: ["7"] }],
    [{ dns: ["9.9.9.9"] }, { Dns: ["9.9.9.9"] }],
    [{ networkMode: "none" }, { NetworkMode: "none" }],
    [
        { pidMode: "host", ipcMode: "private", usernsMode: "host", cgroupnsMode: "private" },
        { PidMode: "host", IpcMode: "private", UsernsMode: "host", CgroupnsMode: "private" },
    ],
    [
        { logOpts: { "max-size": "10m" }, logDriver: "json-file" },
        { LogConfig: { Type: "json-file", Config: { "max-size": "10m" } } },
    ],
    [{ logDriver: "none" }, { LogConfig: { Type: "none", Config: {} } }],
    [{ hosts: [{ host: "db", ip: "10.0.0.1" }] }, { ExtraHosts: ["db:10.0.0.1"] }],
    [
        { ulimits: [{ name: "nproc", soft: 1, hard: 2 }] },
        { Ulimits: [{ Name: "nproc", Soft: 1, Hard: 2 }] },
    ],
    [
        { capabilities: { drops: ["ALL"], adds: ["CHOWN"] } },
        { CapAdd: ["CHOWN"], CapDrop: ["ALL"] },
    ],
    [{ capabilities: { drops: ["ALL"] } }, { CapAdd: [], CapDrop: ["ALL"] }],
    [{ securityOpts: ["no-new-privileges"] }, { SecurityOpt: ["no-new-privileges"] }],
    [
        { securityOpts: ["systempaths=unconfined"] },
        { SecurityOpt: [], MaskedPaths: [], ReadonlyPaths: [] },
    ],
    [
        { mounts: [{ type: "volume", source: "v", target: "/v", readOnly: true }] },
        { Mounts: [{ Type: "volume", Source: "v", Target: "/v", ReadOnly: true }] },
    ],
];

test.each(HOST)("%j in HostConfig", (inputs, expected) => {
    const plain = body({}).HostConfig;
    expect(body(inputs).HostConfig).toEqual({ ...plain, ...expected });
});

test("publishes ports, and on all addresses or a free port where the input leaves it open", () => {
    const ports = [
        { internal: 80, external: 8080, ip: "127.0.0.1" },
        { internal: 80, external: 8081 },
        { internal: 53, protocol: "udp" },
    ];
    const { ExposedPorts, HostConfig } = body({ ports });
    expect(ExposedPorts).toEqual({ "80/tcp": {}, "53/udp": {} });
    expect(HostConfig.PortBindings).toEqual({
        "80/tcp": [
            { HostIp: "127.0.0.1", HostPort: "8080" },
            { HostIp: "0.0.0.0", HostPort: "8081" },
        ],
        "53/udp": [{ HostIp: "0.0.0.0", HostPort: "0" }],
    });
});

test("binds volumes and host paths, the host path first", () => {
    const { HostConfig, Volumes } = body({
        volumes: [
            { volumeName: "v", containerPath: "/v" },
            { volumeName: "v", hostPath: "/h", containerPath: "/w", readOnly: true },
            { containerPath: "/anonymous" },
            { fromContainer: "other" },
        ],
    });
    expect(Volumes).toEqual({ "/v": {}, "/w": {}, "/anonymous": {} });
    expect(HostConfig).toMatchObject({ Binds: ["v:/v:rw", "/h:/w:ro"], VolumesFrom: ["other"] });
});

test.each<[object, string]>([
    [{ gpus: "all" }, "rehearse does not know gpus of a container"],
    [{ mounts: [{ type: "tmpfs", target: "/t", tmpfsOptions: {} }] }, "tmpfsOptions"],
    [{ cpus: "lots" }, 'cpus "lots" is not a number of CPUs'],
    [{ volumes: [{ volumeName: "v" }] }, "a volume needs one of containerPath and fromContainer"],
    [{ healthcheck: { interval: "5 seconds" } }, '"5 seconds" is not a duration'],
])("refuses %j", (inputs, message) => {
    expect(() => body(inputs)).toThrow(message);
});

test.each([
    ["0", 0],
    ["0s", 0],
    ["1.5s", 1.5e9],
    ["2h3m4s5ms", 7384.005e9],
    ["10us", 1e4],
])("reads the Go duration %s", (text, nanoseconds) => {
    expect(goDuration(text)).toBe(nanoseconds);
});
