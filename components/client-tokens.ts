import { createHash } from "node:crypto";

import * as pulumi from "@pulumi/pulumi";

import type { ClientFile } from "../config/clients";
import { CLIENT_DEFAULTS, SYSTEM_CLIENT } from "../config/defaults";

import { generatedPassword } from "./password";

export const CLIENT_TOKENS_TYPE = "mcp:host:ClientTokens";

/** A client's token and what the gateway knows of it. */
export interface ClientToken {
    readonly name: string;
    /** Secret. */
    readonly token: pulumi.Output<string>;
    /** SHA-256 (hex) of the token: all that is written where the gateway is. Of a random token it is no secret. */
    readonly sha256: pulumi.Output<string>;
}

/**
 * The clients' tokens, made from nothing but a key in the state. They are on the host's side, so that the loss of the inner
 * daemon's volume does not give everybody a new one.
 */
export class ClientTokens extends pulumi.ComponentResource {
    /** Of each client file that has one: those known by OAuth have none. */
    public readonly clients: readonly ClientToken[];
    /** Of the reporter and `./mcp`. */
    public readonly system: ClientToken;

    constructor(
        name: string,
        files: readonly ClientFile[],
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super(CLIENT_TOKENS_TYPE, name, {}, opts);
        const make = (client: string, epoch: number): ClientToken => {
            // A raised epoch is another key, and so another token.
            // A dot, which no client's name has: "x" at epoch 2 must not be "x-2".
            const suffix = epoch === CLIENT_DEFAULTS.tokenEpoch ? "" : `.${String(epoch)}`;
            const token = generatedPassword(`${name}-${client}${suffix}`, { parent: this });
            const sha256 = token.apply((text) => createHash("sha256").update(text).digest("hex"));
            return { name: client, token, sha256 };
        };
        this.clients = files
            .filter(({ oauthClient }) => oauthClient === undefined)
            .map((file) => make(file.name, file.tokenEpoch));
        this.system = make(SYSTEM_CLIENT, CLIENT_DEFAULTS.tokenEpoch);
        this.registerOutputs({});
    }
}
