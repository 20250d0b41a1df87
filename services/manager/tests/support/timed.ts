/** A test with a time limit: a hang fails, it never holds up the run. */
import test, { type TestContext } from "node:test";

/** Generous: the machine may be busy compiling something else. */
const LIMIT_MS = 60_000;

export function timed(name: string, body: (t: TestContext) => void | Promise<void>): void {
    void test(name, { timeout: LIMIT_MS }, body);
}
