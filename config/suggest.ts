/** Number of single-character changes (replace, insert, remove, swap of neighbours) between two texts. */
export function editDistance(a: string, b: string): number {
    let before: number[] = [];
    let last = Array.from({ length: b.length + 1 }, (_, column) => column);
    for (let row = 1; row <= a.length; row++) {
        const line = [row];
        for (let column = 1; column <= b.length; column++) {
            const same = a[row - 1] === b[column - 1] ? 0 : 1;
            const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
            line[column] = Math.min(
                (line[column - 1] ?? Infinity) + 1,
                (last[column] ?? Infinity) + 1,
                (last[column - 1] ?? Infinity) + same,
                row > 1 && column > 1 && swapped ? (before[column - 2] ?? Infinity) + 1 : Infinity,
            );
        }
        before = last;
        last = line;
    }
    return last[b.length] ?? Infinity;
}

/**
 * The known word that was probably meant: the one that is begun, or else the nearest, ignoring case, "-"
 * and "_". `undefined` when none is near.
 */
export function closest(word: string, known: readonly string[]): string | undefined {
    const plain = (text: string): string => text.toLowerCase().replace(/[-_]/g, "");
    if (word.length > 64) return undefined;
    const short = plain(word);
    const begun = known.filter((candidate) => plain(candidate).startsWith(short));
    if (short.length >= 3 && begun.length === 1) return begun[0];
    const scored = known
        .map((candidate) => ({ candidate, distance: editDistance(short, plain(candidate)) }))
        .sort((a, b) => a.distance - b.distance);
    const best = scored[0];
    if (best === undefined) return undefined;
    return best.distance <= Math.max(1, Math.floor(best.candidate.length / 3))
        ? best.candidate
        : undefined;
}
