import { execFileSync } from "node:child_process";
import { accessSync, constants, readdirSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";

import { REDIRECTING_VARIABLES, redirecting } from "../config/environment";

/** The user's token for Consul, for commands that look services up in an external one. */
export const consulToken = process.env.CONSUL_HTTP_TOKEN;

/**
 * Taken out of this process's own environment at once: dockerode prefers DOCKER_HOST to a socket it is given, and
 * the program refuses to run with it.
 */
const REDIRECTED = redirecting(process.env);
for (const name of REDIRECTING_VARIABLES) Reflect.deleteProperty(process.env, name);

/** The environment for engines and tools: nothing in it can choose another Docker daemon. */
export function scrubbedEnvironment(): Record<string, string> {
    return Object.fromEntries(
        Object.entries(process.env).flatMap(([key, value]) =>
            value === undefined || REDIRECTING_VARIABLES.includes(key) ? [] : [[key, value]],
        ),
    );
}

/** Names of variables that are set, would redirect Docker or Consul, and are ignored. */
export function redirectingVariables(): string[] {
    return REDIRECTED;
}

/** Full path of a program on PATH, or undefined. */
export function onPath(program: string, searchPath = process.env.PATH ?? ""): string | undefined {
    for (const folder of searchPath.split(path.delimiter)) {
        const candidate = path.join(folder, program);
        try {
            accessSync(candidate, constants.X_OK);
            return candidate;
        } catch {
            continue;
        }
    }
    return undefined;
}

/** Folder where the Pulumi CLI keeps plugins. */
export function pulumiHome(): string {
    return process.env.PULUMI_HOME ?? path.join(homedir(), ".pulumi");
}

/** A Pulumi CLI of this machine. */
export interface PulumiCli {
    readonly path: string;
    readonly version: string;
}

/** The Pulumi CLI from PATH or its home folder; undefined when there is none that runs. */
export function findPulumi(): PulumiCli | undefined {
    const found = onPath("pulumi") ?? onPath("pulumi", path.join(pulumiHome(), "bin"));
    if (found === undefined) return undefined;
    try {
        const version = execFileSync(found, ["version"], {
            encoding: "utf8",
            timeout: 20_000,
            env: { ...scrubbedEnvironment(), PULUMI_SKIP_UPDATE_CHECK: "true" },
            stdio: ["ignore", "pipe", "ignore"],
        });
        return { path: found, version: version.trim() };
    } catch {
        return undefined;
    }
}

/** Resource plugins the program needs, in the versions its SDKs ask for. */
export function neededPlugins(projectDir: string): { name: string; version: string }[] {
    return ["docker", "tls", "consul"].map((name) => {
        // eslint-disable-next-line @typescript-eslint/no-require-imports
        const manifest = require(
            path.join(projectDir, `node_modules/@pulumi/${name}/package.json`),
        ) as {
            version: string;
        };
        return { name, version: manifest.version };
    });
}

/** Needed plugins that are not in the plugin folder. */
export function missingPlugins(projectDir: string): { name: string; version: string }[] {
    let present: string[];
    try {
        present = readdirSync(path.join(pulumiHome(), "plugins"));
    } catch {
        present = [];
    }
    return neededPlugins(projectDir).filter(
        ({ name, version }) => !present.includes(`resource-${name}-v${version}`),
    );
}
