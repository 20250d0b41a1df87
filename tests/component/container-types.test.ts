import * as fc from "fast-check";

import { goDuration, upload } from "../../components/container-types";

test.each([
    [0, "0s"],
    [1, "1s"],
    [59, "59s"],
    [60, "1m0s"],
    [90, "1m30s"],
    [600, "10m0s"],
    [3600, "1h0m0s"],
    [3661, "1h1m1s"],
    [90_000, "25h0m0s"],
])("%p seconds are %p", (seconds, text) => {
    expect(goDuration(seconds)).toBe(text);
});

test("a duration reads back as the same seconds, with minutes and seconds below 60", () => {
    fc.assert(
        fc.property(fc.integer({ min: 0, max: 1_000_000 }), (seconds) => {
            const match = /^(?:(\d+)h)?(?:(\d+)m)?(\d+)s$/.exec(goDuration(seconds));
            const [hours, minutes, rest] = (match ?? []).slice(1).map((part) => Number(part ?? 0));
            expect(minutes).toBeLessThan(60);
            expect(rest).toBeLessThan(60);
            expect((hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (rest ?? 0)).toBe(seconds);
        }),
    );
});

test("an upload is a file with a mode", () => {
    expect(upload("/a", "text", "0444")).toEqual({
        file: "/a",
        content: "text",
        permissions: "0444",
    });
});
