import {
    cpSync,
    existsSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import * as path from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";

import { mcp, PROJECT_DIR, type McpOptions, type Outcome } from "./cli";
import type { Door } from "./clients";
import { exec, namesWith, removeLabelled, type Inspection } from "./docker";

/** What keeps a stack of the tests apart from every other one on this machine. */
export interface StackPlan {
    readonly name: string;
    readonly prefix: string;
    readonly portOffset: number;
    /** First two numbers of its addresses are 10.97; this is the third one of `sutazai-main`. */
    readonly third: number;
    /** The inner daemon's networks. */
    readonly innerPool: string;
}

const server = z.looseObject({
    metadata: z.looseObject({ name: z.string() }),
    spec: z.looseObject({ port: z.number(), command: z.array(z.string()) }),
});

/** A manifest as far as the tests change it. */
export type ServerFile = z.infer<typeof server>;

/** Port of this host, before the stack's offset, from which the conformance suite goes in. */
export const CONFORMANCE_PORT = 13_900;

/** The client of the tests that may do everything. */
export const EVERYBODY = "local";

/** A stack of its own, made by the product's command, with its settings file and a folder of manifests. */
export class TestStack {
    readonly name: string;
    readonly prefix: string;
    readonly orchestrator: string;
    readonly postgres: string;
    readonly consul: string;
    readonly edge: string;
    readonly reporter: string;

    readonly #tokens = new Map<string, string>();

    constructor(readonly plan: StackPlan) {
        this.name = plan.name;
        this.prefix = plan.prefix;
        this.orchestrator = `${plan.prefix}sutazai-mcp-orchestrator`;
        this.postgres = `${plan.prefix}sutazai-mcp-postgres`;
        this.consul = `${plan.prefix}sutazai-mcp-consul`;
        this.edge = `${plan.prefix}sutazai-mcp-edge`;
        this.reporter = `${plan.prefix}sutazai-mcp-reporter`;
    }

    /** Folder of everything the tests write, besides the settings file. */
    private get folder(): string {
        return path.join(PROJECT_DIR, ".mcp", "e2e", this.name);
    }

    /** Folder of the manifests. */
    get manifests(): string {
        return path.join(this.folder, "manifests");
    }

    /** Folder of the clients' files. */
    get clients(): string {
        return path.join(this.folder, "clients");
    }

    get settingsFile(): string {
        return path.join(PROJECT_DIR, `Pulumi.${this.name}.yaml`);
    }

    get ledgerFile(): string {
        return path.join(PROJECT_DIR, ".mcp", "rehearse", `${this.name}.json`);
    }

    /** Address number `index` on `sutazai-main`; 1 is the host's, 2 the orchestrator's. */
    main(index: number): string {
        return `10.97.${this.plan.third}.${index}`;
    }

    /** Address number `index` on `sutazai-dind-internal`. */
    internal(index: number): string {
        return `10.97.${this.plan.third + 1}.${index}`;
    }

    /** A port of the stack on the host. */
    port(base: number): number {
        return base + this.plan.portOffset;
    }

    /** Where the host publishes the server of that port. */
    url(port: number, urlPath = "/mcp"): string {
        return `http://127.0.0.1:${this.port(port)}${urlPath}`;
    }

    /** The same for a client with its token; by default the client that may do everything. */
    async door(port: number, urlPath?: string, client = EVERYBODY): Promise<Door> {
        return { url: this.url(port, urlPath), token: await this.token(client) };
    }

    /** Token of a client, as `./mcp client token` prints it now. */
    async token(client = EVERYBODY): Promise<string> {
        const known = this.#tokens.get(client);
        if (known !== undefined) return known;
        const { code, stdout, stderr } = await this.mcp(["client", "token", client]);
        if (code !== 0)
            throw new Error(`client token ${client} ended with code ${code}: ${stderr}`);
        this.#tokens.set(client, stdout.trim());
        return stdout.trim();
    }

    /** Writes the settings; removes first what a killed run of these tests left. */
    async prepare(more: Readonly<Record<string, unknown>> = {}): Promise<void> {
        if (existsSync(this.settingsFile)) {
            const writer = Number(
                /process (\d+)/.exec(readFileSync(this.settingsFile, "utf8"))?.[1],
            );
            if (writer !== process.pid && isAlive(writer)) {
                throw new Error(`${this.settingsFile}: process ${writer} runs these tests already`);
            }
        }
        await this.remove();
        mkdirSync(this.manifests, { recursive: true });
        mkdirSync(this.clients, { recursive: true });
        this.writeClient(EVERYBODY, { servers: ["*"], limits: { callsPerMinute: 60_000 } });
        const settings = {
            publishServers: "13001-13010",
            namePrefix: this.prefix,
            portOffset: String(this.plan.portOffset),
            mainSubnet: `${this.main(0)}/24`,
            internalSubnet: `${this.internal(0)}/24`,
            innerPool: this.plan.innerPool,
            manifestsDir: this.manifests,
            clientsDir: this.clients,
            // Where the conformance suite says it comes from.
            edgeOrigins: `http://127.0.0.1:${String(this.port(CONFORMANCE_PORT))}`,
            ...more,
        };
        const config = Object.fromEntries(
            Object.entries(settings).map(([key, value]) => [`sutazai-mcp:${key}`, value]),
        );
        const head = `# Written by tests/e2e, process ${process.pid}; removed at its end.\n`;
        writeFileSync(this.settingsFile, head + stringify({ config }));
    }

    /** Copies the product's manifests. */
    copyManifests(): void {
        const from = path.join(PROJECT_DIR, "manifests");
        for (const file of readdirSync(from).filter((name) => name.endsWith(".yml"))) {
            cpSync(path.join(from, file), path.join(this.manifests, file));
        }
    }

    /** Writes a manifest made from another one of this stack. */
    writeManifest(from: string, to: string, change: (manifest: ServerFile) => void): void {
        const text = readFileSync(path.join(this.manifests, `${from}.yml`), "utf8");
        const manifest = server.parse(parse(text));
        manifest.metadata.name = to;
        change(manifest);
        this.writeText(to, stringify(manifest));
    }

    /** Writes a manifest as it stands. */
    writeText(name: string, text: string): void {
        writeFileSync(path.join(this.manifests, `${name}.yml`), text);
    }

    /** Writes a client's file. */
    writeClient(name: string, spec: Readonly<Record<string, unknown>>): void {
        const file = { apiVersion: "mcp/v1", kind: "MCPClient", metadata: { name }, spec };
        writeFileSync(path.join(this.clients, `${name}.yml`), stringify(file));
    }

    removeManifest(name: string): void {
        rmSync(path.join(this.manifests, `${name}.yml`));
    }

    /** The product's command on this stack. */
    mcp(args: readonly string[], { env, seconds }: McpOptions = {}): Promise<Outcome> {
        // Where there is a Pulumi CLI, some commands ask its backend whether it knows the stack: one of our own.
        const backend = { PULUMI_BACKEND_URL: `file://${this.folder}` };
        return mcp(this.name, args, { seconds, env: { ...backend, ...env } });
    }

    /** `up` by the throw-away bring-up, which gives every client a new token. */
    up(): Promise<Outcome> {
        this.#tokens.clear();
        return this.mcp(["up", "--engine", "rehearse", "--json"], { seconds: 280 });
    }

    /** A command inside the orchestrator; its output. Fails unless it ends well. */
    async run(...command: string[]): Promise<string> {
        const { code, stdout, stderr } = await exec(this.orchestrator, command);
        if (code === 0) return stdout;
        throw new Error(`${command.join(" ")} ended with code ${code}: ${stderr}${stdout}`);
    }

    /** A command inside a server's container, whatever it ends with. */
    inside(name: string, command: readonly string[], seconds?: number): Promise<Outcome> {
        return exec(this.orchestrator, ["docker", "exec", name, ...command], seconds);
    }

    /** `docker inspect` of containers of the inner daemon. */
    async inspect(...names: string[]): Promise<Inspection[]> {
        return JSON.parse(await this.run("docker", "inspect", ...names)) as Inspection[];
    }

    /** Names of all containers of the inner daemon, started or not, by the part they play. */
    async innerNames(): Promise<Record<string, string[]>> {
        const format = '{{.Label "mcp.component"}} {{.Names}}';
        const lines = (await this.run("docker", "ps", "--all", "--format", format)).trim();
        const names: Record<string, string[]> = {};
        for (const line of lines.split("\n").sort()) {
            const [component = "", name = ""] = line.split(" ");
            (names[component] ??= []).push(name);
        }
        return names;
    }

    /** Everything of this stack that is still there: on the daemon, and its files in the project folder. */
    async leftovers(): Promise<string[]> {
        const files = [this.settingsFile, this.ledgerFile].filter((file) => existsSync(file));
        return [...(await namesWith(this.prefix)), ...files];
    }

    /** Removes what runs, and the tests' own files. Works after any failure; nothing to remove is fine. */
    async remove(): Promise<void> {
        if (existsSync(this.ledgerFile)) {
            const { code, stderr } = await this.mcp(["down"], { seconds: 120 });
            if (code !== 0) {
                await removeLabelled(`mcp.stack=${this.name}`);
                throw new Error(`down ended with code ${code}:\n${stderr}`);
            }
        }
        rmSync(this.settingsFile, { force: true });
        rmSync(this.folder, { recursive: true, force: true });
    }
}

function isAlive(processId: number): boolean {
    try {
        return process.kill(processId, 0);
    } catch {
        return false;
    }
}
