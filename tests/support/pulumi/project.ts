import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
    cpSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import * as path from "node:path";

import { findPulumi, scrubbedEnvironment } from "../../../cli/environment";

import { FOLDER_PREFIX } from "./leftovers";

const ROOT = path.resolve(__dirname, "../../..");

/** Not part of the program: other stacks' settings, caches, what is installed, tests. */
const LEFT_OUT = /^(node_modules|\.git|\.mcp|tests|coverage|Pulumi\..+\.yaml)$/;

/**
 * A copy of the project in a temporary folder, with a backend of its own. A copy, so that a test may write settings
 * and manifests, is not disturbed by edits of the real ones, and leaves nothing there when it is killed. What the
 * machine has built is shared by hard links; installed packages by a symbolic link.
 */
export class ProjectCopy {
    readonly dir: string;
    /** Folder of the file backend. */
    readonly state: string;
    readonly passphraseFile: string;
    /** Full path of the Pulumi CLI. */
    readonly pulumi: string;
    /** Environment of every run: this backend and passphrase, no colours. */
    readonly env: Readonly<Record<string, string>>;

    constructor() {
        const cli = findPulumi();
        if (!cli) throw new Error("no Pulumi CLI on this machine");
        this.pulumi = cli.path;
        const temporary = mkdtempSync(FOLDER_PREFIX);
        this.dir = path.join(temporary, "project");
        this.state = path.join(temporary, "state");
        this.passphraseFile = path.join(temporary, "passphrase");
        mkdirSync(this.dir);
        mkdirSync(this.state);
        writeFileSync(this.passphraseFile, randomBytes(24).toString("base64url"), { mode: 0o600 });
        for (const entry of readdirSync(ROOT)) {
            if (LEFT_OUT.test(entry)) continue;
            cpSync(path.join(ROOT, entry), path.join(this.dir, entry), {
                recursive: true,
                filter: (source) => path.basename(source) !== "node_modules",
            });
        }
        symlinkSync(path.join(ROOT, "node_modules"), path.join(this.dir, "node_modules"));
        shareCache(path.join(ROOT, ".mcp"), path.join(this.dir, ".mcp"));
        this.env = {
            ...Object.fromEntries(
                Object.entries(scrubbedEnvironment()).filter(
                    ([name]) => name === "PULUMI_HOME" || !/^(PULUMI|MCP|FORCE_COLOR)/.test(name),
                ),
            ),
            NO_COLOR: "1",
            PULUMI_BACKEND_URL: `file://${this.state}`,
            PULUMI_CONFIG_PASSPHRASE_FILE: this.passphraseFile,
            PULUMI_SKIP_UPDATE_CHECK: "true",
        };
    }

    /** Where the settings of a stack are. */
    settingsFile(stack: string): string {
        return path.join(this.dir, `Pulumi.${stack}.yaml`);
    }

    /** Where the backend keeps a stack. */
    stateFile(stack: string): string {
        return path.join(this.state, ".pulumi/stacks/sutazai-mcp", `${stack}.json`);
    }

    /** Locks of runs under way or killed. */
    locks(): string[] {
        const folder = path.join(this.state, ".pulumi/locks");
        if (!existsSync(folder)) return [];
        const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
        return files.filter((file) => file.endsWith(".json"));
    }

    /** What a kill in the middle of writing leaves: attributes of the stack's file that cannot be read. */
    emptyAttributes(stack: string): void {
        writeFileSync(`${this.stateFile(stack)}.attrs`, "");
    }

    /** Adds or replaces a file in the folder of manifests; without text, removes it. */
    manifest(file: string, text?: string): void {
        const full = path.join(this.dir, "manifests", file);
        if (text === undefined) rmSync(full, { force: true });
        else writeFileSync(full, text);
    }

    remove(): void {
        rmSync(path.dirname(this.dir), { recursive: true, force: true });
    }
}

/** What this machine remembers and the contexts of its images; large files as hard links where that goes. */
function shareCache(from: string, to: string): void {
    mkdirSync(path.join(to, "images"), { recursive: true });
    const facts = path.join(from, "machine.json");
    if (!existsSync(facts)) return;
    cpSync(facts, path.join(to, "machine.json"));
    if (!existsSync(path.join(from, "images"))) return;
    const contexts = readdirSync(path.join(from, "images"), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => path.join(from, "images", entry.name));
    if (contexts.length === 0) return;
    const target = path.join(to, "images");
    if (spawnSync("cp", ["-al", ...contexts, target]).status === 0) return;
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target);
    spawnSync("cp", ["-a", ...contexts, target]);
}
