/** What was measured, as numbers and as text. */
import type { Contender, Floor } from "./contenders";

/** One contender at one number of clients. */
export interface Row {
    readonly name: string;
    readonly kind: Contender["kind"];
    readonly floor: Floor;
    readonly clients: number;
    /** Calls that were measured. */
    readonly calls: number;
    /** Milliseconds of a call. */
    readonly p50: number;
    readonly p99: number;
    readonly callsPerSecond: number;
    /** Milliseconds more than the floor of the same run. */
    readonly added: { readonly p50: number; readonly p99: number };
    /** Times the floor of the same run. */
    readonly ratio: { readonly p50: number; readonly callsPerSecond: number };
}

/** What did not run, and why. */
export interface NotRun {
    readonly name: string;
    readonly floor: Floor;
    readonly reason: string;
}

export interface Result {
    readonly node: string;
    readonly cpus: number;
    /** Load average of one minute, before, in the middle of and after the measurement. */
    readonly load: readonly number[];
    readonly rows: readonly Row[];
    readonly notRun: readonly NotRun[];
}

/** Samples of one contender at one number of clients. */
export interface Samples {
    readonly contender: Contender;
    readonly clients: number;
    /** Milliseconds of each call. */
    readonly calls: readonly number[];
    /** Calls a second of each round. */
    readonly rates: readonly number[];
}

const TITLES: Readonly<Record<Floor, string>> = {
    http: "HTTP server, sessions of 2025-11-25",
    "http-2026": "HTTP server, 2026-07-28",
    stdio: "stdio server, sessions of 2025-11-25. These peers bridge stdio to HTTP and nothing else, so the floor is the server's pipes, without HTTP, and the bridge stands beside them",
};
/** Milliseconds that the gateway may add at one client. */
const AIM_MS = 1.5;

/** The value below which `share` of the values are. */
export function percentile(values: readonly number[], share: number): number {
    const sorted = [...values].sort((left, right) => left - right);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Compares samples with those of their floor. */
export function rowsOf(samples: readonly Samples[]): Row[] {
    const plain = samples.map(({ contender, clients, calls, rates }) => ({
        contender,
        clients,
        calls: calls.length,
        p50: percentile(calls, 0.5),
        p99: percentile(calls, 0.99),
        callsPerSecond: percentile(rates, 0.5),
    }));
    return plain.flatMap(({ contender: { name, kind, floor }, ...own }) => {
        const base = plain.find(
            ({ contender, clients }) =>
                contender.isFloor && contender.floor === floor && clients === own.clients,
        );
        if (!base) return [];
        return [
            {
                ...{ name, kind, floor, ...own },
                added: { p50: own.p50 - base.p50, p99: own.p99 - base.p99 },
                ratio: {
                    p50: own.p50 / base.p50,
                    callsPerSecond: own.callsPerSecond / base.callsPerSecond,
                },
            },
        ];
    });
}

/** Markdown: a table for each floor and number of clients, and whether the aims are met. */
export function report({ rows, notRun, load, node, cpus }: Result): string {
    const loads = load.map((value) => value.toFixed(1)).join(", ");
    const lines = [
        `Node ${node}, ${String(cpus)} CPUs shared by clients, servers and what is between; load average ${loads}.`,
    ];
    for (const floor of Object.keys(TITLES) as Floor[]) {
        const own = rows.filter((row) => row.floor === floor);
        const missing = notRun.filter((one) => one.floor === floor);
        if (own.length + missing.length === 0) continue;
        lines.push("", `${TITLES[floor]}:`, "");
        lines.push(
            "| clients | through | p50 | added | p99 | added | calls a second | of the floor's |",
        );
        lines.push("|---|---|---|---|---|---|---|---|");
        for (const clients of [...new Set(own.map((row) => row.clients))]) {
            lines.push(...own.filter((row) => row.clients === clients).map(line));
        }
        lines.push(
            ...missing.map(({ name, reason }) => `| | ${name} | not run: ${reason} | | | | | |`),
        );
    }
    return [...lines, "", ...verdicts(rows, notRun), ""].join("\n");
}

function line(row: Row): string {
    const { clients, name, kind, p50, p99, added, callsPerSecond, ratio } = row;
    const more = (value: number): string => (kind === "floor" ? "" : `${value.toFixed(2)} ms`);
    const cells = [
        String(clients),
        name,
        `${p50.toFixed(2)} ms`,
        more(added.p50),
        `${p99.toFixed(2)} ms`,
        more(added.p99),
        callsPerSecond.toFixed(0),
        kind === "floor" ? "" : ratio.callsPerSecond.toFixed(2),
    ];
    return `| ${cells.join(" | ")} |`;
}

/** The aims: little added to one client's call, and more calls a second than every peer at most clients. */
function verdicts(rows: readonly Row[], notRun: readonly NotRun[]): string[] {
    const few = Math.min(...rows.map(({ clients }) => clients));
    const many = Math.max(...rows.map(({ clients }) => clients));
    const ours = rows.filter(({ kind }) => kind === "ours");
    const added = ours
        .filter(({ clients, floor }) => clients === few && floor !== "stdio")
        .map(({ name, floor, added: { p50 } }) => {
            const verdict = p50 < AIM_MS ? "met" : "missed";
            return `- ${name} (${floor}), ${String(few)} client: ${p50.toFixed(2)} ms added at p50, aim ${String(AIM_MS)}: ${verdict}`;
        });
    const ahead = rows
        .filter(({ kind, clients }) => kind === "peer" && clients === many)
        .map((peer) => {
            const own = ours.find(
                ({ clients, floor, name }) =>
                    clients === many && floor === peer.floor && name.includes("gateway"),
            );
            if (!own) return `- ${peer.name}: nothing of ours to compare`;
            const times = own.callsPerSecond / peer.callsPerSecond;
            return `- ${own.name} against ${peer.name}, ${String(many)} clients: ${times.toFixed(2)} times the calls a second: ${times > 1 ? "ahead" : "behind"}`;
        });
    return [
        ...added,
        ...ahead,
        ...notRun.map(({ name, reason }) => `- ${name}: not run: ${reason}`),
    ];
}
