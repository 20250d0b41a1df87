/**
 * Prints the graph of the program in a folder: `record-main.ts <folder> <stack>`. A process of its own, because a
 * process can run one program; the folder may be another commit's, of before there was a recorder.
 */
import "../environment";

import { runStack } from "./program";
import { graphResources } from "./snapshot";

async function main(): Promise<void> {
    const [folder = "", stack = ""] = process.argv.slice(2);
    const ran = await runStack(stack, folder);
    process.stdout.write(JSON.stringify(graphResources(stack, ran)), () => process.exit(0));
}

main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
});
