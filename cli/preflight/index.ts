import type Docker from "dockerode";

import type { StackContext } from "../../components/stack-context";
import { InnerDaemon } from "../docker/inner";
import { CliError } from "../errors";
import type { Output } from "../output";

import { checkCertificates } from "./certificates";
import type { Check } from "./check";
import { checkConsul } from "./consul";
import { checkDaemon, checkDisk, checkEnvironment, checkMemory } from "./daemon";
import { checkPorts, checkSubnets } from "./network";

export type { Check } from "./check";

/** Everything that would fail late, looked at early. Looks only; changes nothing. */
export async function preflight(docker: Docker, context: StackContext): Promise<Check[]> {
    const inner = new InnerDaemon(docker, context.names.orchestrator);
    const checks = await Promise.all([
        checkDaemon(docker),
        checkDisk(docker),
        checkMemory(docker, context),
        checkPorts(docker, context),
        checkSubnets(docker, context),
        checkCertificates(inner),
        checkConsul(context),
    ]);
    return [checkEnvironment(), ...checks.flat()];
}

/** Shows warnings and turns failures into one error that names them all. */
export function demand(checks: readonly Check[], out: Output): void {
    for (const check of checks) {
        if (check.state === "warning")
            out.warn(`${check.name}: ${check.found}; ${check.remedy ?? ""}`);
    }
    const failures = checks.filter((check) => check.state === "failed");
    const [first, ...rest] = failures;
    if (!first) return;
    const text = [first, ...rest].map(
        (check) => `${check.found}${rest.length > 0 ? `; ${check.remedy ?? ""}` : ""}`,
    );
    throw new CliError(
        text.join("\n"),
        rest.length > 0 ? "then run the command again" : first.remedy,
    );
}
