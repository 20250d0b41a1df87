import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import * as path from "node:path";

import type Docker from "dockerode";

import { MACHINE_ENV, type MachineCan } from "../../tests/support/machine";
import { ensureDocker, runScript } from "../docker/host";
import { findPulumi, missingPlugins, scrubbedEnvironment } from "../environment";
import { CliError, messageOf } from "../errors";
import type { Session } from "../session";
import { ensureImages } from "../stack/images";

/** Suites that need nothing but Node. */
const FAST = ["unit", "component", "golden", "policy"];

/** What a test runner counted. */
interface Counts {
    readonly passed: number;
    readonly failed: number;
    /** Full names. */
    readonly skipped: readonly string[];
}

/** Options of {@link test}. */
export interface TestOptions {
    /** Leave out what needs Docker. */
    readonly fast?: boolean;
    /** Only tests whose name matches. */
    readonly pattern?: string;
}

/**
 * `./mcp test`: every test this machine can run. What a suite needs and the machine lacks is found out here and
 * handed to the tests, which then report themselves as skipped, by name. Ends with one line of counts.
 */
export async function test(session: Session, options: TestOptions): Promise<void> {
    const { project, out } = session;
    const can: MachineCan =
        options.fast === true
            ? { docker: "not asked for (--fast)", pulumi: "not asked for (--fast)" }
            : await abilities(session);
    for (const what of ["docker", "pulumi"] as const) {
        const reason = can[what];
        if (reason !== true) out.warn(`tests that need ${what} are skipped: ${reason}`);
    }
    if (options.fast !== true && process.env.CI === "true") await installTools(session);
    const results = path.join(project.cacheDir, "test-results");
    rmSync(results, { recursive: true, force: true });
    mkdirSync(results, { recursive: true });
    const counts = [
        ...(await testServices(session, results, options)),
        await testProgram(session, results, can, options),
    ];
    const skipped = counts.flatMap((count) => count.skipped);
    const sum = (key: "passed" | "failed"): number =>
        counts.reduce((total, count) => total + count[key], 0);
    for (const name of skipped) process.stdout.write(`skipped: ${name}\n`);
    process.stdout.write(
        `${String(sum("passed"))} passed, ${String(sum("failed"))} failed, ${String(skipped.length)} skipped\n`,
    );
    if (sum("failed") > 0) process.exitCode = 1;
    else if (sum("passed") === 0) throw new CliError("no test ran", "choose another --pattern");
}

/** Debian packages that tests skip without: a browser, the package that has promtool, and the proxies of egress. */
const TOOLS = ["chromium", "prometheus", "squid", "haproxy"];

/** In CI nobody minds what is installed; elsewhere tests say what they lack and are skipped. */
async function installTools({ project, out }: Session): Promise<void> {
    const install = (script: string, what: string): Promise<void> =>
        runScript(project.dir, script, [what], out).catch((error: unknown) => {
            out.warn(`${messageOf(error)}; tests that need it are skipped`);
        });
    for (const tool of TOOLS) await install("ensure-package.sh", tool);
    const tools = path.join(project.cacheDir, "tools");
    await install("ensure-schemathesis.sh", path.join(tools, "schemathesis"));
    await install("ensure-mcp-clients.sh", path.join(tools, "mcp-clients"));
}

/** What this machine can do for the tests: true, or the reason why not. */
async function abilities(session: Session): Promise<MachineCan> {
    const { project, out } = session;
    let docker: Docker;
    try {
        docker = await ensureDocker(project.dir, out);
    } catch (error) {
        const reason = messageOf(error).split("\n")[0] ?? "";
        return { docker: reason, pulumi: `no Docker: ${reason}` };
    }
    // A build that fails is a failure of the run, never a reason to skip.
    await ensureImages(session, docker);
    const missing = missingPlugins(project.dir).map(({ name, version }) => `${name} ${version}`);
    if (!findPulumi()) return { docker: true, pulumi: "no Pulumi CLI on this machine" };
    if (missing.length > 0) {
        return { docker: true, pulumi: `no Pulumi plugin ${missing.join(", ")} on this machine` };
    }
    return { docker: true, pulumi: true };
}

/** The program's own tests, by jest. Its reporter writes the counts. */
async function testProgram(
    { project }: Session,
    results: string,
    can: MachineCan,
    options: TestOptions,
): Promise<Counts> {
    const file = path.join(results, "jest.json");
    const code = await run(
        project.dir,
        [
            path.join(project.dir, "node_modules/jest/bin/jest.js"),
            "--ci",
            "--runInBand",
            "--selectProjects",
            ...(options.fast === true ? FAST : [...FAST, "e2e", "pulumi"]),
            ...(options.pattern === undefined
                ? []
                : ["--testNamePattern", options.pattern, "--passWithNoTests"]),
        ],
        { [MACHINE_ENV]: JSON.stringify(can), MCP_TEST_COUNTS: file },
    );
    // A pattern makes jest mark all others as skipped, which nobody asked to see.
    const counted = read(file, code);
    return options.pattern === undefined ? counted : { ...counted, skipped: [] };
}

/** Tests of the programs that run inside, each by Node's runner with the service's own dependencies. */
async function testServices(
    { project, out }: Session,
    results: string,
    options: TestOptions,
): Promise<Counts[]> {
    const services = path.join(project.dir, "services");
    const counts: Counts[] = [];
    const ready: string[] = [];
    // All of them first: the manager is made of some of the reporter's modules, which need what the reporter has.
    for (const service of readdirSync(services).sort()) {
        const dir = path.join(services, service);
        if (!existsSync(path.join(dir, "package-lock.json"))) continue;
        if (!existsSync(path.join(dir, "node_modules", ".package-lock.json"))) {
            out.say(`installing the dependencies of services/${service} (once)`);
            const code = await run(
                dir,
                ["ci", "--no-audit", "--no-fund", "--loglevel=error"],
                {},
                "npm",
            );
            if (code !== 0) {
                out.warn(`services/${service}: npm ci failed; its tests count as one failure`);
                counts.push({ passed: 0, failed: 1, skipped: [] });
                continue;
            }
        }
        ready.push(service);
    }
    for (const service of ready) {
        const dir = path.join(services, service);
        const file = path.join(results, `${service}.json`);
        const code = await run(
            dir,
            [
                ...(usesTsx(dir) ? ["--import", "tsx"] : []),
                "--test",
                "--test-concurrency=1",
                "--test-reporter=spec",
                "--test-reporter-destination=stdout",
                `--test-reporter=${path.join(project.dir, "tests/support/node-counts-reporter.mjs")}`,
                `--test-reporter-destination=${file}`,
                ...(options.pattern === undefined
                    ? []
                    : [`--test-name-pattern=${options.pattern}`]),
                "tests/*.test.ts",
            ],
            {},
        );
        counts.push(read(file, code));
    }
    return counts;
}

/** A service that shares the project's modules is not loadable by Node's own type stripping. */
function usesTsx(dir: string): boolean {
    const { devDependencies = {} } = JSON.parse(
        readFileSync(path.join(dir, "package.json"), "utf8"),
    ) as { readonly devDependencies?: Readonly<Record<string, string>> };
    return "tsx" in devDependencies;
}

/** Counts a runner wrote; one that wrote none, or failed without a failed test, counts as one failure. */
function read(file: string, code: number): Counts {
    const counts: Counts = existsSync(file)
        ? (JSON.parse(readFileSync(file, "utf8")) as Counts)
        : { passed: 0, failed: 0, skipped: [] };
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

function run(
    cwd: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
    program: string = process.execPath,
): Promise<number> {
    const child = spawn(program, [...args], {
        cwd,
        stdio: ["ignore", "inherit", "inherit"],
        env: { ...scrubbedEnvironment(), ...environment },
    });
    return new Promise((resolve, reject) => {
        child.on("error", reject).on("exit", (code) => {
            resolve(code ?? 1);
        });
    });
}
