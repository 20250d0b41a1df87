import { CliError } from "../errors";

import type { ConnectTarget } from "./types";

/** Endpoints of a stack. */
export interface Endpoints {
    /** The one endpoint behind which all servers are; undefined for a stack without one. */
    readonly all?: ConnectTarget;
    /** An endpoint for each server that is published. */
    readonly servers: readonly ConnectTarget[];
}

/** Every endpoint a stack has. */
export function everyTarget({ all, servers }: Endpoints): ConnectTarget[] {
    return [...(all === undefined ? [] : [all]), ...servers];
}

/**
 * The endpoints to connect: the single one where the stack has it, else one for each server. `allServers` asks for the
 * one or the other. No endpoint, and a name or variable that a client's file cannot hold, are errors.
 */
export function chooseTargets(
    endpoints: Endpoints,
    allServers: boolean | undefined,
): readonly ConnectTarget[] {
    const { all, servers } = endpoints;
    if (allServers === true && all === undefined) {
        throw new CliError(
            "--all-servers: this stack has no single endpoint for all servers",
            "leave the option out: every server gets an entry of its own",
        );
    }
    const chosen = all !== undefined && allServers !== false ? [all] : servers;
    if (chosen.length === 0) {
        throw new CliError(
            "this stack has no server, so there is nothing to connect to",
            "add a manifest, then run ./mcp up",
        );
    }
    for (const target of chosen) demandSound(target);
    return chosen;
}

function demandSound({ name, url, tokenEnv }: ConnectTarget): void {
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(name))
        throw new CliError(`${JSON.stringify(name)}: not a server name every client accepts`);
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
        throw new CliError(`${name}: ${JSON.stringify(url)} is no http or https address`);
    if (tokenEnv !== undefined && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(tokenEnv))
        throw new CliError(
            `${name}: ${JSON.stringify(tokenEnv)} is no environment variable's name`,
        );
}
