/** What the reporter reads from and writes to Consul's catalog, as plain data. */

/** A service of the watched node. */
export interface CatalogService {
    readonly id: string;
    readonly name: string;
    /** The service's own address, or the node's. */
    readonly address: string;
    readonly port: number;
    readonly meta: Readonly<Record<string, string>>;
    readonly modifyIndex: number;
    /** Everything Consul said about it. */
    readonly raw: Readonly<Record<string, unknown>>;
}

/** A check of the watched node. */
export interface CatalogCheck {
    readonly id: string;
    readonly serviceId: string;
    readonly status: string;
    readonly output: string;
    readonly raw: Readonly<Record<string, unknown>>;
}

/** What a check says. */
export interface Report {
    readonly status: "passing" | "critical";
    readonly output: string;
}

/** What a service without any report is given, and what the program that registers it writes. */
export const NOT_REPORTED: Report = { status: "critical", output: "not reported yet" };

/** Where the services stand. */
export interface Place {
    readonly node: string;
    readonly datacenter: string | undefined;
}

/** The id of the one check that is the reporter's. */
export function checkId(serviceId: string): string {
    return `mcp:${serviceId}`;
}

/** The meta key that holds the number of tools. */
export const TOOLS_KEY = "tools";

type Json = Readonly<Record<string, unknown>>;

/** Reads the answer of `/v1/catalog/node-services/<node>`; a node that is not there has no services. */
export function decodeServices(data: unknown): CatalogService[] {
    const { Node: node, Services: services } = record(data ?? {}, "node-services");
    if (services === null || services === undefined) return [];
    const nodeAddress = node ? text(record(node, "node").Address) : "";
    return list(services, "Services").map((item) => {
        const raw = record(item, "service");
        const meta = record(raw.Meta ?? {}, "Meta");
        return {
            id: named(raw.ID, "ID"),
            name: named(raw.Service, "Service"),
            address: text(raw.Address) || nodeAddress,
            port: Number(raw.Port) || 0,
            meta: Object.fromEntries(
                Object.entries(meta).map(([key, value]) => [key, text(value)]),
            ),
            modifyIndex: Number(raw.ModifyIndex) || 0,
            raw,
        };
    });
}

/** Reads the answer of `/v1/health/node/<node>`: the checks that are the reporter's, by service. */
export function decodeChecks(data: unknown): Map<string, CatalogCheck> {
    const found = new Map<string, CatalogCheck>();
    for (const item of list(data ?? [], "checks")) {
        const raw = record(item, "check");
        const id = named(raw.CheckID, "CheckID");
        if (!id.startsWith(checkId(""))) continue;
        found.set(id.slice(checkId("").length), {
            id,
            serviceId: text(raw.ServiceID),
            status: text(raw.Status),
            output: text(raw.Output),
            raw,
        });
    }
    return found;
}

/**
 * The body of `PUT /v1/catalog/register` for one check and nothing else.
 *
 * @param seen the check as it stands; its notes and definition are kept
 * @param definition for a check that is not there
 */
export function checkRegistration(
    place: Place,
    service: Pick<CatalogService, "id" | "name" | "meta">,
    report: Report,
    seen: CatalogCheck | undefined,
    definition: Json,
): Json {
    const notes = text(seen?.raw.Notes);
    return {
        ...(place.datacenter === undefined ? {} : { Datacenter: place.datacenter }),
        Node: place.node,
        SkipNodeUpdate: true,
        Check: {
            Node: place.node,
            CheckID: checkId(service.id),
            Name: service.meta.protocol === "docker" ? "TLS API" : "MCP health",
            Status: report.status,
            Output: report.output,
            Notes: notes === NOT_REPORTED.output ? "" : notes,
            ServiceID: service.id,
            ServiceName: service.name,
            Definition: seen?.raw.Definition ?? definition,
        },
    };
}

/**
 * The body of `PUT /v1/txn` that sets the number of tools and leaves the rest of the service as it
 * was read. Consul applies it only if nobody has changed the service since.
 */
export function toolsTransaction(place: Place, service: CatalogService, tools: number): Json[] {
    const meta = { ...service.meta, [TOOLS_KEY]: String(tools) };
    const changed = { ...service.raw, Meta: meta, ModifyIndex: service.modifyIndex };
    return [{ Service: { Verb: "cas", Node: place.node, Service: changed } }];
}

function record(value: unknown, what: string): Json {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
    throw new TypeError(`Consul's answer has no ${what}`);
}

function list(value: unknown, what: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    throw new TypeError(`Consul's answer has no list of ${what}`);
}

function named(value: unknown, what: string): string {
    if (typeof value === "string" && value !== "") return value;
    throw new TypeError(`Consul's answer has an entry without ${what}`);
}

function text(value: unknown): string {
    return typeof value === "string" ? value : "";
}
