import * as fc from "fast-check";
import { compareText, errorCode, shown } from "../../../config/errors";
import { closest, editDistance } from "../../../config/suggest";
import { formatDuration, formatMemory, parseDuration, parseMemory } from "../../../config/units";

describe("memory", () => {
    test("round trip", () => {
        fc.assert(
            fc.property(fc.integer({ min: 1, max: 1048576 }), (megabytes) => {
                expect(parseMemory(formatMemory(megabytes))).toBe(megabytes);
                expect(parseMemory(`${megabytes * 1024}Ki`)).toBe(megabytes);
            }),
        );
    });

    test.each([
        ["64Mi", 64],
        ["1Gi", 1024],
        ["262144Ki", 256],
    ])("%s is %d MiB", (text, megabytes) => expect(parseMemory(text)).toBe(megabytes));

    test.each(["", "256", "256mb", "256M", "0Mi", "-1Mi", "1.5Gi", " 1Gi", "1000Ki", "1Ti", "Mi"])(
        "%j is no memory size",
        (text) => expect(parseMemory(text)).toBeUndefined(),
    );
});

describe("durations", () => {
    test("round trip", () => {
        fc.assert(
            fc.property(fc.integer({ min: 0, max: 1000000 }), (seconds) => {
                expect(parseDuration(formatDuration(seconds))).toBe(seconds);
            }),
        );
    });

    test.each([
        ["10s", 10],
        ["1m30s", 90],
        ["1h", 3600],
        ["90m", 5400],
        ["0s", 0],
    ])("%s is %d seconds", (text, seconds) => expect(parseDuration(text)).toBe(seconds));

    test.each(["", "10", "10ms", "s", "1s1m", "-1s", "1.5s", "10 s", "10S"])(
        "%j is no duration",
        (text) => expect(parseDuration(text)).toBeUndefined(),
    );
});

describe("suggestions", () => {
    const known = ["cpus", "memory", "pids", "environment", "startPeriod"];
    test.each([
        ["cpu", "cpus"],
        ["mem", "memory"],
        ["memroy", "memory"],
        ["env", "environment"],
        ["start_period", "startPeriod"],
        ["PIDS", "pids"],
        ["replicas", undefined],
        ["", undefined],
        ["m".repeat(100), undefined],
    ])("%s: %s", (word, meant) => expect(closest(word, known)).toBe(meant));

    test("nothing is known", () => expect(closest("cpus", [])).toBeUndefined());

    test("distance is a metric as far as it is used", () => {
        const word = fc.string({ maxLength: 12 });
        fc.assert(
            fc.property(word, word, (a, b) => {
                const distance = editDistance(a, b);
                expect(editDistance(b, a)).toBe(distance);
                expect(distance === 0).toBe(a === b);
                expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
            }),
        );
    });
});

describe("errors", () => {
    test.each([
        [undefined, "nothing"],
        [null, "nothing"],
        [3, "3"],
        [true, "true"],
        ["a", '"a"'],
        [[1], "a list"],
        [{ a: 1 }, "a mapping"],
        ["x".repeat(80), `"${"x".repeat(60)}..."`],
        ["postgres://user:hunter2@host/db", '"postgres://***@host/db"'],
        ["user:hunter2@host:443", '"user:***@host:443"'],
        ["image:1@sha256:abc", '"image:1@sha256:abc"'],
    ])("%j is shown as %s", (value, text) => expect(shown(value)).toBe(text));

    test("texts are ordered by code unit", () => {
        expect(["b", "a", "B", "ä", "a"].sort(compareText)).toEqual(["B", "a", "a", "b", "ä"]);
    });

    test("system errors have a code, others have none", () => {
        expect(errorCode(Object.assign(new Error("x"), { code: "ENOENT" }))).toBe("ENOENT");
        for (const other of [new Error("x"), { code: 3 }, "ENOENT", null]) {
            expect(errorCode(other)).toBeUndefined();
        }
    });
});
