import { createServer } from "node:net";
import { networkInterfaces } from "node:os";

import type Docker from "dockerode";

import type { StackContext } from "../../components/stack-context";
import { overlaps, parseCidr } from "../../config/addresses";
import { LABELS, PORTS } from "../../config/defaults";
import { hostPort } from "../../config/names";

import { failed, ok, type Check } from "./check";

/** A port the stack publishes on the host and what it is for. */
export interface WantedPort {
    /** @default bindAddress */
    readonly address?: string;
    readonly port: number;
    readonly purpose: string;
}

/** Every host port of the stack. */
export function wantedPorts({ settings }: StackContext): WantedPort[] {
    const at = (base: number): number => hostPort(base, settings.portOffset);
    const range = settings.publishServers;
    return [
        { port: at(PORTS.dockerTls.host), purpose: "inner daemon, TLS API" },
        { port: at(PORTS.edge.host), purpose: "edge", address: settings.edge.bindAddress },
        { port: at(PORTS.management.host), purpose: "management API" },
        { port: at(PORTS.metrics.host), purpose: "metrics" },
        ...(settings.consul.mode === "managed"
            ? [{ port: at(PORTS.consul.host), purpose: "Consul" }]
            : []),
        ...(settings.plainApi
            ? [{ port: at(PORTS.dockerPlain.host), purpose: "inner daemon, plain API" }]
            : []),
        ...(range
            ? Array.from({ length: range.to - range.from + 1 }, (_, index) => ({
                  port: at(range.from + index),
                  purpose: "MCP servers",
              }))
            : []),
    ];
}

function isFree(port: number, address: string): Promise<boolean> {
    return new Promise((resolve) => {
        const server = createServer()
            .once("error", () => {
                resolve(false);
            })
            .once("listening", () => {
                server.close(() => {
                    resolve(true);
                });
            })
            .listen({ port, host: address, exclusive: true });
    });
}

/** Ports must be free, or published by this stack's own containers. Names the container that holds one. */
export async function checkPorts(docker: Docker, context: StackContext): Promise<Check[]> {
    const { settings, names } = context;
    const holders = new Map<number, { name: string; own: boolean }>();
    for (const container of await docker.listContainers()) {
        const name = (container.Names[0] ?? container.Id).replace(/^\//, "");
        const own =
            container.Labels[LABELS.stack] === settings.stack &&
            [names.orchestrator, names.consul, names.edge].includes(name);
        for (const port of container.Ports)
            if (port.PublicPort) holders.set(port.PublicPort, { name, own });
    }
    const taken = await Promise.all(
        wantedPorts(context).map(async (wanted) => {
            const { address = settings.bindAddress } = wanted;
            const holder = holders.get(wanted.port);
            if (holder?.own === true || (await isFree(wanted.port, address))) return undefined;
            return failed(
                "ports",
                `port ${String(wanted.port)} (${wanted.purpose}) on ${address} is taken by ` +
                    (holder ? `container ${holder.name}` : "another program"),
                holder
                    ? `stop that container, or move this stack: pulumi config set portOffset 100 (Pulumi.${settings.stack}.yaml)`
                    : `find it with: ss -ltnp 'sport = :${String(wanted.port)}'; or move this stack: pulumi config set portOffset 100`,
            );
        }),
    );
    const problems = taken.filter((check) => check !== undefined);
    return problems.length > 0
        ? problems
        : [ok("ports", `${String(wantedPorts(context).length)} ports free or ours`)];
}

/** The stack's subnets must not lie across another network of the daemon or an address of the host. */
export async function checkSubnets(
    docker: Docker,
    { settings, names }: StackContext,
): Promise<Check[]> {
    const own = new Set([names.mainNetwork, names.internalNetwork]);
    const networks = (await docker.listNetworks()).flatMap((network) =>
        own.has(network.Name) && network.Labels?.[LABELS.stack] === settings.stack
            ? []
            : (network.IPAM?.Config ?? []).map((config) => ({
                  what: `Docker network ${network.Name}`,
                  cidr: config.Subnet ?? "",
              })),
    );
    const bridges = new Set(networks.map((network) => network.cidr));
    const interfaces = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
        /^(br-|docker|veth)/.test(name)
            ? []
            : (addresses ?? []).map((address) => ({
                  what: `interface ${name}`,
                  cidr: address.cidr ?? "",
              })),
    );
    const others = [...networks, ...interfaces].filter(
        ({ cidr }) => !cidr.includes(":") && !cidr.startsWith("127."),
    );
    const problems: Check[] = [];
    for (const key of ["mainSubnet", "internalSubnet", "innerPool"] as const) {
        const wanted = parseCidr(settings[key]);
        for (const { what, cidr } of others) {
            const taken = parseCidr(networkOf(cidr));
            if (!wanted || !taken || !overlaps(wanted, taken)) continue;
            // The inner pool lives in the orchestrator's own namespace: only its two networks matter, checked with the settings.
            if (key === "innerPool" && bridges.has(cidr)) continue;
            problems.push(
                failed(
                    "subnets",
                    `${key} ${settings[key]} overlaps ${what} (${cidr})`,
                    `remove that network, or choose another range: pulumi config set ${key} <subnet>`,
                ),
            );
        }
    }
    return problems.length > 0
        ? problems
        : [ok("subnets", `${settings.mainSubnet} and ${settings.internalSubnet} are free or ours`)];
}

/** The network address of an interface's CIDR (10.0.0.7/24 to 10.0.0.0/24). */
function networkOf(cidr: string): string {
    const [address = "", prefixText = "32"] = cidr.split("/");
    const prefix = Number(prefixText);
    const value = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    const base = prefix === 0 ? 0 : Math.floor(value / 2 ** (32 - prefix)) * 2 ** (32 - prefix);
    return `${[24, 16, 8, 0].map((shift) => String(Math.floor(base / 2 ** shift) % 256)).join(".")}/${prefixText}`;
}
