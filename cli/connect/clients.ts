import * as path from "node:path";

import { json } from "./formats/json";
import { toml } from "./formats/toml";
import { yaml } from "./formats/yaml";
import type { ConnectTarget, Data, Entry, Format, Scope, Surroundings } from "./types";

/** A token as a client's file refers to it. */
export interface Token {
    /** Environment variable that holds it. */
    readonly variable: string;
    /** What stands in the file for its value. */
    readonly reference: string;
}

/** Where a client keeps its MCP servers and how it writes one. */
export interface Client {
    readonly name: string;
    readonly format: Format;
    /** The file of a scope; undefined when the client has none there. */
    readonly file: (scope: Scope, place: Surroundings) => string | undefined;
    /** Keys above the entries, which may depend on what is in the file. */
    readonly above: (data: Data) => readonly string[];
    /** Key of an entry that holds the address. */
    readonly address: string;
    readonly entry: (target: ConnectTarget, token: Token | undefined) => Entry;
    /** Keys of an entry that are this command's; a user's other keys stay. */
    readonly owned: readonly string[];
    /**
     * How the client takes a value from its environment; undefined for one that does not, whose file would hold the
     * token itself.
     */
    readonly reference: ((variable: string) => string) | undefined;
    /** Containers the client wants even when nothing is in them. @default 0 */
    readonly keep?: number;
    /** An element of a top-level array that the token's reference needs. */
    readonly support?: (variable: string) => { readonly key: string; readonly element: Entry };
    /** What the user has to know or do besides, by scope. */
    readonly hint?: Partial<Record<Scope, string>>;
}

const authorization = (token: Token | undefined): Entry =>
    token === undefined ? {} : { headers: { Authorization: `Bearer ${token.reference}` } };

const shell = (variable: string): string => `\${${variable}}`;
const prefixed = (variable: string): string => `\${env:${variable}}`;

const inProject =
    (inside: string, user: (place: Surroundings) => string): Client["file"] =>
    (scope, place) =>
        scope === "project" ? path.join(place.project, inside) : user(place);

const userOnly =
    (user: (place: Surroundings) => string): Client["file"] =>
    (scope, place) =>
        scope === "user" ? user(place) : undefined;

const atHome =
    (...parts: string[]) =>
    ({ home }: Surroundings): string =>
        path.join(home, ...parts);

const configHome = ({ env, home }: Surroundings): string =>
    env.XDG_CONFIG_HOME ?? path.join(home, ".config");

/**
 * Claude Code. An entry with a `url` and no `type` is skipped as a broken stdio server. `${VAR}` is expanded in `url`
 * and `headers`. CLAUDE_CONFIG_DIR moves the user's file. Source: code.claude.com/docs/en/mcp.
 */
const claudeCode: Client = {
    name: "claude-code",
    format: json,
    file: inProject(".mcp.json", ({ env, home }) =>
        path.join(env.CLAUDE_CONFIG_DIR ?? home, ".claude.json"),
    ),
    above: () => ["mcpServers"],
    address: "url",
    entry: ({ url }, token) => ({ type: "http", url, ...authorization(token) }),
    owned: ["type", "url", "headers"],
    reference: shell,
    hint: { project: "Claude Code asks once before it uses servers of .mcp.json" },
};

/**
 * Codex. `bearer_token_env_var` takes a variable's name; `headers` would be ignored in silence. CODEX_HOME moves the
 * user's file. Source: docs/config.md and codex-rs/core/src/config of github.com/openai/codex.
 */
const codex: Client = {
    name: "codex",
    format: toml,
    file: inProject(path.join(".codex", "config.toml"), ({ env, home }) =>
        path.join(env.CODEX_HOME ?? path.join(home, ".codex"), "config.toml"),
    ),
    above: () => ["mcp_servers"],
    address: "url",
    entry: ({ url }, token) => ({
        url,
        ...(token === undefined ? {} : { bearer_token_env_var: token.variable }),
    }),
    owned: ["url", "bearer_token_env_var"],
    reference: (variable) => variable,
    hint: { project: "Codex reads .codex/config.toml in trusted projects only" },
};

/**
 * Cursor. `${env:VAR}` is resolved in `command`, `args`, `env`, `url` and `headers`.
 * Source: cursor.com/docs/context/mcp.
 */
const cursor: Client = {
    name: "cursor",
    format: json,
    file: inProject(path.join(".cursor", "mcp.json"), atHome(".cursor", "mcp.json")),
    above: () => ["mcpServers"],
    address: "url",
    entry: ({ url }, token) => ({ url, ...authorization(token) }),
    owned: ["url", "headers"],
    reference: prefixed,
};

const vscodeInput = (variable: string): string => variable.toLowerCase().replaceAll("_", "-");

/**
 * VS Code. The key is `servers`; a secret comes from an input, which is asked for once and kept in the editor's secret
 * storage: the reference documents no environment variable for `headers`.
 * Source: code.visualstudio.com/docs/copilot/reference/mcp-configuration.
 */
const vscode: Client = {
    name: "vscode",
    format: json,
    file: inProject(path.join(".vscode", "mcp.json"), (place) => {
        const base =
            place.platform === "darwin"
                ? path.join(place.home, "Library", "Application Support")
                : configHome(place);
        return path.join(base, "Code", "User", "mcp.json");
    }),
    above: () => ["servers"],
    address: "url",
    entry: ({ url }, token) => ({ type: "http", url, ...authorization(token) }),
    owned: ["type", "url", "headers"],
    reference: (variable) => `\${input:${vscodeInput(variable)}}`,
    support: (variable) => ({
        key: "inputs",
        element: {
            type: "promptString",
            id: vscodeInput(variable),
            description: `Bearer token of the MCP endpoint (${variable})`,
            password: true,
        },
    }),
};

/**
 * Gemini CLI. `httpUrl` is Streamable HTTP, `url` alone would be SSE; `$VAR` and `${VAR}` are resolved in every string
 * of settings.json. Source: docs/tools/mcp-server.md and packages/cli/src/config/settings.ts of
 * github.com/google-gemini/gemini-cli.
 */
const gemini: Client = {
    name: "gemini",
    format: json,
    file: inProject(path.join(".gemini", "settings.json"), atHome(".gemini", "settings.json")),
    above: () => ["mcpServers"],
    address: "httpUrl",
    entry: ({ url }, token) => ({ httpUrl: url, ...authorization(token) }),
    owned: ["httpUrl", "headers"],
    reference: shell,
};

/**
 * Windsurf. The address is `serverUrl`; `${env:VAR}` is resolved in it and in `headers`. No project file.
 * Source: docs.windsurf.com/windsurf/cascade/mcp.
 */
const windsurf: Client = {
    name: "windsurf",
    format: json,
    file: userOnly(atHome(".codeium", "windsurf", "mcp_config.json")),
    above: () => ["mcpServers"],
    address: "serverUrl",
    entry: ({ url }, token) => ({ serverUrl: url, ...authorization(token) }),
    owned: ["serverUrl", "headers"],
    reference: prefixed,
};

function opencodeFile(folder: string, { exists }: Surroundings): string {
    const commented = path.join(folder, "opencode.jsonc");
    return exists(commented) ? commented : path.join(folder, "opencode.json");
}

/** True for a file in the shape of version 2, whose servers are one level further down. */
function opencodeNests({ mcp }: Data): boolean {
    const servers = (mcp as Data | undefined)?.servers as Data | undefined;
    return typeof servers === "object" && typeof servers.type !== "string";
}

/**
 * OpenCode. Version 2 reads `mcp.servers.NAME` and the older `mcp.NAME`, version 1 the latter alone: so the older shape
 * is written unless the file has the newer one. Variables are `{env:VAR}`. Source: opencode.ai/docs/mcp-servers,
 * opencode.ai/v2/docs/mcp-servers and opencode.ai/v2/docs/migrate-v1.
 */
const opencode: Client = {
    name: "opencode",
    format: json,
    file: (scope, place) =>
        opencodeFile(
            scope === "project" ? place.project : path.join(configHome(place), "opencode"),
            place,
        ),
    above: (data) => (opencodeNests(data) ? ["mcp", "servers"] : ["mcp"]),
    address: "url",
    entry: ({ url }, token) => ({ type: "remote", url, ...authorization(token) }),
    owned: ["type", "url", "headers"],
    reference: (variable) => `{env:${variable}}`,
};

/**
 * Zed. Headers are sent as they stand in the file: no reference to the environment is resolved (zed-industries/zed
 * issue 60459). Source: zed.dev/docs/ai/mcp and zed.dev/docs/configuring-zed.
 */
const zed: Client = {
    name: "zed",
    format: json,
    file: inProject(path.join(".zed", "settings.json"), (place) =>
        path.join(
            place.platform === "darwin" ? path.join(place.home, ".config") : configHome(place),
            "zed",
            "settings.json",
        ),
    ),
    above: () => ["context_servers"],
    address: "url",
    entry: ({ url }, token) => ({ url, ...authorization(token) }),
    owned: ["url", "headers"],
    reference: undefined,
};

/**
 * Goose. A variable in `headers` is replaced when `env_keys` names it, from the environment or the keyring. No project
 * file. Source: documentation/docs/guides/config-files.md and crates/goose/src/agents/extension_manager.rs of
 * github.com/aaif-goose/goose.
 */
const goose: Client = {
    name: "goose",
    format: yaml,
    file: userOnly((place) => path.join(configHome(place), "goose", "config.yaml")),
    above: () => ["extensions"],
    address: "uri",
    entry: ({ name, url }, token) => ({
        type: "streamable_http",
        name,
        enabled: true,
        uri: url,
        ...authorization(token),
        ...(token === undefined ? {} : { env_keys: [token.variable] }),
        timeout: 300,
    }),
    owned: ["type", "name", "uri", "headers", "env_keys"],
    reference: shell,
};

/**
 * Cline. Without `type` an entry is taken for SSE; the file is not read without `mcpServers`. The extension resolves
 * `${env:VAR}` (apps/vscode/src/utils/envExpansion.ts), the command line does not. No project file. Source:
 * docs/mcp/mcp-overview.mdx and sdk/packages/shared/src/storage/paths.ts of github.com/cline/cline.
 */
const cline: Client = {
    name: "cline",
    format: json,
    file: userOnly(({ env, home }) => {
        const data = env.CLINE_DATA_DIR ?? path.join(home, ".cline", "data");
        return (
            env.CLINE_MCP_SETTINGS_PATH ?? path.join(data, "settings", "cline_mcp_settings.json")
        );
    }),
    above: () => ["mcpServers"],
    address: "url",
    entry: ({ url }, token) => ({ type: "streamableHttp", url, ...authorization(token) }),
    owned: ["type", "url", "headers"],
    reference: prefixed,
    keep: 1,
};

/** Every client that can be connected, in the order of the help text. */
export const CLIENTS: readonly Client[] = [
    ...[claudeCode, codex, cursor, vscode, gemini, windsurf, opencode, zed, goose, cline],
];
