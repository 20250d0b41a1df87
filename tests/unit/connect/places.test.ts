import { CLIENTS } from "../../../cli/connect/clients";
import { chooseTargets } from "../../../cli/connect/targets";
import { CliError } from "../../../cli/errors";

import { PLACE, SAMPLES } from "./samples";

const clientOf = (name: string) => {
    const found = CLIENTS.find((client) => client.name === name);
    if (!found) throw new Error(name);
    return found;
};

test.each(CLIENTS.map(({ name }) => name))("%s: the file of each scope", (name) => {
    const { project, user } = SAMPLES[name]?.files ?? { user: "" };
    const { file } = clientOf(name);
    expect(file("user", PLACE)).toBe(user.replace("~", PLACE.home));
    expect(file("project", PLACE)).toBe(project?.replace(".", PLACE.project));
});

test.each([
    ["claude-code", { CLAUDE_CONFIG_DIR: "/x" }, "/x/.claude.json"],
    ["codex", { CODEX_HOME: "/x" }, "/x/config.toml"],
    ["vscode", { XDG_CONFIG_HOME: "/x" }, "/x/Code/User/mcp.json"],
    ["zed", { XDG_CONFIG_HOME: "/x" }, "/x/zed/settings.json"],
    ["goose", { XDG_CONFIG_HOME: "/x" }, "/x/goose/config.yaml"],
    ["opencode", { XDG_CONFIG_HOME: "/x" }, "/x/opencode/opencode.json"],
    ["cline", { CLINE_DATA_DIR: "/x" }, "/x/settings/cline_mcp_settings.json"],
    ["cline", { CLINE_MCP_SETTINGS_PATH: "/x/y.json" }, "/x/y.json"],
])("%s follows %j", (name, env, file) => {
    expect(clientOf(name).file("user", { ...PLACE, env })).toBe(file);
});

test("macOS has places of its own", () => {
    const place = { ...PLACE, platform: "darwin" as const, env: { XDG_CONFIG_HOME: "/x" } };
    expect(clientOf("vscode").file("user", place)).toBe(
        "/home/u/Library/Application Support/Code/User/mcp.json",
    );
    expect(clientOf("zed").file("user", place)).toBe("/home/u/.config/zed/settings.json");
});

test("opencode: the file with comments where there is one, and the shape the file has", () => {
    const { file, above } = clientOf("opencode");
    expect(file("project", { ...PLACE, exists: (at) => at.endsWith(".jsonc") })).toBe(
        "/work/p/opencode.jsonc",
    );
    expect(above({})).toEqual(["mcp"]);
    expect(above({ mcp: { servers: {} } })).toEqual(["mcp", "servers"]);
    expect(above({ mcp: { servers: { type: "remote", url: "u" } } })).toEqual(["mcp"]);
});

describe("which endpoints", () => {
    const all = { name: "mcp", url: "http://127.0.0.1:10005/mcp", tokenEnv: "MCP_TOKEN" };
    const servers = [{ name: "files-mcp", url: "http://127.0.0.1:13002/mcp" }];

    test("the single one where there is one, unless told otherwise", () => {
        expect(chooseTargets({ all, servers }, undefined)).toEqual([all]);
        expect(chooseTargets({ all, servers }, true)).toEqual([all]);
        expect(chooseTargets({ all, servers }, false)).toEqual(servers);
        expect(chooseTargets({ servers }, undefined)).toEqual(servers);
    });

    test.each([
        [{ servers }, true, "--all-servers: this stack has no single endpoint"],
        [{ servers: [] }, undefined, "this stack has no server"],
        [{ servers: [{ ...all, name: "a b" }] }, undefined, '"a b": not a server name'],
        [{ servers: [{ ...all, url: "file:///x" }] }, undefined, "is no http or https address"],
        [{ servers: [{ ...all, tokenEnv: "A-B" }] }, undefined, '"A-B" is no environment variable'],
    ])("%j with %j is an error", (endpoints, allServers, message) => {
        expect(() => chooseTargets(endpoints, allServers)).toThrow(CliError);
        expect(() => chooseTargets(endpoints, allServers)).toThrow(message);
    });
});
