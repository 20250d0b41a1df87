import { randomUUID } from "node:crypto";
import {
    appendFileSync,
    existsSync,
    mkdirSync,
    readFileSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { CliError } from "../errors";

/** Something on a Docker daemon that a rehearsal made or was about to make. */
export interface DockerThing {
    readonly kind: "container" | "network" | "volume" | "image";
    /** Physical name on its daemon. */
    readonly name: string;
    /** Socket of the host-level daemon. */
    readonly socket: string;
    /** The container whose inner daemon holds it; absent if the host-level daemon does. */
    readonly within?: string;
    /** Seconds between asking a container to stop and killing it. */
    readonly graceSeconds?: number;
}

/** Something a rehearsal registered in a Consul that is not its own. */
export interface Registration {
    readonly kind: "registration";
    readonly what: "node" | "service" | "query";
    readonly name: string;
    /** Node of a service. */
    readonly node?: string;
    readonly consul: { readonly url: string; readonly ca?: string };
}

/** One thing a rehearsal made or was about to make. Never holds a secret. */
export type Thing = DockerThing | Registration;

/** A thing as the ledger lists it; without an id if the run ended while it was being made. */
export type Entry = Thing & { readonly number: number; readonly id?: string };

/**
 * The record of what a rehearsal made: JSON lines, for its owner's eyes alone. The intent is written before a thing is
 * made and the id after, so that a run that is killed at any moment can be removed completely.
 */
export class Ledger {
    private readonly entries = new Map<number, Entry>();
    private last = 0;

    private constructor(
        readonly file: string,
        /** Names the rehearsal; see RUN_LABEL. */
        readonly run: string,
    ) {}

    /** Starts an empty ledger; refuses to forget things that are still listed. */
    static start(file: string): Ledger {
        const listed = Ledger.open(file)?.list().length ?? 0;
        if (listed > 0) {
            const what = `an earlier rehearsal still has ${listed} thing(s) listed in ${file}`;
            throw new CliError(what, "remove them first with ./mcp down");
        }
        const ledger = new Ledger(file, randomUUID());
        mkdirSync(dirname(file), { recursive: true });
        rmSync(file, { force: true });
        writeFileSync(file, `${JSON.stringify({ run: ledger.run })}\n`, {
            mode: 0o600,
            flag: "wx",
        });
        return ledger;
    }

    /** Reads a ledger; undefined if there is none. A last line cut off by a kill does not count. */
    static open(file: string): Ledger | undefined {
        if (!existsSync(file)) {
            return undefined;
        }
        const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
        try {
            const [head, ...rest] = lines.map((line) => JSON.parse(line) as unknown);
            const ledger = new Ledger(file, (head as { run?: string } | undefined)?.run ?? "");
            rest.forEach((line) => ledger.apply(line as Entry));
            return ledger;
        } catch (cause) {
            throw new Error(`${file} is not a rehearsal's ledger`, { cause });
        }
    }

    /** What is listed, in the order of making. */
    list(): Entry[] {
        return [...this.entries.values()];
    }

    /** Writes down that a thing is about to be made. */
    intend(thing: Thing): number {
        this.write({ number: this.last + 1, ...thing });
        return this.last;
    }

    /** Writes down that it was made. */
    made(number: number, id: string): void {
        this.write({ number, id });
    }

    /** Takes an entry off the list: the thing is gone, or never came to be. */
    strike(number: number): void {
        this.write({ number, gone: true });
    }

    private write(line: Partial<Entry> & { number: number; gone?: boolean }): void {
        appendFileSync(this.file, `${JSON.stringify(line)}\n`);
        this.apply(line);
    }

    private apply(line: Partial<Entry> & { number: number; gone?: boolean }): void {
        this.last = Math.max(this.last, line.number);
        if (line.gone) {
            this.entries.delete(line.number);
        } else {
            this.entries.set(line.number, { ...this.entries.get(line.number), ...line } as Entry);
        }
    }
}
