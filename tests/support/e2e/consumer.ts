/**
 * A consumer of the mesh, run as a program of its own: all it knows is where Consul is (CONSUL), what it wants (SERVICE)
 * and its own token (TOKEN). Follows the service by blocking queries and prints one JSON line for what it sees: calls while it is
 * there, and its leaving.
 */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const { CONSUL = "", SERVICE = "", TOKEN = "" } = process.env;

interface Instance {
    readonly Service: {
        readonly Address: string;
        readonly Port: number;
        readonly Meta: Readonly<Record<string, string>>;
    };
}

function say(event: Readonly<Record<string, unknown>>): void {
    process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function use({ Service }: Instance): Promise<void> {
    const url = new URL(
        `http://${Service.Address}:${String(Service.Port)}${Service.Meta.path ?? ""}`,
    );
    const client = new Client({ name: "consumer", version: "0.0.0" });
    await client.connect(
        new StreamableHTTPClientTransport(url, {
            requestInit: { headers: { Authorization: `Bearer ${TOKEN}` } },
        }),
    );
    const { tools } = await client.listTools();
    const sql = "select 6 * 7 as answer";
    const { content } = await client.callTool({ name: "execute_sql", arguments: { sql } });
    await client.close();
    const answered = JSON.stringify(content).includes("42");
    say({ event: "used", at: url.href, tools: tools.map(({ name }) => name), answered });
}

async function follow(): Promise<never> {
    let index = "0";
    let there: boolean | undefined;
    for (;;) {
        const query = `/v1/health/service/${SERVICE}?passing&wait=5s&index=${index}`;
        const response = await fetch(new URL(query, CONSUL));
        index = response.headers.get("x-consul-index") ?? "0";
        const [instance] = (await response.json()) as Instance[];
        if ((instance !== undefined) === there) continue;
        there = instance !== undefined;
        if (instance) await use(instance);
        else say({ event: "left" });
    }
}

void follow();
