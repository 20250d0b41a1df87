import type { StackContext } from "../../components/stack-context";
import { askConsul } from "../consul/client";
import { consulTarget } from "../consul/target";
import { messageOf } from "../errors";

import { ok, warning, type Check } from "./check";

/**
 * Whether an external Consul answers. Only a warning: without it nothing can be registered, and everything else goes
 * on. The stack's own one is not there yet at this point.
 */
export async function checkConsul(context: StackContext): Promise<Check> {
    if (context.settings.consul.mode === "managed") return ok("consul", "own container");
    const target = consulTarget(context);
    try {
        const leader = await askConsul<string>(target, "GET", "/v1/status/leader");
        if (leader !== "") return ok("consul", `${target.url} answers`);
        return warning("consul", `${target.url} has no leader`, "mend that cluster first");
    } catch (error) {
        return warning(
            "consul",
            `${messageOf(error)}; registrations will fail, the rest goes on`,
            "check consulAddress, consulScheme and consulCa",
        );
    }
}
