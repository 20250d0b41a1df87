import { Resolver } from "node:dns/promises";

import type { StackContext } from "../../components/stack-context";
import { MCP_TAG } from "../../components/registrations";
import { CONSUL_PORTS } from "../../config/defaults";
import { registered, type Registered } from "../consul/catalog";
import { CliError, messageOf } from "../errors";
import { health, table } from "../output";
import type { Session } from "../session";

/** What a consumer gets for one service. */
interface Found {
    readonly service: string;
    readonly url: string;
    readonly state: Registered["state"];
    readonly reason: string;
    readonly tools: string;
    readonly transport: string;
    readonly tags: readonly string[];
    readonly meta: Readonly<Record<string, string>>;
    /** Name to look up, and whether Consul's DNS answers it now. Undefined with an external Consul. */
    readonly dns: { readonly name: string; readonly answers: boolean } | undefined;
}

/**
 * `./mcp discover [SERVICE]`: what a consumer that knows only Consul would get, by HTTP and DNS. Only healthy
 * instances, as for a consumer; `--all` shows the others with the reason.
 */
export async function discover(
    { project, out }: Session,
    service: string | undefined,
    options: { readonly all?: boolean },
): Promise<void> {
    const context = project.context();
    const everything = await registered(context).catch((error: unknown) => {
        throw new CliError(
            messageOf(error),
            context.settings.consul.mode === "managed"
                ? "run ./mcp up, which brings Consul back"
                : "check consulAddress and consulCa, and set CONSUL_HTTP_TOKEN to a token that may read services",
        );
    });
    const mcp = everything.filter(({ tags }) => tags.includes(MCP_TAG));
    const wanted = mcp.filter((one) => service === undefined || matches(context, one, service));
    if (service !== undefined && wanted.length === 0) {
        const known = mcp.map((one) => one.service).join(", ");
        throw new CliError(
            `${service}: not registered`,
            `use one of: ${known || "(none)"}; ./mcp up registers what manifests/ has`,
        );
    }
    const found = await Promise.all(wanted.map((one) => toFound(context, one)));
    const shown = found.filter(({ state }) => options.all === true || state === "passing");
    out.result({ services: shown }, () => text(shown, found));
    if (service !== undefined && shown.every(({ state }) => state !== "passing")) {
        throw new CliError(
            `${service} is ${found[0]?.state ?? "critical"}: ${found[0]?.reason ?? ""}`,
            `look at its log: ./mcp logs ${service}`,
        );
    }
}

function matches({ names }: StackContext, one: Registered, service: string): boolean {
    return one.service === service || one.service === names.service(service);
}

async function toFound(context: StackContext, one: Registered): Promise<Found> {
    return {
        service: one.service,
        url: `http://${one.address}:${String(one.port)}${one.meta.path ?? "/"}`,
        state: one.state,
        reason: one.output,
        tools: one.meta.tools ?? "unknown",
        transport: one.meta.transport ?? "unknown",
        tags: one.tags,
        meta: one.meta,
        dns: await askDns(context, one),
    };
}

/** How long Consul's DNS may take, in milliseconds. */
const DNS_TIMEOUT_MS = 2_000;

async function askDns(
    { settings, addresses }: StackContext,
    one: Registered,
): Promise<Found["dns"]> {
    if (settings.consul.mode === "external") return undefined;
    const name = `${one.service}.service.consul`;
    const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: 1 });
    resolver.setServers([`${addresses.main.consul}:${String(CONSUL_PORTS.dns)}`]);
    const answers = await resolver.resolveSrv(name).then(
        (records) => records.some(({ port }) => port === one.port),
        () => false,
    );
    return { name, answers };
}

function text(shown: readonly Found[], found: readonly Found[]): string {
    const hidden = found.length - shown.length;
    const rest =
        hidden === 0
            ? ""
            : `\n${String(hidden)} of ${String(found.length)} not healthy, so not found by a consumer; --all shows why`;
    if (shown.length === 0) {
        return found.length === 0 ? "no MCP server is registered" : `no healthy service${rest}`;
    }
    const sick = shown.some(({ state }) => state !== "passing");
    const rows = shown.map((one) => [
        one.service,
        one.url,
        health(one.state),
        one.tools,
        one.dns ? `${one.dns.name}${one.dns.answers ? "" : " (no answer)"}` : "-",
        ...(sick ? [one.reason] : []),
    ]);
    const head = ["SERVICE", "URL", "STATE", "TOOLS", "DNS", ...(sick ? ["REASON"] : [])];
    return `${table(head, rows)}${rest}`;
}
