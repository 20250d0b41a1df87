/** The audit's files: their number and size are bounded, their lines whole and none lost. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { Audit } from "../src/audit.ts";
import type { Logger } from "../src/log.ts";
import { check } from "./support/check.ts";
import { post } from "./support/clients.ts";
import { Everything } from "./support/everything/server.ts";
import { ANYONE, Gateway, type Json } from "./support/gateway.ts";

const MAX_BYTES = 2_000;

function stage(t: TestContext, files: number): { file: string; audit: Audit; said: string[] } {
    const folder = mkdtempSync(join(tmpdir(), "gateway-audit-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "calls.jsonl");
    const said: string[] = [];
    const log = { error: (_details: object, text: string) => said.push(text) };
    const key = Buffer.alloc(32);
    const audit = new Audit({ file, key, files, maxBytes: MAX_BYTES }, log as unknown as Logger);
    return { file, audit, said };
}

/** Lines of all files, the oldest first. */
function linesOf(file: string): Json[] {
    const rotated = Array.from({ length: 100 }, (_, n) => `${file}.${99 - n}`);
    const texts = [...rotated, file].filter((one) => existsSync(one)).map(textOf);
    for (const text of texts) assert.ok(text.endsWith("}\n"));
    return texts
        .join("")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Json);
}

function textOf(file: string): string {
    return readFileSync(file, "utf8");
}

check("no file beyond the size, no more than so many, and no gap between them", (t) => {
    const { file, audit, said } = stage(t, 4);
    for (let n = 0; n < 500; n += 1) audit.event("test", { n, text: "ä".repeat(n % 90) });
    const files = [file, `${file}.1`, `${file}.2`, `${file}.3`];
    for (const one of files) {
        const { size, mode } = statSync(one);
        assert.ok(size > 0 && size <= MAX_BYTES, `${one}: ${size}`);
        assert.equal(mode & 0o777, 0o600);
    }
    assert.ok(!existsSync(`${file}.4`));
    const numbers = linesOf(file).map(({ n }) => Number(n));
    assert.ok(numbers.length > 20);
    assert.deepEqual(
        numbers,
        numbers.map((_, index) => 500 - numbers.length + index),
    );
    assert.deepEqual(said, []);
});

check("goes on with what a file has, and a line longer than a file is whole", (t) => {
    const { file, audit } = stage(t, 3);
    audit.event("test", { n: 0, text: "x".repeat(1_500) });
    const key = Buffer.alloc(32);
    const again = new Audit({ file, key, files: 3, maxBytes: MAX_BYTES }, {} as Logger);
    again.event("test", { n: 1, text: "x".repeat(5_000) });
    again.event("test", { n: 2 });
    const found = [`${file}.2`, `${file}.1`, file].map(
        (one) => (JSON.parse(textOf(one)) as Json).n,
    );
    assert.deepEqual(found, [0, 1, 2]);
});

check("a file that cannot be rotated grows on, is told of, and is rotated later", (t) => {
    const { file, audit, said } = stage(t, 2);
    mkdirSync(join(`${file}.1`, "in-the-way"), { recursive: true });
    let n = 0;
    const write = (): void => audit.event("test", { n: n++, text: "x".repeat(100) });
    while (n < 20) write();
    assert.deepEqual(said, ["audit file cannot be rotated; it grows on"]);
    assert.ok(statSync(file).size > MAX_BYTES);
    rmSync(`${file}.1`, { recursive: true });
    while (n < 100 && !existsSync(`${file}.1`)) write();
    assert.equal(said.length, 1);
    assert.ok(statSync(file).size < MAX_BYTES);
    assert.deepEqual(
        linesOf(file).map((line) => line.n),
        Array.from({ length: n }, (_, index) => index),
    );
});

check("the running gateway keeps to its settings", async (t) => {
    const everything = await Everything.start();
    t.after(() => everything.close());
    const config = { servers: [{ name: "one", url: everything.origin }], clients: [ANYONE] };
    const env = { GATEWAY_AUDIT_MAX_BYTES: "2000", GATEWAY_AUDIT_FILES: "50" };
    const gateway = await Gateway.ready(t, config, { env });
    const call = (): Promise<unknown> => post(gateway.url("one"), "tools/call", { name: "echo" });
    for (let n = 0; n < 10; n += 1) await Promise.all([call(), call(), call(), call()]);
    const calls = linesOf(gateway.auditFile).filter(({ type }) => type === "call");
    assert.equal(calls.length, 40);
    assert.ok(statSync(`${gateway.auditFile}.3`).size <= 2_000);
});
