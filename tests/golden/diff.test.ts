import { lineDiff } from "../support/diff";

const HEADING = /^#/;
const lines = (from: number, to: number): string[] =>
    Array.from({ length: to - from + 1 }, (_, index) => `line ${String(from + index)}`);
const text = (...parts: readonly (string | readonly string[])[]): string => parts.flat().join("\n");

test("equal texts differ in nothing", () => {
    expect(lineDiff("a\nb\n", "a\nb\n", HEADING)).toBe("");
});

test("a difference stands between a few lines of both, under its heading", () => {
    const before = text("# one", lines(1, 9), "# two", lines(10, 20));
    const after = text("# one", lines(1, 9), "# two", lines(10, 14), "new", lines(16, 20));
    expect(lineDiff(before, after, HEADING)).toBe(
        text(
            "@@ # two",
            ["  line 12", "  line 13", "  line 14", "- line 15", "+ new"],
            ["  line 16", "  line 17", "  line 18"],
        ),
    );
});

test("two differences are two groups", () => {
    const before = text("# one", lines(1, 20));
    const after = text("# one", "first", lines(1, 19));
    expect(lineDiff(before, after, HEADING)).toBe(
        text("@@", ["  # one", "+ first", "  line 1", "  line 2", "  line 3"], "@@ # one", [
            "  line 17",
            "  line 18",
            "  line 19",
            "- line 20",
        ]).replace("@@\n", "@@ \n"),
    );
});

test("from and to nothing", () => {
    expect(lineDiff("", "a", HEADING)).toBe("@@ \n- \n+ a");
    expect(lineDiff("a\nb", "", HEADING)).toContain("- b");
});
