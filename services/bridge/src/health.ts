/** Health is an answer from the child, not the existence of a process. */

export type Health =
    | { readonly status: "ok"; readonly tools: number }
    | { readonly status: "unhealthy"; readonly reason: string };

/**
 * Makes a probe out of a real call to the child. Probes that arrive while a call is under way share
 * its result, so that any number of them costs the child one call at a time.
 *
 * @param countTools the call; it has to end by itself
 * @param onResult told once per call
 */
export function healthProbe(
    countTools: () => Promise<number>,
    onResult: (health: Health) => void,
): () => Promise<Health> {
    let underWay: Promise<Health> | undefined;
    const probe = async (): Promise<Health> => {
        let health: Health;
        try {
            health = { status: "ok", tools: await countTools() };
        } catch (error) {
            const why = error instanceof Error ? error.message : String(error);
            health = { status: "unhealthy", reason: `tools/list: ${why}` };
        }
        underWay = undefined;
        onResult(health);
        return health;
    };
    return () => (underWay ??= probe());
}
