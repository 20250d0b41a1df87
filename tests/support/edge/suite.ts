import type { EdgePlan } from "../../../config/edge/model";

import { edgeCases, type EdgeCase } from "./cases";
import { send, stream, type EdgeAddress, type EdgeAnswer } from "./client";
import type { Seen, StandInGateway } from "./gateway";

/** A running edge in front of a stand-in. */
export interface EdgeUnderTest extends EdgeAddress {
    readonly gateway: StandInGateway;
    /** What it has written so far. */
    log(): string;
    close(): Promise<void>;
}

const FAST_MS = 5_000;
const RECOVERY_MS = 20_000;

/**
 * Registers the tests that every edge has to pass, whatever program it is.
 *
 * @param plan its `cors.allowedOrigins` are `ORIGINS`
 * @param start starts an edge of that plan; called once
 */
export function edgeSuite(plan: EdgePlan, start: () => Promise<EdgeUnderTest>): void {
    let edge: EdgeUnderTest;
    beforeAll(async () => {
        edge = await start();
    });
    afterAll(async () => {
        await edge?.close();
        await edge?.gateway.close();
    });
    beforeEach(() => void edge.gateway.take());

    test.each(edgeCases(plan).map((wanted) => [wanted.name, wanted] as const))(
        "%s",
        async (_name, wanted) => {
            compareAnswer(await send(edge, wanted.request), wanted);
            compareSeen(edge.gateway.take(), wanted);
        },
    );

    test.each(["GET", "POST"])("%s: an event arrives when it was sent", async (method) => {
        const accept = { accept: "text/event-stream" };
        const bytes = method === "POST" ? { bytes: 2 } : {};
        const events = await stream(edge, { method, path: "/mcp", headers: accept, ...bytes });
        expect(events.contentType).toBe("text/event-stream");
        // The stand-in sends each one only after the one before it was read here.
        expect(await events.next()).toBe("data: first\n\n");
        edge.gateway.emit("second");
        expect(await events.next()).toBe("data: second\n\n");
        edge.gateway.end();
        expect(await events.next()).toBeUndefined();
    });

    test("a client that leaves ends its stream at the gateway", async () => {
        const headers = { accept: "text/event-stream" };
        const events = await stream(edge, { method: "GET", path: "/mcp", headers });
        expect(await events.next()).toBe("data: first\n\n");
        events.leave();
        await edge.gateway.abandoned();
    });

    test("a gateway that is down is said fast, and found again", async () => {
        const ask = (): Promise<EdgeAnswer> => send(edge, { method: "GET", path: "/mcp" });
        await edge.gateway.close();
        for (let tries = 0; tries < 3; tries += 1) {
            const begun = Date.now();
            expect([502, 503]).toContain((await ask()).status);
            expect(Date.now() - begun).toBeLessThan(FAST_MS);
        }
        // From then on it is not even tried.
        await waitFor("503", RECOVERY_MS, async () => (await ask()).status === 503);
        await edge.gateway.reopen();
        await waitFor("the gateway", RECOVERY_MS, async () => (await ask()).status === 200);
    });

    test("no token is in what it writes", async () => {
        const authorization = "Bearer never-in-a-log";
        const headers = { authorization, [plan.correlationHeader]: "the-last-of-the-log" };
        await send(edge, { method: "GET", path: "/mcp", headers });
        await send(edge, { method: "GET", path: "/nothing", headers });
        await waitFor("the log", FAST_MS, () => Promise.resolve(edge.log().includes("/nothing")));
        expect(edge.log()).not.toContain("never-in-a-log");
    });
}

/** Asks again until it is so. @throws Error that names what did not come within the time */
export async function waitFor(
    what: string,
    milliseconds: number,
    holds: () => Promise<boolean>,
): Promise<void> {
    for (const end = Date.now() + milliseconds; Date.now() < end;) {
        if (await holds()) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${what} did not come within ${milliseconds} ms`);
}

function compareAnswer({ status, headers, body }: EdgeAnswer, wanted: EdgeCase): void {
    expect(wanted.status).toContain(status);
    compareHeaders(headers, wanted.headers);
    if (wanted.body !== undefined) expect(body).toMatch(wanted.body);
}

function compareSeen(seen: readonly Seen[], { request, gateway }: EdgeCase): void {
    expect(seen.map(({ method }) => method)).toEqual(gateway === undefined ? [] : [request.method]);
    const [{ path, bytes, headers } = {}] = seen;
    if (gateway?.path !== undefined) expect(path).toBe(gateway.path);
    if (gateway?.bytes !== undefined) expect(bytes).toBe(gateway.bytes);
    compareHeaders(headers ?? {}, gateway?.headers);
}

function compareHeaders(
    headers: Readonly<Record<string, string | string[] | undefined>>,
    wanted: EdgeCase["headers"] = {},
): void {
    for (const [name, value] of Object.entries(wanted)) {
        const pattern: unknown = value instanceof RegExp ? expect.stringMatching(value) : value;
        expect({ [name]: headers[name] }).toEqual({ [name]: pattern });
    }
}
