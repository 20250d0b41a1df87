import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { EGRESS_LIMITS, type EgressPlan } from "../../../config/egress/plan";

import { Namespace, type Outcome } from "./namespace";
import { AT, COMPANION, SERVER } from "./world";

const PROGRAMS = ["squid", "haproxy", "curl", "ip", "unshare", "nsenter", "setpriv"];

/** What is missing for the real programs in a namespace of their own: empty where they can run. */
function missing(): string[] {
    const found = (program: string): boolean =>
        spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
    const programs = PROGRAMS.filter((program) => !found(program));
    if (programs.length > 0) return programs;
    return spawnSync("unshare", ["-n", "-m", "true"]).status === 0 ? [] : ["root"];
}

const lacking = missing();
const real: typeof describe = lacking.length === 0 ? describe : describe.skip;
const needs = lacking.length === 0 ? "" : ` (needs ${lacking.join(", ")})`;

jest.setTimeout(60_000);

let world: Namespace;
let plan: EgressPlan;

/** A companion for the list, for all tests of the block. */
function companion(...list: string[]): void {
    beforeAll(async () => {
        world = await Namespace.open();
        plan = await world.start(list);
    });
    afterAll(() => world.close());
}

/** Refused by the proxy itself: its word, and nobody else's. */
function refused({ output }: Outcome): void {
    expect(output).toContain("403");
    expect(output).not.toContain("reached");
}

const tunnel = (target: string): Promise<Outcome> => world.curl(plan, "-p", `http://${target}/`);

real(`a list of hosts${needs}`, () => {
    companion(
        ...["api.example.com:80", "api.example.com:443", "both.example.com:80", "wiki.corp:80"],
        ...["db.example.com:5432", "10.0.0.5:6432", "gone.example.com:80", "gone.example.com:5433"],
        ...[
            "to-loopback.example.com:80",
            "to-private.example.com:80",
            "to-private.example.com:443",
        ],
        ...["to-metadata.example.com:80", "to-metadata6.example.com:80"],
        ...[
            "mixed.example.com:80",
            "mixed6.example.com:80",
            "loopback.corp:80",
            "metadata.corp:80",
        ],
    );

    test.each([
        ["http://api.example.com/", AT.declared],
        ["http://API.Example.com./", AT.declared],
        ["http://both.example.com/", ""],
        ["http://wiki.corp/", AT.corporate],
    ])("%s is let through", async (url, address) => {
        const { output } = await world.curl(plan, url);
        expect(output).toContain(`reached ${address}`);
        expect(output).toContain("200 000");
    });

    test.each([
        ["api.example.com:443", `${AT.declared} 443`],
        // Node's own client asks for a tunnel for plain HTTP as well.
        ["api.example.com:80", `${AT.declared} 80`],
        // A client that knows the proxy sends everything there, the forwarded targets too.
        ["db.example.com:5432", ""],
        ["10.0.0.5:6432", ""],
    ])("a tunnel to %s is let through", async (target, reached) => {
        const { output } = await tunnel(target);
        expect(output).toContain(" 200");
        expect(output).toContain(reached);
    });

    test.each([
        ["another host", "http://other.example.com/"],
        ["another port", "http://api.example.com:8080/"],
        ["a name below", "http://x.api.example.com/"],
        ["a name around", "http://api.example.com.other.example.com/"],
        ["the host as a user", "http://api.example.com@other.example.com/"],
        ["the host's address", `http://${AT.declared}/`],
        ["its IPv6 address", `http://[${AT.declared6}]/`],
        ["its address as a number", "http://134678021/"],
        ["its address in hexadecimal", "http://0x08070605/"],
        ["a declared address on another port", `http://${AT.corporate}/`],
        ["a metadata service", `http://${AT.metadata}/`],
        ["a metadata service by IPv6", `http://[${AT.metadata6}]/`],
        ["loopback", `http://${AT.loopback}/`],
        ["another protocol", "ftp://api.example.com:80/"],
        ["the proxy's own pages", `http://${COMPANION}:3128/squid-internal-mgr/info`],
        ["the proxy's own pages by name", "http://egress:3128/squid-internal-mgr/menu"],
    ])("%s is refused: %s", async (_what, url) => {
        refused(await world.curl(plan, url));
    });

    test.each([
        "other.example.com:443",
        "api.example.com:8080",
        "api.example.com:5432",
        "db.example.com:443",
        `${AT.declared}:443`,
        `${AT.corporate}:5432`,
        `${AT.metadata}:80`,
        `[${AT.declared6}]:443`,
    ])("a tunnel to %s is refused", async (target) => refused(await tunnel(target)));

    test.each([
        "to-loopback.example.com",
        "to-private.example.com",
        "to-metadata.example.com",
        "to-metadata6.example.com",
        "mixed.example.com",
        "mixed6.example.com",
        "loopback.corp",
        "metadata.corp",
    ])("%s is declared, and leads where its name may not lead", async (name) => {
        refused(await world.curl(plan, `http://${name}/`));
        expect(world.asked).toContain(name);
    });

    test("a tunnel to a public name that leads to a private address is refused", async () => {
        refused(await tunnel("to-private.example.com:443"));
    });

    test("a redirect to what is not declared ends there", async () => {
        const url = "http://api.example.com/redirect?http://other.example.com/";
        refused(await world.curl(plan, "-L", url));
    });

    test("the Host header decides nothing", async () => {
        refused(await world.curl(plan, "-H", "Host: api.example.com", "http://other.example.com/"));
        const host = ["-H", "Host: other.example.com"];
        const { output } = await world.curl(plan, ...host, "http://api.example.com/");
        expect(output).toContain(`reached ${AT.declared} 80`);
    });

    test("names are looked up when they are declared, and addresses never", async () => {
        world.asked.length = 0;
        refused(await world.curl(plan, "http://secret-data.other.example.com/"));
        refused(await world.curl(plan, `http://${AT.other}/`));
        expect((await world.curl(plan, "http://api.example.com/")).output).toContain("reached");
        expect(world.asked.filter((name) => name !== "api.example.com")).toEqual([]);
    });

    test("the client reads in a line what was refused, and what has no address", async () => {
        const { output } = await world.curl(plan, "http://other.example.com/");
        expect(output).toMatch(/^egress: refused GET http:\/\/other.example.com\/: not in the/);
        const gone = await world.curl(plan, "http://gone.example.com/");
        expect(gone.output).toMatch(/^egress: no address found for gone.example.com\n\n503 /);
        expect(world.log).toContain(`${SERVER} GET http://other.example.com/ 403 TCP_DENIED -\n`);
    });

    test("a forwarded port leads to its one target, whose server may speak first", async () => {
        expect(await world.read(5432)).toEqual({
            code: 0,
            output: `reached ${AT.declared} 5432\n`,
        });
        expect(await world.read(6432)).toEqual({
            code: 0,
            output: `reached ${AT.corporate} 6432\n`,
        });
        expect((await world.read(8080)).output).toBe("ECONNREFUSED\n");
        expect((await world.read(5433)).output).not.toContain("reached");
        expect(plan.companionNames).toEqual(["db.example.com", "egress", "gone.example.com"]);
    });

    test("runs within the bar, in less than its memory under 200 connections", async () => {
        const urls = `http://api.example.com/[1-400]`;
        const load = Array.from({ length: 5 }, () =>
            world.curl(plan, "-Z", "--parallel-max", "40", "-o", "/dev/null", urls),
        );
        await Promise.all(load);
        const status = world.processes().map((pid) => readFileSync(`/proc/${pid}/status`, "utf8"));
        const value = (text: string, key: string): string =>
            new RegExp(`^${key}:\\s*(\\S+)`, "m").exec(text)?.[1] ?? "";
        expect(status.map((text) => value(text, "Name")).sort()).toEqual(
            ["bash", "cat", "haproxy", "squid"].sort(),
        );
        for (const text of status) {
            expect(value(text, "Uid")).toBe("1001");
            expect(value(text, "CapEff")).toMatch(/^0+$/);
            expect(value(text, "NoNewPrivs")).toBe("1");
        }
        const peaks = status.map((text) => Number(value(text, "VmHWM")));
        const total = peaks.reduce((sum, kilobytes) => sum + kilobytes, 0);
        expect(total / 1024).toBeLessThan(EGRESS_LIMITS.memoryMb);
    });
});

real(`every host on the web's ports${needs}`, () => {
    companion("*:80", "*:443");

    test.each([
        ["http://api.example.com/", AT.declared],
        ["http://other.example.com/", AT.other],
        [`http://${AT.other}/`, AT.other],
        [`http://[${AT.declared6}]/`, AT.declared6],
    ])("%s is let through", async (url, address) => {
        expect((await world.curl(plan, url)).output).toContain(`reached ${address} 80\n`);
    });

    test("a tunnel is let through on its port alone", async () => {
        expect((await tunnel("other.example.com:443")).output).toContain("reached");
        refused(await tunnel("other.example.com:8080"));
    });

    test.each([
        ...["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "0.0.0.0"],
        ...["[::1]", "[::]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]"],
        ...[AT.corporate, "167772165", AT.database, `[::ffff:${AT.corporate}]`, COMPANION, SERVER],
        ...[AT.metadata, "2852039166", `[${AT.metadata6}]`, `[::ffff:${AT.metadata}]`],
        ...["to-loopback.example.com", "to-private.example.com", "to-metadata.example.com"],
        ...["to-metadata6.example.com", "mixed.example.com", "mixed6.example.com", "wiki.corp"],
    ])("%s is no host of the internet", async (host) => {
        refused(await world.curl(plan, "-g", `http://${host}/`));
        refused(await tunnel(`${host}:443`));
    });

    test("a name that changes its address between judgement and connection never leads inwards", async () => {
        const urls = "http://rebinding.example.com/[1-200]";
        let output = "";
        // The least time an answer is kept is 5 s: two changes of mind are enough, 30 s the limit.
        for (const end = Date.now() + 30_000; Date.now() < end && !output.includes(" 403 ");) {
            output += (await world.curl(plan, "-w", " %{http_code} ", urls)).output;
        }
        expect(output).toContain(`reached ${AT.declared} 80`);
        expect(output).toContain(" 403 ");
        expect(output).not.toContain(`reached ${AT.loopback}`);
    });
});

real(`forwarded targets alone${needs}`, () => {
    companion("postgres:5432", "to-private.example.com:6432", "loopback.corp:6433", "8.7.6.5:8080");

    test("need no proxy", () => {
        expect(plan.serverEnvironment).toEqual({});
        expect(world.log).not.toContain("Squid");
    });

    test("the stack's own database is reached by its name", async () => {
        expect(plan.companionNames).toContain("postgres");
        expect(await world.read(5432)).toEqual({
            code: 0,
            output: `reached ${AT.database} 5432\n`,
        });
    });

    test("a name that leads where it may not lead is refused", async () => {
        expect(await world.read(6432)).toEqual({ code: 0, output: "" });
        expect(world.asked).toContain("to-private.example.com");
        expect(await world.read(6433)).toEqual({ code: 0, output: "" });
        expect(world.asked).toContain("loopback.corp");
    });

    test("the health command says what does not answer", async () => {
        expect(await world.health(plan)).toEqual({ code: 0, output: "" });
        const forwarder = world
            .processes()
            .find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8") === "haproxy\n");
        process.kill(forwarder ?? 0, "SIGSTOP");
        const health = await world.health(plan);
        process.kill(forwarder ?? 0, "SIGCONT");
        expect(health.code).toBe(1);
        expect(health.output).toMatch(/^mcp-egress: the forwarder does not answer on \/tmp\//);
    });

    test("ends when its program does", async () => {
        expect(await world.kill("haproxy")).toBe(137);
    });

    test("says in a line what is wrong with how it is started", async () => {
        expect(await world.script()).toEqual({
            code: 1,
            output: "mcp-egress: nothing to run: set EGRESS_SQUID_CONF, EGRESS_HAPROXY_CFG or both\n",
        });
        expect(await world.script("stop")).toEqual({
            code: 1,
            output: 'mcp-egress: unknown command "stop"; use "run" or "health"\n',
        });
    });
});
