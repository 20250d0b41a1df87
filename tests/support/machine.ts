/** Environment variable by which `./mcp test` tells the tests what the machine can do. */
export const MACHINE_ENV = "MCP_TEST_MACHINE";

/** True, or the reason why this machine cannot run such tests. */
export interface MachineCan {
    readonly docker: true | string;
    readonly pulumi: true | string;
}

/** What `./mcp test` found out; run by hand without it, such tests are skipped and say why. */
export function machineCan(): MachineCan {
    const text = process.env[MACHINE_ENV];
    if (text === undefined) return { docker: "run by ./mcp test", pulumi: "run by ./mcp test" };
    return JSON.parse(text) as MachineCan;
}

/** `describe` where the machine can, else `describe.skip` with the reason in the name: skipped, never passed. */
export function describeWhere(what: keyof MachineCan, name: string, suite: () => void): void {
    const can = machineCan()[what];
    if (can === true) describe(name, suite);
    else describe.skip(`${name} (needs ${what}: ${can})`, suite);
}
