import Table from "cli-table3";
import pc from "picocolors";

/** Where commands write: progress for people goes to stderr, results to stdout, so that `--json` stays clean. */
export class Output {
    constructor(readonly json: boolean) {}

    /** One line of progress. */
    say(line: string): void {
        process.stderr.write(`${pc.dim("·")} ${line}\n`);
    }

    warn(line: string): void {
        process.stderr.write(`${pc.yellow("!")} ${line}\n`);
    }

    /** The result of a command: as JSON, or as text made only when it is shown. */
    result(data: unknown, text: () => string): void {
        process.stdout.write(this.json ? `${JSON.stringify(data, null, 2)}\n` : `${text()}\n`);
    }
}

/** A plain table: no frame, two spaces between columns. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
    const made = new Table({
        head: head.map((cell) => pc.bold(cell)),
        style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
        chars: Object.fromEntries(
            [
                ...[
                    "top",
                    "top-mid",
                    "top-left",
                    "top-right",
                    "bottom",
                    "bottom-mid",
                    "bottom-left",
                ],
                ...[
                    "bottom-right",
                    "left",
                    "left-mid",
                    "mid",
                    "mid-mid",
                    "right",
                    "right-mid",
                    "middle",
                ],
            ].map((part) => [part, ""]),
        ),
    });
    for (const row of rows) made.push([...row]);
    return made
        .toString()
        .split("\n")
        .map((line) => line.trimEnd())
        .join("\n");
}

/** A health word in its colour. */
export function health(state: string): string {
    if (["healthy", "ok", "passing"].includes(state)) return pc.green(state);
    if (state === "starting" || state === "warning") return pc.yellow(state);
    return pc.red(state);
}

/** Milliseconds as seconds with one decimal. */
export function seconds(milliseconds: number): string {
    return `${(milliseconds / 1000).toFixed(1)}s`;
}
