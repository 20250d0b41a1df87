import * as fs from "node:fs";
import * as http from "node:http";
import * as net from "node:net";
import { expectProblem, Sandbox, type Result } from "./support";

const FULL = "CapBnd:\t000001ffffffffff\n";
const WITHOUT_SYS_RESOURCE = "CapBnd:\t000001fffeffffff\n";
const WRAPPER = "usr/local/lib/mcp/mcp-runc";

let sandbox: Sandbox;
beforeEach(() => {
    sandbox = new Sandbox([
        "scripts/ensure-docker.sh",
        "scripts/ensure-package.sh",
        "images/orchestrator/mcp-runc",
    ]);
    for (const folder of ["var/run", "var/log", "usr/sbin"]) {
        fs.mkdirSync(sandbox.at(`root/${folder}`), { recursive: true });
    }
    sandbox.write("root/proc/1/comm", "init\n");
    sandbox.write("root/proc/self/status", FULL);
    sandbox.fake("uname", "echo Linux");
    asUser(0);
    daemon({ ApiVersion: "1.41" }, { DefaultRuntime: "runc" });
});
afterEach(() => sandbox.dispose());

/** A daemon that answers once the file `up` is there. */
function daemon(version: object, info: object): void {
    sandbox.write("version", JSON.stringify(version));
    sandbox.write("info", JSON.stringify(info));
    sandbox.fake(
        "curl",
        'if [ -n "${DOCKER_HOST-}${DOCKER_CONTEXT-}" ] || [ ! -f "$SANDBOX/up" ]; then exit 7; fi',
        'for url; do :; done; cat "$SANDBOX/${url##*/}"',
    );
}
const up = (): void => sandbox.write("up", "");
const asUser = (uid: number): void =>
    sandbox.fake("id", `if [ "$1" = -un ]; then echo someone; else echo ${uid}; fi`);
const withDebian = (...aptGet: string[]): void => {
    sandbox.fake("dpkg");
    sandbox.fake("dpkg-query", "exit 1");
    sandbox.fake("apt-get", ...aptGet);
};
const withDockerd = (...body: string[]): void =>
    sandbox.fake("dockerd", 'echo "pids ${MCP_PIDS_LIMIT-}" >>"$SANDBOX/calls"', ...body);
/** A daemon of somebody else's, process 77, with these capabilities. */
const running = (status: string, name = "dockerd"): void => {
    sandbox.write("root/var/run/docker.pid", "77");
    sandbox.write("root/proc/77/comm", `${name}\n`);
    sandbox.write("root/proc/77/status", status);
};
const ensure = (uid?: number): Promise<Result> =>
    sandbox.run(sandbox.at("project/scripts/ensure-docker.sh"), {
        env: { DOCKER_HOST: "tcp://192.0.2.1:2375", DOCKER_CONTEXT: "elsewhere" },
        ...(uid === undefined ? {} : { uid }),
    });
const SILENT: Result = { code: 0, stdout: [], stderr: [] };
const STARTING = /^starting the Docker daemon \(log: .*\/var\/log\/dockerd-mcp\.log\)\.\.\.$/;

describe("a daemon that answers", () => {
    test("is all there is to say, whatever DOCKER_HOST says", async () => {
        up();
        expect(await ensure()).toEqual(SILENT);
    });

    test("is found without curl and without a Docker client", async () => {
        fs.rmSync(sandbox.at("bin/curl"));
        sandbox.link("node", process.execPath);
        const server = http.createServer((_, answer) => answer.end('{"ApiVersion":"1.47"}'));
        await new Promise<void>((resolve) =>
            server.listen(sandbox.at("root/var/run/docker.sock"), resolve),
        );
        try {
            expect(await ensure()).toEqual(SILENT);
        } finally {
            server.close();
        }
    });

    test.each([
        ["1.40", /^the Docker daemon is too old: it speaks API 1\.40, 1\.41 is needed$/],
        ["none", /is not a Docker daemon$/],
    ])("but speaks %s is refused", async (ApiVersion, what) => {
        daemon({ ApiVersion }, {});
        up();
        expectProblem(await ensure(), what, "install Docker Engine 20.10 or newer");
    });

    test.each<[string, string, string, boolean]>([
        ["has CAP_SYS_RESOURCE", FULL, "runc", true],
        ["has the wrapper", WITHOUT_SYS_RESOURCE, "mcp-runc", true],
        ["has neither", WITHOUT_SYS_RESOURCE, "runc", false],
    ])("and %s", async (_, status, DefaultRuntime, fine) => {
        daemon({ ApiVersion: "1.41" }, { DefaultRuntime });
        running(status);
        up();
        const result = await ensure();
        if (fine) expect(result).toEqual(SILENT);
        else
            expectProblem(
                result,
                /no CAP_SYS_RESOURCE/,
                /^remedy: stop that daemon and run `\.\/mcp up` again/,
            );
    });

    test("and cannot be looked at is taken as it is, as from inside a container", async () => {
        sandbox.write("root/proc/self/status", WITHOUT_SYS_RESOURCE);
        up();
        expect(await ensure()).toEqual(SILENT);
    });
});

describe("no Docker", () => {
    test("elsewhere than on Debian", async () => {
        expectProblem(
            await ensure(),
            "Docker is not installed",
            "install Docker Engine 20.10 or newer",
        );
    });

    test("elsewhere than on Linux", async () => {
        sandbox.fake("uname", "echo Darwin");
        const remedy = "start Docker, or install Docker Engine 20.10 or newer";
        expectProblem(
            await ensure(),
            /^no Docker daemon answers on .*\/var\/run\/docker\.sock$/,
            remedy,
        );
    });

    test("and not root", async () => {
        withDebian();
        asUser(1000);
        expectProblem(await ensure(), "Docker is not installed", /^remedy: sudo \.\/mcp up /);
        expect(sandbox.calls("apt-get")).toEqual([]);
    });

    test("is installed and started", async () => {
        withDebian(
            'printf \'#!/bin/sh\\ntouch "$SANDBOX/up"\\n\' >"$SANDBOX/bin/dockerd"',
            'chmod +x "$SANDBOX/bin/dockerd"',
        );
        const { code, stdout, stderr } = await ensure();
        expect({ code, stderr }).toEqual({ code: 0, stderr: [] });
        expect(stdout).toEqual([
            expect.stringMatching(/^installing docker\.io /),
            expect.stringMatching(STARTING),
        ]);
    });

    test("and no way to install it", async () => {
        withDebian("echo E: no such package", "exit 100");
        const result = await ensure();
        expectProblem(result, /^apt-get could not install docker\.io/, /apt-get/, [
            "E: no such package",
        ]);
    });
});

describe("a daemon that does not run", () => {
    test.each([
        ["systemd\n", "sudo systemctl start docker"],
        ["init\n", "sudo ./mcp up"],
    ])("and not root, under %j", async (init, remedy) => {
        withDockerd();
        asUser(1000);
        sandbox.write("root/proc/1/comm", init);
        expectProblem(await ensure(), "Docker is installed, but its daemon is not running", remedy);
    });

    test("is systemd's to start", async () => {
        withDockerd();
        sandbox.write("root/proc/1/comm", "systemd\n");
        sandbox.fake("systemctl", 'touch "$SANDBOX/up"');
        const stdout = ["starting Docker (systemctl start docker)..."];
        expect(await ensure()).toEqual({ ...SILENT, stdout });
        expect(sandbox.calls("systemctl")).toEqual(["start docker"]);
        expect(sandbox.calls("dockerd")).toEqual([]);
    });

    test("and that systemd cannot start", async () => {
        withDockerd();
        sandbox.write("root/proc/1/comm", "systemd\n");
        sandbox.fake("systemctl", "echo Job failed >&2", "exit 1");
        expectProblem(await ensure(), "systemd could not start Docker", /journalctl -u docker/, [
            "Job failed",
        ]);
    });

    test("is started by hand without systemd", async () => {
        const heldLock = 'if (: >&9) 2>/dev/null; then echo "lock held" >>"$SANDBOX/calls"; fi';
        withDockerd(heldLock, 'touch "$SANDBOX/up"');
        const result = await ensure();
        expect(result).toEqual({ ...SILENT, stdout: [expect.stringMatching(STARTING)] });
        expect(sandbox.calls("lock")).toEqual([]);
        expect(sandbox.calls("dockerd")).toEqual([""]);
        expect(sandbox.exists(`root/${WRAPPER}`)).toBe(false);
    });

    test("gets the wrapper, a copy of it, where CAP_SYS_RESOURCE is missing", async () => {
        sandbox.write("root/proc/self/status", WITHOUT_SYS_RESOURCE);
        withDockerd('touch "$SANDBOX/up"');
        expect((await ensure()).code).toBe(0);
        const copy = sandbox.at(`root/${WRAPPER}`);
        expect(sandbox.calls("dockerd")).toEqual([
            `--add-runtime mcp-runc=${copy} --default-runtime mcp-runc`,
        ]);
        expect(sandbox.calls("pids")).toEqual(["0"]);
        expect(fs.readFileSync(copy, "utf8")).toBe(
            sandbox.read("project/images/orchestrator/mcp-runc"),
        );
        expect(fs.statSync(copy).mode & 0o777).toBe(0o755);
    });

    test("and cannot: its own last words come first", async () => {
        withDockerd("echo no space left", "exit 1");
        expectProblem(await ensure(), "the Docker daemon could not start", /dockerd-mcp\.log/, [
            "no space left",
        ]);
    });

    test("is not kept down by the pid file of a crashed one", async () => {
        running(FULL, "somebody-else");
        sandbox.write("root/var/run/docker/containerd/containerd.pid", "78");
        withDockerd('touch "$SANDBOX/up"');
        expect((await ensure()).code).toBe(0);
        expect(sandbox.exists("root/var/run/docker.pid")).toBe(false);
        expect(sandbox.exists("root/var/run/docker/containerd/containerd.pid")).toBe(false);
    });

    test("is started once by two who find it so at once", async () => {
        withDockerd("sleep 0.3", 'touch "$SANDBOX/up"');
        const results = await Promise.all([ensure(), ensure()]);
        expect(results.map((result) => result.code)).toEqual([0, 0]);
        expect(sandbox.calls("dockerd")).toHaveLength(1);
    });
});

test("a socket that is not for this user", async () => {
    const server = net.createServer().listen(sandbox.at("root/var/run/docker.sock"));
    try {
        await new Promise((resolve) => server.once("listening", resolve));
        fs.chmodSync(sandbox.at("root/var/run/docker.sock"), 0);
        const what = /^someone may not use .*\/var\/run\/docker\.sock$/;
        // Root may use any socket.
        const result = await ensure(process.getuid?.() === 0 ? 65534 : undefined);
        expectProblem(result, what, /^remedy: sudo usermod -aG docker someone, .*sudo$/);
    } finally {
        server.close();
    }
});
