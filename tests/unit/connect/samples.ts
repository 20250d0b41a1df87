import { FormatIssue, type Surroundings } from "../../../cli/connect/types";

/** A client's file with comments, other settings and another server, in a layout of its own. */
export interface Sample {
    /** Place of the file in each scope the client has; `~` is the home, `.` the project. */
    readonly files: { readonly project?: string; readonly user: string };
    /** What an entry with a token is in the file. */
    readonly entry: string;
    /** Files that stand there already. */
    readonly existing: readonly string[];
    readonly broken: string;
    /** Line of the broken text that the error names. */
    readonly brokenLine: number;
    /** A file with a server `files` that is somebody else's. */
    readonly foreign: string;
}

const JSON_BROKEN = '{\n  "a": 1,\n  "b" 2\n}\n';

/** Files in the JSON of editors, with servers under `key`. */
const jsonFiles = (key: string): string[] => [
    `{\n  "${key}": {\n    "other": { "command": "npx", "args": ["-y", "x"] }\n  },\n  "theme": "dark"\n}\n`,
    `// mine\n{\n    "theme": "dark", // at night\n    "${key}": {\n        // the other one\n        "other": {"command": "x"}, // keep\n        /* nothing here */\n    },\n}\n`,
    `{\n\t"theme": "dark" // at night\n}`,
    `{"theme":"dark","${key}":{"other":{"command":"x"}}}`,
    `{\r\n  "${key}": {\r\n    "other": {\r\n      "command": "x"\r\n    }\r\n  }\r\n}\r\n`,
    `{ "theme" : "dark" , "nested": { "${key}": 1 },\n\n\n   "list": [ 1,2 ] }\n\n`,
];

const jsonForeign = (key: string): string =>
    JSON.stringify({ [key]: { files: { command: "npx", args: ["mine"] } } });

const jsonSample = (key: string, files: Sample["files"], entry: string): Sample => ({
    files,
    entry,
    existing: jsonFiles(key),
    broken: JSON_BROKEN,
    brokenLine: 3,
    foreign: jsonForeign(key),
});

const headers = (reference: string): string => `"headers":{"Authorization":"Bearer ${reference}"}`;

export const URL_FILES = "http://127.0.0.1:13002/mcp";

/** Every client, by name. */
export const SAMPLES: Readonly<Record<string, Sample>> = {
    "claude-code": jsonSample(
        "mcpServers",
        { project: "./.mcp.json", user: "~/.claude.json" },
        `{"type":"http","url":"${URL_FILES}",${headers("${MCP_TOKEN}")}}`,
    ),
    codex: {
        files: { project: "./.codex/config.toml", user: "~/.codex/config.toml" },
        entry: `{"url":"${URL_FILES}","bearer_token_env_var":"MCP_TOKEN"}`,
        existing: [
            `# mine\nmodel = "m"   # favourite\n\n[mcp_servers.other] # keep\ncommand = 'npx'\nargs = [ "-y",\n  "x", # note\n]\nenv = {A="1"}\n\n# of the profile\n[profiles.a]\nmodel = "o"\n# the end\n`,
            `model = "m"`,
            `model = "m"\r\n\r\n[tui]\r\nx = 1\r\n`,
            `[mcp_servers]\n# none of its own\n[mcp_servers.other]\ncommand="x"\n\n\n`,
            `mcp_servers.other.command = "x"\n[projects."/home/u"]\ntrust_level = "trusted"\n`,
        ],
        broken: `a = 1\nb 2\n`,
        brokenLine: 2,
        foreign: `[mcp_servers.files]\ncommand = "npx"\n`,
    },
    cursor: jsonSample(
        "mcpServers",
        { project: "./.cursor/mcp.json", user: "~/.cursor/mcp.json" },
        `{"url":"${URL_FILES}",${headers("${env:MCP_TOKEN}")}}`,
    ),
    vscode: jsonSample(
        "servers",
        { project: "./.vscode/mcp.json", user: "~/.config/Code/User/mcp.json" },
        `{"type":"http","url":"${URL_FILES}",${headers("${input:mcp-token}")}}`,
    ),
    gemini: jsonSample(
        "mcpServers",
        { project: "./.gemini/settings.json", user: "~/.gemini/settings.json" },
        `{"httpUrl":"${URL_FILES}",${headers("${MCP_TOKEN}")}}`,
    ),
    windsurf: jsonSample(
        "mcpServers",
        { user: "~/.codeium/windsurf/mcp_config.json" },
        `{"serverUrl":"${URL_FILES}",${headers("${env:MCP_TOKEN}")}}`,
    ),
    opencode: jsonSample(
        "mcp",
        { project: "./opencode.json", user: "~/.config/opencode/opencode.json" },
        `{"type":"remote","url":"${URL_FILES}",${headers("{env:MCP_TOKEN}")}}`,
    ),
    zed: jsonSample(
        "context_servers",
        { project: "./.zed/settings.json", user: "~/.config/zed/settings.json" },
        `{"url":"${URL_FILES}",${headers("value-of-token")}}`,
    ),
    goose: {
        files: { user: "~/.config/goose/config.yaml" },
        entry: `{"type":"streamable_http","name":"files","enabled":true,"uri":"${URL_FILES}",${headers("${MCP_TOKEN}")},"env_keys":["MCP_TOKEN"],"timeout":300}`,
        existing: [
            `# mine\nGOOSE_MODE:   auto # careful\n\nextensions:   # those I use\n    # the built-in\n    developer:\n        bundled: true\n        args: [ "a",  'b' ]   # as is\n\n# the end\nlong: "a very long line that a printer of YAML would want to fold at eighty columns, which it must not"\n`,
            `GOOSE_MODE: auto`,
            `GOOSE_MODE: auto\r\nextensions:\r\n  developer:\r\n    enabled: true\r\n`,
            `extensions:\n  developer:\n    text: |\n      one\n      two\nGOOSE_MODE: auto\n`,
            `# nothing yet\n`,
        ],
        broken: `a: 1\nb: [1\nc: 2\n`,
        brokenLine: 3,
        foreign: `extensions:\n  files:\n    type: stdio\n    cmd: npx\n`,
    },
    cline: jsonSample(
        "mcpServers",
        { user: "~/.cline/data/settings/cline_mcp_settings.json" },
        `{"type":"streamableHttp","url":"${URL_FILES}",${headers("${env:MCP_TOKEN}")}}`,
    ),
};

/** A home and a project on Linux, without variables that move files. */
export const PLACE: Surroundings = {
    home: "/home/u",
    project: "/work/p",
    platform: "linux",
    env: {},
    exists: () => false,
};

/** The issue a piece of work ends in; anything else is a failure. */
export function issueOf(work: () => unknown): FormatIssue {
    try {
        work();
    } catch (error) {
        if (error instanceof FormatIssue) return error;
        throw error;
    }
    throw new Error("nothing was refused");
}
