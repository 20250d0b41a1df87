import type * as pulumi from "@pulumi/pulumi";

import type { ProgramInput } from "../config/program";
import type { StackSettings } from "../config/settings";

/** How the stack reaches its Consul, whether it runs it itself or was given one. */
export interface ConsulAccess {
    /** `host:port` of the HTTP API as this host sees it. */
    readonly address: pulumi.Input<string>;
    readonly scheme: "http" | "https";
    /** Named, because the provider would ask the agent for it, which takes a rule of its own. @default the agent's */
    readonly datacenter?: string;
    /** URL of the HTTP API as containers on `sutazai-main` see it. */
    readonly url: string;
    /** CA of the API's certificate, PEM. @default the system's authorities */
    readonly ca?: string;
    /** Secrets. Both may be one token in an external Consul. */
    readonly tokens: {
        /** For the node, its services and the prepared query. */
        readonly registrar: pulumi.Output<string>;
        /** For checks on those services, and the reporter's own registration. */
        readonly reporter: pulumi.Output<string>;
    };
    /** An own Consul: what has to run before it is used, and where its data lies. */
    readonly own?: { readonly container: pulumi.Resource; readonly data: pulumi.Resource };
}

/** Access to the external Consul that the settings name. */
export function externalConsul(
    settings: Extract<StackSettings["consul"], { mode: "external" }>,
    tokens: NonNullable<ProgramInput["consulTokens"]>,
): ConsulAccess {
    const { address, scheme, ca, datacenter } = settings;
    return {
        address,
        scheme,
        ...(datacenter === undefined ? {} : { datacenter }),
        url: `${scheme}://${address}`,
        ...(ca === undefined ? {} : { ca }),
        tokens,
    };
}
