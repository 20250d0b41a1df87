import { expectProblem, Sandbox, type Result } from "./support";

let sandbox: Sandbox;
beforeEach(() => {
    sandbox = new Sandbox(["scripts/ensure-package.sh"]);
    sandbox.write("root/proc/1/comm", "init\n");
    sandbox.write("root/usr/sbin/.keep", "");
    sandbox.fake("dpkg");
    sandbox.fake("dpkg-query", 'case "$*" in *there*) echo installed ;; *) exit 1 ;; esac');
    sandbox.fake("id", "echo 0");
    sandbox.fake("apt-get");
});
afterEach(() => sandbox.dispose());

const ensure = (...args: string[]): Promise<Result> =>
    sandbox.run(sandbox.at("project/scripts/ensure-package.sh"), { args });

test("a command or a package that is there is enough", async () => {
    expect(await ensure("bash", "there")).toEqual({ code: 0, stdout: [], stderr: [] });
    expect(sandbox.calls("apt-get")).toEqual([]);
});

test("what is missing is installed, and one line says so", async () => {
    sandbox.fake("apt-get", "echo chatter", "echo warning >&2");
    const stdout = ["installing jq tini with apt-get..."];
    expect(await ensure("bash", "jq", "tini")).toEqual({ code: 0, stdout, stderr: [] });
    const [call, ...more] = sandbox.calls("apt-get");
    expect(call).toMatch(/^install --yes --no-install-recommends .* jq tini$/);
    expect(more).toEqual([]);
});

test("package lists are fetched only when it does not work without", async () => {
    sandbox.fake(
        "apt-get",
        'if [ "$1" = update ]; then touch "$SANDBOX/updated"; fi',
        '[ -f "$SANDBOX/updated" ]',
    );
    expect(await ensure("jq")).toMatchObject({ code: 0, stderr: [] });
    expect(sandbox.calls("apt-get").map((call) => call.split(" ")[0])).toEqual([
        "install",
        "update",
        "install",
    ]);
});

test("apt-get's last lines come with the failure", async () => {
    sandbox.fake("apt-get", "echo E: Unable to locate", 'if [ "$1" = install ]; then exit 100; fi');
    const result = await ensure("jq");
    expectProblem(result, "apt-get could not install jq", /apt-get update/, [
        "E: Unable to locate",
    ]);
});

test.each<[string, string, boolean]>([
    ["kept from starting outside systemd", "init\n", true],
    ["left alone under systemd", "systemd\n", false],
])("services are %s", async (_, init, held) => {
    sandbox.write("root/proc/1/comm", init);
    sandbox.fake(
        "apt-get",
        '"$MCP_TEST_ROOT/usr/sbin/policy-rc.d" docker start',
        'if [ $? -eq 101 ]; then touch "$SANDBOX/held"; fi',
    );
    await ensure("jq");
    expect(sandbox.exists("held")).toBe(held);
    expect(sandbox.exists("root/usr/sbin/policy-rc.d")).toBe(false);
});

test("a policy that is there stays", async () => {
    sandbox.write("root/usr/sbin/policy-rc.d", "theirs");
    await ensure("jq");
    expect(sandbox.read("root/usr/sbin/policy-rc.d")).toBe("theirs");
});

test("not root: the command that does it", async () => {
    sandbox.fake("id", "echo 1000");
    const remedy = "sudo apt-get install --no-install-recommends jq";
    expectProblem(
        await ensure("jq"),
        "not installed: jq (and only root can install packages)",
        remedy,
    );
    expect(sandbox.calls("apt-get")).toEqual([]);
});

test("not Debian: what to install", async () => {
    const bare = new Sandbox(["scripts/ensure-package.sh"]);
    try {
        const result = await bare.run(bare.at("project/scripts/ensure-package.sh"), {
            args: ["jq"],
        });
        expectProblem(
            result,
            /^not installed: jq .*not a Debian/,
            "install jq with this system's package manager",
        );
    } finally {
        bare.dispose();
    }
});
