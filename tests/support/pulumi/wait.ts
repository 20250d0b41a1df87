/** Waits until `probe` gives something, and gives that. Fails with `what` when it never does. */
export async function until<T>(
    what: string,
    seconds: number,
    probe: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
        const found = await probe();
        if (found !== undefined) return found;
        if (Date.now() > deadline)
            throw new Error(`waited ${String(seconds)} s in vain for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
}
