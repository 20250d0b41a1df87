/**
 * Rewrites tests/golden/<stack>.json from the program as it is now: `npm run golden:update`.
 * Read the difference before you commit it: it is what the next `up` will do.
 */
import { writeFileSync } from "node:fs";
import * as path from "node:path";

import { goldenFile, goldenText } from "../tests/support/golden";
import { PROJECT, runStack } from "../cli/graph/program";

/** One program a process: with more stacks, one process each. */
const STACK = "dev";

async function main(): Promise<void> {
    const { recorder } = await runStack(STACK);
    const file = goldenFile(STACK);
    writeFileSync(file, goldenText(recorder));
    console.log(`${path.relative(PROJECT, file)}: ${String(recorder.all.length)} resources`);
}

main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
});
