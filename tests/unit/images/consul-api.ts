import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Policy {
    ID: string;
    Name: string;
    Rules: string;
}
export interface Token {
    AccessorID: string;
    SecretID: string;
    Description: string;
    Policies: { Name: string }[];
}

const ANONYMOUS = "00000000-0000-0000-0000-000000000002";

/** What of Consul's ACLs the start script uses, with Consul's own refusals. */
export class ConsulApi {
    public leader = "10.0.0.2:8300";
    public readonly policies: Policy[] = [];
    public readonly tokens: Token[] = [
        { AccessorID: ANONYMOUS, SecretID: "anonymous", Description: "Anonymous", Policies: [] },
    ];
    private readonly server: Server;

    constructor(public management: string) {
        this.addManagement(management);
        this.server = createServer((request, response) => {
            void body(request).then((text) => {
                const [status, answer] = this.answer(request, text);
                response.writeHead(status);
                response.end(
                    typeof answer === "string" ? answer : JSON.stringify(answer, undefined, 4),
                );
            });
        });
    }

    /** A management token as Consul makes it of `acl.tokens.initial_management`. */
    public addManagement(secret: string): void {
        this.tokens.push({
            AccessorID: randomUUID(),
            SecretID: secret,
            Description: "Initial Management Token",
            Policies: [{ Name: "global-management" }],
        });
    }

    /** Starts listening on loopback and answers the port. */
    public async listen(): Promise<number> {
        await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
        return (this.server.address() as AddressInfo).port;
    }

    public async close(): Promise<void> {
        this.server.closeAllConnections();
        await new Promise((resolve) => this.server.close(resolve));
    }

    private answer(request: IncomingMessage, text: string): [number, unknown] {
        const { method, url = "", headers } = request;
        const route = url.replace("/v1/", "").replace("?pretty", "");
        if (route === "status/leader") return [200, JSON.stringify(this.leader)];
        const caller = this.tokens.find(({ SecretID }) => SecretID === headers["x-consul-token"]);
        if (!caller) return [403, "ACL not found"];
        if (route === "acl/token/self") return [200, caller];
        if (caller.SecretID !== this.management) return [403, "Permission denied"];
        const [kind, id] = route.replace("acl/", "").split("/");
        if (route === "acl/policies") return [200, this.policies];
        if (route === "acl/tokens") return [200, this.tokens];
        if (method === "DELETE") {
            const gone = this.tokens.findIndex(({ AccessorID }) => AccessorID === id);
            return gone < 0 ? [404, "Token not found"] : [200, this.tokens.splice(gone, 1) && true];
        }
        return kind === "policy" ? this.putPolicy(id, text) : this.putToken(id, text);
    }

    private putPolicy(id: string | undefined, text: string): [number, unknown] {
        const wanted = JSON.parse(text) as Policy;
        const known = this.policies.find(({ Name }) => Name === wanted.Name);
        if (wanted.Rules.includes("nonsense")) return [500, "Failed to parse ACL rules"];
        if (known && known.ID !== id) return [500, "Invalid Policy: name is already in use"];
        if (known) return [200, Object.assign(known, wanted)];
        this.policies.push({ ...wanted, ID: randomUUID() });
        return [200, wanted];
    }

    private putToken(id: string | undefined, text: string): [number, unknown] {
        const wanted = JSON.parse(text) as Token;
        const known = this.tokens.find(({ AccessorID }) => AccessorID === id);
        if (id !== undefined && !known) return [404, "Token not found"];
        if (known) return [200, Object.assign(known, wanted)];
        if (this.tokens.some(({ SecretID }) => SecretID === wanted.SecretID)) {
            return [500, "Invalid Token: SecretID is already in use"];
        }
        this.tokens.push(wanted);
        return [200, wanted];
    }
}

async function body(request: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
}
