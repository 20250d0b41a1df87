import {
    copyFileSync,
    cpSync,
    existsSync,
    linkSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";

import { parse, stringify } from "yaml";

import { findPulumi } from "../cli/environment";
import { PulumiEngine } from "../cli/engine/pulumi";
import { CliError } from "../cli/errors";
import { PROJECT_NAME, Project } from "../cli/project";

/** What is put before every host-level name, so that nothing of another stack is touched. */
export const PREFIX = "bench-";

/** Names of the stacks this folder makes; whatever carries one of them on the host is ours to remove. */
export const STACK = /^bench[0-9]+$/;

/** What a stack's copy of the program leaves behind: it is large, private to this checkout, or not part of it. */
const LEFT_OUT =
    /^(node_modules|\.git|\.mcp|tests|docs|bench|coverage|manifests\/.+\.yml|Pulumi\..+\.yaml)$/;

const PROJECT_DIR = path.resolve(__dirname, "..");

/**
 * A stack of its own in a folder of its own: a copy of the program as it is now, with its own settings, manifests and
 * backend. Edits to the checkout during a run change nothing, and nothing of the checkout's state is touched.
 */
export class Scene {
    private constructor(
        /** Holds the program, the backend and the empty program. */
        private readonly root: string,
        readonly project: Project,
        readonly servers: number,
    ) {}

    /** Makes the folder and points Pulumi's backend at it, for this process. */
    static create(servers: number): Scene {
        const root = mkdtempSync(path.join(tmpdir(), "mcp-bench-"));
        const dir = path.join(root, "program");
        cpSync(PROJECT_DIR, dir, {
            recursive: true,
            filter: (source) => {
                const relative = path.relative(PROJECT_DIR, source);
                return !LEFT_OUT.test(relative) && path.basename(source) !== "node_modules";
            },
        });
        symlinkSync(path.join(PROJECT_DIR, "node_modules"), path.join(dir, "node_modules"));
        const scene = new Scene(root, new Project(dir, `bench${String(servers)}`), servers);
        scene.copyImages();
        scene.writeSettings();
        scene.writeManifests("first");
        mkdirSync(path.join(root, "backend"));
        process.env.PULUMI_BACKEND_URL = `file://${root}/backend`;
        return scene;
    }

    /** Opens the engine that the operator's command uses, on this scene's program. */
    async engine(): Promise<PulumiEngine> {
        return PulumiEngine.open(this.project, cli());
    }

    /** The engine on a program that makes nothing, with the same runtime options and node_modules. */
    async emptyEngine(): Promise<PulumiEngine> {
        const dir = path.join(this.root, "empty");
        mkdirSync(dir, { recursive: true });
        for (const file of ["Pulumi.yaml", "tsconfig.pulumi.json", "package.json"]) {
            copyFileSync(path.join(this.project.dir, file), path.join(dir, file));
        }
        const modules = path.join(dir, "node_modules");
        if (!existsSync(modules)) symlinkSync(path.join(PROJECT_DIR, "node_modules"), modules);
        writeFileSync(
            path.join(dir, "index.ts"),
            'import * as pulumi from "@pulumi/pulumi";\n\nexport const stack = pulumi.getStack();\n',
        );
        return PulumiEngine.open(new Project(dir, "empty"), cli());
    }

    /**
     * Writes the manifests: the three of the project for three servers, else that many copies of files-mcp.
     * @param mark value of a variable of the first files server; another value is a change of that one server
     */
    writeManifests(mark: string): void {
        const source = path.join(PROJECT_DIR, "manifests");
        const target = path.join(this.project.dir, "manifests");
        const read = (name: string): Manifest =>
            parse(readFileSync(path.join(source, `${name}.yml`), "utf8")) as Manifest;
        const files = (index: number): Manifest => {
            const manifest = read("files-mcp");
            manifest.metadata.name = `files-${String(index).padStart(2, "0")}`;
            manifest.spec.port = 13000 + index;
            return manifest;
        };
        const manifests =
            this.servers === 3
                ? [read("files-mcp"), read("http-mcp"), read("postgres-mcp")]
                : Array.from({ length: this.servers }, (_, index) => files(index + 1));
        const [first] = manifests;
        if (first) first.spec.environment = { ...first.spec.environment, BENCH_MARK: mark };
        for (const manifest of manifests) {
            writeFileSync(path.join(target, `${manifest.metadata.name}.yml`), stringify(manifest));
        }
    }

    /** Name of the server that `writeManifests` changes. */
    get changedServer(): string {
        return this.servers === 3 ? "files-mcp" : "files-01";
    }

    /** Reads what a bring-up sends over the wire, so that no run pays for a cold page cache. */
    warm(): void {
        const images = path.join(this.project.dir, ".mcp/images");
        if (!existsSync(images)) return;
        for (const entry of readdirSync(images, { recursive: true, withFileTypes: true })) {
            if (entry.isFile()) readFileSync(path.join(entry.parentPath, entry.name));
        }
    }

    dispose(): void {
        rmSync(this.root, { recursive: true, force: true });
    }

    /** The machine's facts and its build contexts; hard links, so that a clean-up of the cache cannot take them away. */
    private copyImages(): void {
        const from = path.join(PROJECT_DIR, ".mcp");
        const facts = path.join(from, "machine.json");
        if (!existsSync(facts)) {
            throw new CliError("this machine has no images yet", "run ./mcp build first");
        }
        const cache = this.project.cacheDir;
        copyFileSync(facts, path.join(cache, "machine.json"));
        const { images = {} } = JSON.parse(readFileSync(facts, "utf8")) as {
            images?: Record<string, { context?: string }>;
        };
        for (const { context } of Object.values(images)) {
            if (context === undefined) continue;
            mkdirSync(path.join(this.project.dir, context), { recursive: true });
            for (const file of readdirSync(path.join(PROJECT_DIR, context))) {
                linkOrCopy(
                    path.join(PROJECT_DIR, context, file),
                    path.join(this.project.dir, context, file),
                );
            }
        }
    }

    private writeSettings(): void {
        const last = 13000 + Math.max(10, this.servers);
        const settings = {
            namePrefix: PREFIX,
            portOffset: "6000",
            mainSubnet: "10.98.0.0/24",
            internalSubnet: "10.98.1.0/24",
            innerPool: "10.98.16.0/20",
            publishServers: `13001-${String(last)}`,
            orchestratorMemoryMb: String(Math.max(4096, 2048 + this.servers * 288)),
        };
        const config = {
            "pulumi:disable-default-providers": ["docker", "consul"],
            ...Object.fromEntries(
                Object.entries(settings).map(([key, value]) => [`${PROJECT_NAME}:${key}`, value]),
            ),
        };
        writeFileSync(this.project.settingsFile, stringify({ config }));
    }
}

interface Manifest {
    metadata: { name: string };
    spec: { port: number; environment?: Record<string, string> };
}

function linkOrCopy(from: string, to: string): void {
    try {
        linkSync(from, to);
    } catch {
        copyFileSync(from, to);
    }
}

function cli(): NonNullable<ReturnType<typeof findPulumi>> {
    const found = findPulumi();
    if (found) return found;
    throw new CliError("no Pulumi CLI on PATH or in its home folder", "install the Pulumi CLI");
}
