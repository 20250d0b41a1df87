/** Health is an answer from the child, not the existence of a process. */

                    
                                                       
                                                                

/**
 * Makes a probe out of a real call to the child. Probes that arrive while a call is under way share
 * its result, so that any number of them costs the child one call at a time.
 *
 * @param countTools the call; it has to end by itself
 * @param onResult told once per call
 */
export function healthProbe(
    countTools                       ,
    onResult                          ,
)                        {
    let underWay                             ;
    const probe = async ()                  => {
        let health        ;
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
