/**
 * What the policy pack adds to a preview: `npx tsx bench/policy.ts [rounds]`. Previews of a new stack, in turn without and
 * with the pack; nothing is made. Compare rows of one run: on a machine that does other things both are slower.
 */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";

import { ProjectCopy } from "../tests/support/pulumi/project";
import { Running } from "../tests/support/pulumi/run";

const STACK = "bench-policy";

function median(values: readonly number[]): number {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** A pack without a policy: what the SDK costs, whatever the rules. */
function makeEmptyPack(dir: string): string {
    const folder = path.join(dir, "empty-pack");
    mkdirSync(folder);
    const files = {
        "PulumiPolicy.yaml": "runtime: nodejs\n",
        "package.json": '{ "name": "empty", "version": "0.0.1", "main": "index.js" }\n',
        "index.js":
            'const { PolicyPack } = require("@pulumi/policy");\nnew PolicyPack("empty", { policies: [] });\n',
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
    return folder;
}

async function main(): Promise<void> {
    const rounds = Number(process.argv[2] ?? 9);
    const project = new ProjectCopy();
    const run = async (...args: string[]): Promise<number> => {
        const all = [...args, "--stack", STACK, "--non-interactive"];
        // As `./mcp` and `./mcp env` set it for every run.
        const env = { ...project.env, NODE_COMPILE_CACHE: path.join(project.state, "compiled") };
        const options = { cwd: project.dir, env };
        const { code, seconds, stderr, stdout } = await Running.start(project.pulumi, all, options)
            .done;
        if (code !== 0) throw new Error(stdout + stderr);
        return seconds;
    };
    try {
        await run("stack", "init");
        appendFileSync(
            project.settingsFile(STACK),
            "config:\n  sutazai-mcp:imageSource: registry\n",
        );
        const pack = ["--policy-pack", "policy"];
        const emptyPack = ["--policy-pack", makeEmptyPack(project.dir)];
        // Compiled at its first use, and the plugins' pages warm.
        for (const first of [pack, emptyPack]) await run("preview", ...first);
        const without: number[] = [];
        const withEmpty: number[] = [];
        const withPack: number[] = [];
        for (let round = 0; round < rounds; round += 1) {
            without.push(await run("preview"));
            withEmpty.push(await run("preview", ...emptyPack));
            withPack.push(await run("preview", ...pack));
        }
        const added = (values: readonly number[]): number[] =>
            values.map((seconds, round) => seconds - (without[round] ?? 0));
        const row = (name: string, values: readonly number[]): string =>
            `${name}: ${median(values).toFixed(2)} s (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`;
        console.log(
            [
                row("preview", without),
                row("with an empty pack", withEmpty),
                row("with the pack", withPack),
                row("added by the empty one", added(withEmpty)),
                row("added", added(withPack)),
            ].join("\n"),
        );
    } finally {
        project.remove();
    }
}

main().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
});
