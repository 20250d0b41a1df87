const CONTEXT = 3;

interface Line {
    readonly mark: " " | "-" | "+";
    readonly text: string;
}

/**
 * The lines two texts differ in, `-` only in the first and `+` only in the second, with some lines around them.
 * Each group stands under the last line before it that matches `heading`.
 */
export function lineDiff(before: string, after: string, heading: RegExp): string {
    const lines = compare(before.split("\n"), after.split("\n"));
    const near = lines.map((_, index) =>
        lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(differs),
    );
    let last = "";
    return lines
        .flatMap(({ mark, text }, index) => {
            const above = last;
            if (heading.test(text)) last = text;
            if (near[index] !== true) return [];
            const first = near[index - 1] !== true;
            return [...(first ? [`@@ ${above.trim()}`] : []), `${mark} ${text}`];
        })
        .join("\n");
}

function differs({ mark }: Line): boolean {
    return mark !== " ";
}

/** Longest common subsequence between equal ends. */
function compare(before: readonly string[], after: readonly string[]): Line[] {
    let start = 0;
    while (start < before.length && start < after.length && before[start] === after[start]) start++;
    let end = 0;
    const rest = Math.min(before.length, after.length) - start;
    while (end < rest && before.at(-1 - end) === after.at(-1 - end)) end++;
    const same = (lines: readonly string[]): Line[] => lines.map((text) => ({ mark: " ", text }));
    return [
        ...same(before.slice(0, start)),
        ...changed(
            before.slice(start, before.length - end),
            after.slice(start, after.length - end),
        ),
        ...same(before.slice(before.length - end)),
    ];
}

function changed(before: readonly string[], after: readonly string[]): Line[] {
    const width = after.length + 1;
    const length = new Uint32Array((before.length + 1) * width);
    const at = (row: number, column: number): number => length[row * width + column] ?? 0;
    for (let row = before.length - 1; row >= 0; row--) {
        for (let column = after.length - 1; column >= 0; column--) {
            length[row * width + column] =
                before[row] === after[column]
                    ? at(row + 1, column + 1) + 1
                    : Math.max(at(row + 1, column), at(row, column + 1));
        }
    }
    const lines: Line[] = [];
    let [row, column] = [0, 0];
    while (row < before.length || column < after.length) {
        const [old, fresh] = [before[row], after[column]];
        if (old !== undefined && old === fresh) {
            lines.push({ mark: " ", text: old });
            row++;
            column++;
        } else if (
            old !== undefined &&
            (fresh === undefined || at(row + 1, column) >= at(row, column + 1))
        ) {
            lines.push({ mark: "-", text: old });
            row++;
        } else {
            lines.push({ mark: "+", text: fresh ?? "" });
            column++;
        }
    }
    return lines;
}
