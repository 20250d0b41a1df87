/** The parts that decide: judge, index, wording, decoding. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";

import {
    checkRegistration,
    decodeChecks,
    decodeServices,
    toolsTransaction,
} from "../src/catalog.ts";
import { Deadline } from "../src/deadline.ts";
import { Judge, type Finding } from "../src/judge.ts";
import { reasonOf, tidy } from "../src/reasons.ts";
import { backoff, nextIndex } from "../src/watch.ts";
import { check } from "./support/check.ts";

const TIMING = { intervalMs: 2_000, deadlineMs: 7_000, confirmMs: 1_000, quickMs: 2_000 };
const WORKS: Finding = { kind: "works", output: "3 tools" };
const FAILED: Finding = { kind: "failed", reason: "connection refused" };
const LATE: Finding = { kind: "late", reason: "deadline of 7 s passed" };

check("an index that goes backwards starts over, one of 0 does not make it spin", () => {
    assert.equal(nextIndex(0, 12), 12);
    assert.equal(nextIndex(12, 12), 12);
    assert.equal(nextIndex(12, 11), 0);
    assert.equal(nextIndex(12, 0), 0);
    assert.equal(nextIndex(0, 0), 1);
});

check("the backoff is capped at 2 s", () => {
    assert.ok(backoff(0) <= 100 && backoff(0) >= 80);
    assert.ok(backoff(60) <= 2_000 && backoff(60) >= 1_600);
});

check("a quick failure counts at the second, 1 s after the first; one success ends it", () => {
    const judge = new Judge(TIMING);
    assert.equal(judge.rule(WORKS, 10).report?.status, "passing");
    const first = judge.rule(FAILED, 100);
    assert.equal(first.report, undefined);
    assert.equal(first.pauseMs, 1_000);
    assert.equal(first.deadlineMs, 5_900, "both tries together keep the deadline");
    assert.equal(judge.rule(WORKS, 10).report?.status, "passing", "a blip");
    judge.rule(FAILED, 100);
    assert.deepEqual(judge.rule(FAILED, 100).report, {
        status: "critical",
        output: "connection refused",
    });
    assert.equal(judge.rule(FAILED, 100).report?.status, "critical", "no second try any more");
    assert.equal(judge.rule(WORKS, 10).report?.status, "passing");
});

check("a deadline, or a failure that took long, counts at once", () => {
    const judge = new Judge(TIMING);
    judge.rule(WORKS, 10);
    assert.equal(judge.rule(LATE, 7_000).report?.status, "critical");
    judge.rule(WORKS, 6_900);
    assert.equal(judge.rule(FAILED, 3_050).report?.status, "critical");
});

check("the interval is from start to start, and jitter only shortens it", () => {
    const judge = new Judge(TIMING);
    for (let i = 0; i < 50; i++) {
        const { pauseMs } = judge.rule(WORKS, 500);
        assert.ok(pauseMs >= 2_000 * 0.85 - 500 && pauseMs <= 1_500, String(pauseMs));
    }
    assert.equal(judge.rule(WORKS, 6_000).pauseMs, 0);
});

check("a reason that differs in numbers only keeps its first wording", () => {
    const judge = new Judge(TIMING);
    const said = (reason: string): string | undefined =>
        judge.rule({ kind: "failed", reason }, 3_000).report?.output;
    assert.equal(said("query 4711 failed at 12:03:04"), "query 4711 failed at 12:03:04");
    assert.equal(said("query 4712 failed at 12:03:06"), "query 4711 failed at 12:03:04");
    assert.equal(said("connection refused"), "connection refused");
    assert.equal(said("HTTP 500"), "HTTP 500");
    assert.equal(said("HTTP 502"), "HTTP 502");
});

check("reasons are one short line without credentials", () => {
    assert.equal(tidy("  a\n\tb\u0000c  "), "a b c");
    assert.equal(tidy("x".repeat(500)).length, 163);
    assert.equal(
        tidy("connect to postgres://joe:geheim@db:5432/x failed"),
        "connect to postgres://***@db:5432/x failed",
    );
    assert.equal(tidy('password="a b" token: abc, x'), "password=*** token: ***, x");
    assert.equal(tidy("sent Authorization: Bearer abc.def"), "sent Authorization: Bearer ***");
    assert.equal(tidy('{"api_key":"abc","n":1}'), '{"api_key":***,"n":1}');
    assert.equal(
        reasonOf(Object.assign(new Error("x"), { code: "ECONNREFUSED" })),
        "connection refused",
    );
    assert.equal(reasonOf("text"), "text");
});

check("a deadline that was itself held up grants an extension", async () => {
    const never = new AbortController().signal;
    const deadline = new Deadline(20, never);
    const until = performance.now() + 400;
    while (performance.now() < until); // A process that does not get to run.
    await sleep(50);
    assert.equal(deadline.passed, false);
    await sleep(600);
    assert.equal(deadline.passed, true);
    assert.equal(deadline.signal.aborted, true);
});

check("reads Consul's answers, also for a node that is not there", () => {
    assert.deepEqual(decodeServices(null), []);
    assert.deepEqual(decodeServices({ Node: null, Services: null }), []);
    const raw = { ID: "a", Service: "a", Address: "", Port: 1, Meta: null, ModifyIndex: 3 };
    assert.deepEqual(decodeServices({ Node: { Address: "10.0.0.1" }, Services: [raw] }), [
        { id: "a", name: "a", address: "10.0.0.1", port: 1, meta: {}, modifyIndex: 3, raw },
    ]);
    assert.throws(() => decodeServices({ Services: [{}] }), /without ID/);
    assert.throws(() => decodeServices("x"), /no node-services/);
    assert.deepEqual(decodeChecks(null), new Map());
    assert.deepEqual([...decodeChecks([{ CheckID: "other" }]).keys()], []);
});

check("a check write names nothing but the check, in the node's datacenter", () => {
    const service = { id: "docker", name: "docker-api", meta: { protocol: "docker" } };
    const place = { node: "n", datacenter: "dc2" };
    const report = { status: "passing", output: "ok" } as const;
    const body = checkRegistration(place, service, report, undefined, { Interval: "2s" });
    assert.deepEqual(body, {
        Datacenter: "dc2",
        Node: "n",
        SkipNodeUpdate: true,
        Check: {
            Node: "n",
            CheckID: "mcp:docker",
            Name: "TLS API",
            Status: "passing",
            Output: "ok",
            Notes: "",
            ServiceID: "docker",
            ServiceName: "docker-api",
            Definition: { Interval: "2s" },
        },
    });
});

check("the tools transaction keeps everything else of the service", () => {
    const raw = { ID: "a", Service: "a", Tags: ["x"], Weights: { Passing: 2 }, ModifyIndex: 9 };
    const [service] = decodeServices({ Services: [{ ...raw, Meta: { path: "/p" } }] });
    assert.ok(service);
    assert.deepEqual(toolsTransaction({ node: "n", datacenter: undefined }, service, 4), [
        {
            Service: {
                Verb: "cas",
                Node: "n",
                Service: { ...raw, Meta: { path: "/p", tools: "4" } },
            },
        },
    ]);
});
