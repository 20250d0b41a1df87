/** A test with a time limit: a hang fails, it never holds up the run. */
import test, { type TestContext } from "node:test";

/** Generous: the machine may be busy compiling something else. */
const LIMIT_MS = 120_000;

/** @param limitMs for what does very much; the default is for everything else */
export function check(
    name: string,
    body: (t: TestContext) => void | Promise<void>,
    limitMs = LIMIT_MS,
): void {
    void test(name, { timeout: limitMs }, body);
}

/** Asks until the answer is true; fails after a generous while. */
export async function eventually(
    what: string,
    holds: () => boolean | Promise<boolean>,
): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!(await holds())) {
        if (Date.now() > deadline) throw new Error(`never came true: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 25));
    }
}
