import { askCleanup } from "../manager/answers";
import { ManagerClient } from "../manager/client";
import { CliError } from "../errors";
import { table } from "../output";
import type { Session } from "../session";

/**
 * `./mcp cleanup [--yes]`: what nobody of the stack has made on the inner daemon. Removed only when asked to; fails when
 * something could not be.
 */
export async function cleanup(
    { project, out }: Session,
    options: { readonly yes?: boolean },
): Promise<void> {
    const manager = await ManagerClient.open(project, options.yes === true ? "operate" : "read");
    const answer = await askCleanup(manager, options.yes !== true);
    const { dryRun, found } = answer;
    out.result(answer, () => {
        if (found.length === 0) return "nothing is left over";
        const rows = found.map(({ kind, name, why, problem }) => {
            const outcome = problem ?? (dryRun ? "would be removed" : "removed");
            return [kind, name, why, outcome];
        });
        const hint = dryRun ? "\n\nnothing was removed; ./mcp cleanup --yes removes it" : "";
        return table(["KIND", "NAME", "WHY", "OUTCOME"], rows) + hint;
    });
    const stuck = found.filter(({ problem }) => problem !== undefined);
    if (stuck.length > 0) {
        const names = stuck.map(({ name }) => name).join(", ");
        throw new CliError(
            `could not be removed: ${names}`,
            "see OUTCOME above, then run it again",
        );
    }
}
