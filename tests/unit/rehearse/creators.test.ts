import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";
import { CREATORS } from "../../../cli/rehearse/creators";
import { Ledger } from "../../../cli/rehearse/ledger";
import { Run, type Home } from "../../../cli/rehearse/run";

const SOCKET = "/run/test.sock";
const dir = mkdtempSync(join(tmpdir(), "rehearse-test-"));
let run: Run;

beforeEach(() => {
    rmSync(join(dir, "ledger"), { force: true });
    run = new Run(Ledger.start(join(dir, "ledger")), dir);
});
afterAll(() => rmSync(dir, { recursive: true }));

/** What a daemon answers when it refuses. */
const refusal = (statusCode: number, message = "no") =>
    Promise.reject(Object.assign(new Error(message), { statusCode }));

function create(type: string, inputs: Record<string, unknown>, client: object = {}) {
    run.daemons.set("p", { client: client as Docker, socket: SOCKET });
    const creator = CREATORS.get(type);
    if (creator === undefined) {
        throw new Error(`no creator of ${type}`);
    }
    return creator({ type, name: "logical", inputs, provider: "urn:pulumi:a::b::c::d::p" }, run);
}

describe("docker.Provider", () => {
    const provider = (inputs: object) =>
        create("pulumi:providers:docker", { disableDockerDaemonCheck: "true", ...inputs });
    const home: Home = {
        name: "orchestrator",
        socket: SOCKET,
        published: [{ ip: "127.0.0.1", external: 12376 }],
        addresses: ["172.18.0.2"],
    };

    test("stands for the daemon of its socket", async () => {
        const { id } = await provider({ host: "unix:///run/x.sock" });
        expect(run.daemons.get(id)).toMatchObject({ socket: "/run/x.sock" });
        expect(run.daemons.get(id)?.within).toBeUndefined();
    });

    test.each(["tcp://127.0.0.1:12376", "tcp://localhost:12376", "tcp://172.18.0.2:2376"])(
        "at %s stands for the one inside a container of this rehearsal",
        async (host) => {
            run.homes.push(home);
            const { id } = await provider({ host, caMaterial: "ca", keyMaterial: "key" });
            expect(run.daemons.get(id)).toMatchObject({ socket: SOCKET, within: "orchestrator" });
        },
    );

    test.each(["tcp://127.0.0.1:12377", "tcp://docker.example.test:12376"])(
        "at %s is not this rehearsal's",
        async (host) => {
            run.homes.push(home);
            await expect(provider({ host })).rejects.toThrow("no container of this rehearsal");
        },
    );

    test("is refused if its daemon's data would stay behind", async () => {
        run.homes.push({ ...home, data: "data" });
        const host = "tcp://127.0.0.1:12376";
        await expect(provider({ host })).rejects.toThrow('keeps its data in "data"');
        run.ledger.intend({ kind: "volume", name: "data", socket: SOCKET });
        expect((await provider({ host })).id).toBeDefined();
    });

    test("needs a host, and one that answers", async () => {
        await expect(provider({})).rejects.toThrow("it names no host");
        const host = `unix://${dir}/none.sock`;
        const silent = provider({ host, disableDockerDaemonCheck: undefined });
        await expect(silent).rejects.toThrow(`no Docker daemon answers at ${host}`);
    });
});

describe("a resource", () => {
    test("needs an explicit provider", async () => {
        const creator = CREATORS.get("docker:index/volume:Volume");
        const made = creator?.({ type: "t", name: "v", inputs: {} }, run);
        await expect(made).rejects.toThrow("no explicit docker.Provider");
    });

    test.each([
        "docker:index/network:Network",
        "docker:index/volume:Volume",
        "docker:index/remoteImage:RemoteImage",
    ])("of type %s refuses inputs it does not know", async (type) => {
        await expect(create(type, { magic: 1 })).rejects.toThrow(`does not know magic of ${type}`);
    });
});

describe("a network", () => {
    test("is made with its pools, our label, and a name like Pulumi's if it has none", async () => {
        const createNetwork = jest.fn().mockResolvedValue({ id: "n1" });
        const client = { createNetwork, listNetworks: () => Promise.resolve([]) };
        const ipamConfigs = [
            { subnet: "10.1.0.0/24", gateway: "10.1.0.1", ipRange: "10.1.0.0/25" },
        ];
        const inputs = { internal: true, ipamConfigs, labels: [{ label: "a", value: "b" }] };
        const { id, state } = await create("docker:index/network:Network", inputs, client);
        expect(id).toBe("n1");
        expect(state.name).toMatch(/^logical-[0-9a-f]{7}$/);
        expect(createNetwork).toHaveBeenCalledWith(
            expect.objectContaining({
                Name: state.name,
                Internal: true,
                Labels: { a: "b", "rehearse.run": run.ledger.run },
                IPAM: {
                    Driver: "default",
                    Options: {},
                    Config: [
                        { Subnet: "10.1.0.0/24", Gateway: "10.1.0.1", IPRange: "10.1.0.0/25" },
                    ],
                },
            }),
        );
        const entry = { number: 1, kind: "network", name: state.name, socket: SOCKET, id: "n1" };
        expect(run.ledger.list()).toEqual([entry]);
    });

    test("of a name that exists is refused and not listed", async () => {
        const client = {
            listNetworks: () => Promise.resolve([{ Name: "taken-not" }, { Name: "taken" }]),
        };
        const made = create("docker:index/network:Network", { name: "taken" }, client);
        await expect(made).rejects.toThrow(
            'a network "taken" exists that this rehearsal did not make',
        );
        expect(run.ledger.list()).toEqual([]);
    });
});

test("a volume that exists is used and not listed", async () => {
    const inspect = () => Promise.resolve({ Driver: "local", Mountpoint: "/m" });
    const client = { getVolume: () => ({ inspect }) };
    const { id, state } = await create("docker:index/volume:Volume", { name: "old" }, client);
    expect(id).toBe("old");
    expect(state).toMatchObject({ mountpoint: "/m" });
    expect(run.ledger.list()).toEqual([]);
});

describe("a container", () => {
    type State = { Status: string; ExitCode?: number; Health?: object };
    const running = (Health?: object): State => ({ Status: "running", ExitCode: 0, Health });
    const calls: string[] = [];

    /** A daemon whose container goes through the given states, one an inspection; the last one stays. */
    function daemon(states: State[], more: object = {}) {
        calls.length = 0;
        const frame = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 5]), Buffer.from("oops\n")]);
        const note = (what: string) => (argument?: { Container?: string }) => {
            calls.push(what);
            return Promise.resolve(argument);
        };
        const container = {
            inspect: () =>
                Promise.resolve({
                    RestartCount: 0,
                    State: states.length > 1 ? states.shift() : states[0],
                    Config: { Hostname: "h" },
                    NetworkSettings: {
                        Ports: {
                            "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }],
                            "81/tcp": null,
                        },
                        Networks: { net: { IPAddress: "10.0.0.2", Gateway: "10.0.0.1" } },
                    },
                    ...more,
                }),
            putArchive: note("upload"),
            start: note("start"),
            logs: () => Promise.resolve(frame),
        };
        return {
            createContainer: note("create"),
            getContainer: () => container,
            getImage: () => ({ inspect: () => Promise.resolve({ Id: "sha256:1" }) }),
            getNetwork: (name: string) => ({
                connect: note(`connect ${name}`),
                disconnect: note(`disconnect ${name}`),
            }),
        };
    }
    const container = (client: object, inputs: object = {}) =>
        create("docker:index/container:Container", { image: "i", name: "c", ...inputs }, client);

    test("is created, connected, given its files, started and waited for, in this order", async () => {
        const client = daemon([running({ Status: "starting" }), running({ Status: "healthy" })]);
        const { state } = await container(client, {
            ...{
                wait: true,
                networksAdvanced: [{ name: "net" }],
                uploads: [{ file: "/a", content: "x" }],
            },
            ...{ ports: [{ internal: 80 }] },
        });
        expect(calls).toEqual(["create", "disconnect bridge", "connect net", "upload", "start"]);
        expect(state).toMatchObject({
            hostname: "h",
            networkDatas: [{ networkName: "net", ipAddress: "10.0.0.2", gateway: "10.0.0.1" }],
            ports: [{ internal: 80, external: 8080, ip: "127.0.0.1", protocol: "tcp" }],
        });
        const published = [expect.objectContaining({ external: 8080 })] as unknown[];
        expect(run.homes).toEqual([expect.objectContaining({ name: "c", published })]);
    });

    test("can be left unstarted", async () => {
        await container(daemon([{ Status: "created" }]), { start: false, wait: true });
        expect(calls).toEqual(["create"]);
    });

    test.each<[string, State, object]>([
        ["it is unhealthy", running({ Status: "unhealthy", Log: [{ Output: "refused" }] }), {}],
        ["it ended before it was healthy (exit code 3)", { Status: "exited", ExitCode: 3 }, {}],
        [
            "it keeps ending before it is healthy (exit code 1)",
            { Status: "restarting", ExitCode: 1 },
            { RestartCount: 3 },
        ],
        ['it has "wait" but no health check', running(), {}],
        ["it was not healthy within 0.3 s", running({ Status: "starting" }), {}],
    ])("fails with its log: %s", async (message, state, more) => {
        const made = container(daemon([state], more), { wait: true, waitTimeout: 0.3 });
        await expect(made).rejects.toThrow(message);
        await expect(made).rejects.toThrow("its log ends with:\n    oops");
        if (message === "it is unhealthy") {
            await expect(made).rejects.toThrow("the last health check said:\n    refused");
        }
        expect(run.ledger.list()).toHaveLength(1);
    });

    test("of a name that exists is refused and not listed", async () => {
        const client = { ...daemon([running()]), createContainer: () => refusal(409) };
        const message = 'a container "c" exists that this rehearsal did not make';
        await expect(container(client)).rejects.toThrow(message);
        expect(run.ledger.list()).toEqual([]);
    });

    test("that the daemon refuses is not listed; one of which no answer came is", async () => {
        const refused = { ...daemon([running()]), createContainer: () => refusal(400, "bad") };
        await expect(container(refused)).rejects.toThrow("bad");
        expect(run.ledger.list()).toEqual([]);
        const cut = () => Promise.reject(new Error("socket hang up"));
        await expect(container({ ...refused, createContainer: cut })).rejects.toThrow("hang up");
        expect(run.ledger.list()).toMatchObject([{ kind: "container", name: "c" }]);
    });
});
