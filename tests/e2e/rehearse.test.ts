import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import {
    cpSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    realpathSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import Docker from "dockerode";
import { rehearseDown } from "../../cli/rehearse";
import { Ledger } from "../../cli/rehearse/ledger";
import { PREFIX, up } from "../unit/rehearse/fixtures/daemon";

const SOCKET = "/var/run/docker.sock";
const FIXTURE = join(__dirname, "..", "unit", "rehearse", "fixtures", "daemon.ts");
const client = new Docker({ socketPath: SOCKET });
const hasDaemon = spawnSync("docker", ["info"], { timeout: 10_000 }).status === 0;
const dir = mkdtempSync(join(tmpdir(), PREFIX));
const ledgerFile = join(dir, "ledger");

/** A shell with its libraries: enough for an image made from nothing. */
function writeContext(context: string): void {
    for (const program of ["sh", "sleep", "cat", "grep"]) {
        const path = execFileSync("which", [program], { encoding: "utf8" }).trim();
        const libraries =
            spawnSync("ldd", [path], { encoding: "utf8" }).stdout.match(/\/\S+/g) ?? [];
        for (const file of [path, ...libraries]) {
            const place = file === path ? `/bin/${program}` : file;
            mkdirSync(dirname(join(context, "root", place)), { recursive: true });
            cpSync(realpathSync(file), join(context, "root", place));
        }
    }
    writeFileSync(join(context, "Dockerfile"), "FROM scratch\nCOPY root/ /\n");
    const steps = 'RUN ["/bin/sh", "-c", "echo on the way; exit 3"]';
    const lines = ["FROM scratch", `LABEL ${PREFIX}broken=1`, "COPY root/ /", steps, ""];
    writeFileSync(join(context, "Broken"), lines.join("\n"));
}

/** Names of everything on the daemon that has the tests' prefix. */
async function leftovers(): Promise<string[]> {
    const [containers, networks, { Volumes }, images] = await Promise.all([
        client.listContainers({ all: true }),
        client.listNetworks(),
        client.listVolumes(),
        client.listImages(),
    ]);
    const names = [
        ...containers.flatMap(({ Names }) => Names.map((name) => name.slice(1))),
        ...networks.map(({ Name }) => Name),
        ...Volumes.map(({ Name }) => Name),
        ...images.flatMap(({ RepoTags }) => RepoTags ?? []),
    ];
    return names.filter((name) => name.startsWith(PREFIX)).sort();
}

/** The message of a program that fails, run in a process of its own: Jest hides stray rejections. */
async function failing(name: string): Promise<string> {
    const args = ["--import", "tsx", FIXTURE, name, dir, ledgerFile];
    return (await promisify(execFile)(process.execPath, args, { timeout: 60_000 })).stdout;
}

const down = () => rehearseDown({ ledgerFile });

(hasDaemon ? describe : describe.skip)("a rehearsal on a real daemon", () => {
    beforeAll(() => writeContext(join(dir, "context")));
    afterEach(down);
    afterAll(async () => {
        rmSync(dir, { recursive: true, force: true });
        // What a failed build leaves in Docker's build cache.
        await client.pruneImages({ filters: { dangling: ["true"], label: [`${PREFIX}broken=1`] } });
        expect(await leftovers()).toEqual([]);
    });

    test("makes all of a program and leaves nothing but what was there before", async () => {
        await client.createVolume({ Name: `${PREFIX}kept` });
        try {
            const { outputs, resources, secretOutputs } = await up("all", dir, ledgerFile);
            expect(resources).toBe(6);
            expect(outputs.ip).toBe("172.31.251.9");
            expect(secretOutputs).toEqual(["uploads"]);
            const found = await client.getContainer(`${PREFIX}container`).inspect();
            expect(found.Id).toBe(outputs.id);
            expect(found.State.Health?.Status).toBe("healthy");
            expect(Object.keys(found.NetworkSettings.Networks)).toEqual([`${PREFIX}net`]);
            expect(found.HostConfig).toMatchObject({ NanoCpus: 5e8, Memory: 64 * 1024 * 1024 });
            expect(readFileSync(ledgerFile, "utf8")).not.toContain("hush");
            expect(await leftovers()).toEqual(
                ["container", "image:1", "kept", "net", "volume"].map((name) => PREFIX + name),
            );
            await expect(up("all", dir, ledgerFile)).rejects.toThrow("an earlier rehearsal");
            expect(await down()).toEqual({ removed: 4 });
            expect(await leftovers()).toEqual([`${PREFIX}kept`]);
            expect(existsSync(ledgerFile)).toBe(false);
            expect(await down()).toEqual({ removed: 0 });
        } finally {
            await client.getVolume(`${PREFIX}kept`).remove();
        }
    }, 60_000);

    test("fails at once with the reason if a container is unhealthy, and can be removed", async () => {
        const message = await failing("unhealthy");
        expect(message).toContain("container (docker:index/container:Container): it is unhealthy");
        expect(message).toContain("no such luck");
        expect(message).toContain("my last words");
        expect(await down()).toEqual({ removed: 2 });
        expect(await leftovers()).toEqual([]);
    }, 60_000);

    test("shows a failed build's last lines", async () => {
        const message = await failing("build");
        expect(message).toContain("returned a non-zero code: 3");
        expect(message).toContain("on the way");
    }, 60_000);

    test("names a network that has its name, and does not remove it", async () => {
        const taken = await client.createNetwork({ Name: `${PREFIX}taken` });
        try {
            expect(await failing("conflict")).toContain(`a network "${PREFIX}taken" exists`);
            expect(await down()).toEqual({ removed: 0 });
            expect(await leftovers()).toEqual([`${PREFIX}taken`]);
        } finally {
            await taken.remove();
        }
    }, 60_000);

    test("that is killed can be removed", async () => {
        const args = ["--import", "tsx", FIXTURE, "waiting", dir, ledgerFile];
        const child = spawn(process.execPath, args, { stdio: "ignore" });
        const ended = new Promise((done) => child.once("exit", done));
        const isWaiting = () =>
            Ledger.open(ledgerFile)
                ?.list()
                .some(({ id, kind }) => kind === "container" && id !== undefined);
        for (let i = 0; i < 200 && !isWaiting(); i += 1) {
            await new Promise((done) => setTimeout(done, 100));
        }
        child.kill("SIGKILL");
        await ended;
        expect(await down()).toEqual({ removed: 2 });
        expect(await leftovers()).toEqual([]);
    }, 60_000);

    test("that was killed before it wrote an id finds what it made, and only that", async () => {
        const ledger = Ledger.start(ledgerFile);
        const Labels = { "rehearse.run": ledger.run };
        const ours = await client.createNetwork({ Name: `${PREFIX}ours`, Labels });
        const other = await client.createNetwork({ Name: `${PREFIX}other` });
        await client.createVolume({ Name: `${PREFIX}ours`, Labels });
        await client.createVolume({ Name: `${PREFIX}other` });
        for (const kind of ["network", "volume"] as const) {
            ledger.intend({ kind, name: `${PREFIX}ours`, socket: SOCKET });
            ledger.intend({ kind, name: `${PREFIX}other`, socket: SOCKET });
        }
        ledger.intend({ kind: "container", name: `${PREFIX}never-made`, socket: SOCKET });
        expect(await down()).toEqual({ removed: 5 });
        expect(await leftovers()).toEqual([`${PREFIX}other`, `${PREFIX}other`]);
        await expect(ours.inspect()).rejects.toMatchObject({ statusCode: 404 });
        await other.remove();
        await client.getVolume(`${PREFIX}other`).remove();
    }, 60_000);
});
