import { parseManifest } from "../../../config/manifest";
import { manifestText } from "./support";

const FILE = "manifests/x.yml";

/** The lines, the place ("line:column") and field of the one problem, its text, and a part of the remedy. */
export type Case = readonly [
    lines: string,
    place: string,
    field: string,
    problem: string,
    remedy: string,
];

/** Cases in which a line of the smallest manifest (by number) is replaced. */
export function edited(line: number, cases: readonly Case[]): void {
    test.each(cases)("%s", (lines, ...rest) => {
        expectOne(manifestText({ [line]: lines }), ...rest);
    });
}

/** Cases in which lines are added to the spec of the smallest manifest, from line 9 on. */
export function added(cases: readonly Case[]): void {
    test.each(cases)("%s", (lines, ...rest) => {
        expectOne(manifestText({}, lines), ...rest);
    });
}

function expectOne(
    text: string,
    place: string,
    field: string,
    problem: string,
    remedy: string,
): void {
    const { manifest, problems } = parseManifest(FILE, text);
    const [line, column] = place.split(":").map(Number);
    const way: unknown = expect.stringContaining(remedy);
    expect(problems).toEqual([{ file: FILE, line, column, field, problem, remedy: way }]);
    expect(manifest).toBeUndefined();
}
