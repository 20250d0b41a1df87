import type { StackContext } from "../../components/stack-context";
import { PORTS } from "../../config/defaults";
import { hostPort } from "../../config/names";
import { consulToken } from "../environment";

import type { ConsulTarget } from "./client";

/**
 * The stack's Consul as this host reaches it, with what anybody may see: its own one lets services be looked up without
 * a token, an external one may want one, from CONSUL_HTTP_TOKEN.
 */
export function consulTarget({ settings }: StackContext): ConsulTarget {
    const { consul } = settings;
    if (consul.mode === "managed") {
        const port = String(hostPort(PORTS.consul.host, settings.portOffset));
        return { url: `http://${settings.bindAddress}:${port}` };
    }
    const { address, scheme, ca } = consul;
    return {
        url: `${scheme}://${address}`,
        ...(ca === undefined ? {} : { ca }),
        ...(consulToken === undefined ? {} : { token: consulToken }),
    };
}
