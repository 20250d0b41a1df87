import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const PROJECT = path.resolve(__dirname, "../../..");

/** What the scripts take from the system; everything else on PATH is a fake, or missing. */
const SYSTEM_TOOLS = [
    ...[
        "bash",
        "cat",
        "chmod",
        "cp",
        "env",
        "flock",
        "id",
        "mkdir",
        "mktemp",
        "mv",
        "nohup",
        "readlink",
    ],
    ...["rm", "sed", "setsid", "sha256sum", "sleep", "tail", "touch", "dirname"],
];

export interface Result {
    readonly code: number | null;
    readonly stdout: readonly string[];
    readonly stderr: readonly string[];
}

export interface RunOptions {
    readonly args?: readonly string[];
    readonly cwd?: string;
    readonly env?: Readonly<Record<string, string>>;
    /** User to run as; only root can choose. */
    readonly uid?: number;
}

const lines = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

function locate(tool: string): string | undefined {
    const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"];
    return folders.map((folder) => path.join(folder, tool)).find((file) => fs.existsSync(file));
}

/** A throw-away copy of the scripts, with a PATH and a root folder of their own. */
export class Sandbox {
    readonly dir = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "launcher-test-")));
    readonly project = path.join(this.dir, "project");
    /** Stands before the absolute paths of scripts/ensure-*.sh. */
    readonly root = path.join(this.dir, "root");
    private readonly bin = path.join(this.dir, "bin");
    private readonly callsFile = path.join(this.dir, "calls");

    constructor(files: readonly string[]) {
        fs.chmodSync(this.dir, 0o755);
        for (const tool of SYSTEM_TOOLS) {
            const file = locate(tool);
            if (file !== undefined) this.link(tool, file);
        }
        for (const file of files) {
            this.write(`project/${file}`, fs.readFileSync(path.join(PROJECT, file), "utf8"), 0o755);
        }
        this.write("calls", "", 0o666);
    }

    dispose(): void {
        fs.rmSync(this.dir, { recursive: true, force: true });
    }

    /** Absolute path of something in the sandbox. */
    at(file: string): string {
        return path.join(this.dir, file);
    }

    write(file: string, text: string, mode = 0o644): void {
        fs.mkdirSync(path.dirname(this.at(file)), { recursive: true });
        fs.writeFileSync(this.at(file), text);
        fs.chmodSync(this.at(file), mode);
    }

    read(file: string): string {
        return fs.readFileSync(this.at(file), "utf8");
    }

    exists(file: string): boolean {
        return fs.existsSync(this.at(file));
    }

    /** Puts a real program on the sandbox's PATH. */
    link(name: string, target: string): void {
        fs.mkdirSync(this.bin, { recursive: true });
        fs.symlinkSync(target, path.join(this.bin, name));
    }

    /** Puts a program on PATH that records its call and then runs these lines of shell, $SANDBOX at hand. */
    fake(name: string, ...body: readonly string[]): void {
        fs.rmSync(path.join(this.bin, name), { force: true });
        const record = `echo "${name} $*" >>"$SANDBOX/calls"`;
        this.write(`bin/${name}`, ["#!/bin/sh", record, ...body, ""].join("\n"), 0o755);
    }

    /** The recorded calls of one program, without its name. */
    calls(name: string): string[] {
        const own = lines(this.read("calls")).filter((line) => line.startsWith(`${name} `));
        return own.map((line) => line.slice(name.length + 1));
    }

    run(script: string, options: RunOptions = {}): Promise<Result> {
        const child = spawn(script, options.args ?? [], {
            cwd: options.cwd ?? this.dir,
            env: {
                PATH: this.bin,
                HOME: this.at("home"),
                SANDBOX: this.dir,
                MCP_TEST_ROOT: this.root,
                ...options.env,
            },
            stdio: ["ignore", "pipe", "pipe"],
            ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
        });
        let stdout = "";
        let stderr = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
        child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
        return new Promise((resolve, reject) => {
            child.on("error", reject);
            child.on("close", (code) =>
                resolve({ code, stdout: lines(stdout), stderr: lines(stderr) }),
            );
        });
    }
}

/** The one way a script fails: what is wrong, what to do, nothing else but what stood before. */
export function expectProblem(
    result: Result,
    what: string | RegExp,
    remedy: string | RegExp,
    before: readonly string[] = [],
): void {
    const [problem = "", advice = ""] = result.stderr.slice(-2);
    expect(result.stderr.slice(0, -2)).toEqual(before);
    if (typeof what === "string") expect(problem).toBe(what);
    else expect(problem).toMatch(what);
    if (typeof remedy === "string") expect(advice).toBe(`remedy: ${remedy}`);
    else expect(advice).toMatch(remedy);
    expect(advice).toMatch(/^remedy: \S/);
    expect(result.code).toBe(1);
}
