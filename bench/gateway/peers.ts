/** The peers at exact versions, each installed once into a folder of its own, from what `peers/` pins. */
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";

const PINS = path.join(__dirname, "peers");
/** The last line whose modules the Go of today's distributions (1.26) builds; later ones ask for 1.27. */
const TOOLHIVE = "github.com/stacklok/toolhive/cmd/thv@v0.47.0";
/** Toolhive is compiled here, with all of Kubernetes' client. */
const INSTALL_MS = 30 * 60_000;

const run = promisify(execFile);

/** Says what happens, for people. */
export type Say = (line: string) => void;

/** Installs peers under `dir`; each answers with the path of what to run. */
export class Peers {
    constructor(
        private readonly dir: string,
        private readonly say: Say,
    ) {}

    /** The script of an npm peer. */
    async npm(bin: "mcp-proxy" | "supergateway"): Promise<string> {
        const lock = path.join(PINS, "package-lock.json");
        const dir = await this.once("npm", readFileSync(lock, "utf8"), async (into) => {
            for (const file of ["package.json", "package-lock.json"]) {
                copyFileSync(path.join(PINS, file), path.join(into, file));
            }
            const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
            await run("npm", ["ci", ...quiet], { cwd: into, timeout: INSTALL_MS });
        });
        return path.join(dir, "node_modules/.bin", bin);
    }

    /** The folder with the programs of ContextForge's Python environment. */
    async contextForge(): Promise<string> {
        const pins = path.join(PINS, "requirements.txt");
        const dir = await this.once("contextforge", readFileSync(pins, "utf8"), async (into) => {
            await run("python3", ["-m", "venv", "--clear", into]);
            const pip = ["-m", "pip", "install", "--only-binary", ":all:", "--no-input", "--quiet"];
            await run(path.join(into, "bin/python"), [...pip, "--no-deps", "--requirement", pins], {
                timeout: INSTALL_MS,
            });
        });
        return path.join(dir, "bin");
    }

    /** ToolHive's command. */
    async toolHive(): Promise<string> {
        const dir = await this.once("toolhive", TOOLHIVE, async (into) => {
            const env = { ...process.env, GOBIN: into, GOFLAGS: "-buildvcs=false" };
            await run("go", ["install", TOOLHIVE], { env, timeout: INSTALL_MS });
        });
        return path.join(dir, "thv");
    }

    /** Runs `install` unless the same pins have been installed before; a half made folder is made anew. */
    private async once(
        name: string,
        pins: string,
        install: (into: string) => Promise<void>,
    ): Promise<string> {
        const into = path.join(this.dir, name);
        const stamp = path.join(into, "pins");
        if (existsSync(stamp) && readFileSync(stamp, "utf8") === pins) return into;
        this.say(`installing ${name} (once)...`);
        rmSync(into, { recursive: true, force: true });
        mkdirSync(into, { recursive: true });
        try {
            await install(into);
        } catch (error) {
            throw new Error(`cannot be installed: ${lastLine(error)}`, { cause: error });
        }
        writeFileSync(stamp, pins);
        return into;
    }
}

/** The last line of what a program said, or of why there was none. */
function lastLine(error: unknown): string {
    const { stderr, message } = error as { stderr?: string; message: string };
    const lines = (stderr ?? "").trim() === "" ? message : (stderr ?? "");
    return lines.trim().split("\n").at(-1) ?? message;
}
