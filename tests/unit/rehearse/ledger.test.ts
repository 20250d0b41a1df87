import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rehearseDown } from "../../../cli/rehearse";
import { Ledger, type Thing } from "../../../cli/rehearse/ledger";

const dir = mkdtempSync(join(tmpdir(), "rehearse-test-"));
const file = join(dir, "state", "ledger.jsonl");
const thing = (name: string): Thing => ({ kind: "volume", name, socket: "/nowhere.sock" });

afterEach(() => rmSync(file, { force: true }));
afterAll(() => rmSync(dir, { recursive: true }));

test("reads back what was made, what was about to be, and not what is gone", () => {
    const ledger = Ledger.start(file);
    const [made, intended, gone] = ["a", "b", "c"].map((name) => ledger.intend(thing(name)));
    ledger.made(made ?? 0, "id-a");
    ledger.strike(gone ?? 0);
    const again = Ledger.open(file);
    expect(again?.run).toBe(ledger.run);
    expect(again?.list()).toEqual([
        { ...thing("a"), number: made, id: "id-a" },
        { ...thing("b"), number: intended },
    ]);
    expect(again?.intend(thing("d"))).toBe(4);
});

test("is readable by its owner alone", () => {
    Ledger.start(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("ignores a last line that a kill cut off", () => {
    Ledger.start(file).intend(thing("a"));
    appendFileSync(file, '{"number":2,"ki');
    expect(Ledger.open(file)?.list()).toHaveLength(1);
});

test("refuses to start over things that are still listed, and changes nothing", () => {
    const ledger = Ledger.start(file);
    const number = ledger.intend(thing("a"));
    const before = readFileSync(file, "utf8");
    expect(() => Ledger.start(file)).toThrow("an earlier rehearsal still has 1 thing(s) listed");
    expect(readFileSync(file, "utf8")).toBe(before);
    ledger.strike(number);
    expect(Ledger.start(file).list()).toEqual([]);
});

test("names a file that is not a ledger", () => {
    Ledger.start(file);
    appendFileSync(file, "no JSON\n");
    expect(() => Ledger.open(file)).toThrow(`${file} is not a rehearsal's ledger`);
});

test("down without a ledger removes nothing; with an empty one, the ledger", async () => {
    expect(await rehearseDown({ ledgerFile: file })).toEqual({ removed: 0 });
    Ledger.start(file);
    expect(await rehearseDown({ ledgerFile: file })).toEqual({ removed: 0 });
    expect(existsSync(file)).toBe(false);
});

test("down keeps what it could not remove listed, and says what and why", async () => {
    Ledger.start(file).intend(thing("a"));
    const events: string[] = [];
    const down = rehearseDown({ ledgerFile: file, onEvent: ({ kind }) => events.push(kind) });
    await expect(down).rejects.toThrow(
        /not everything could be removed:\n {2}- volume a: .*ENOENT/,
    );
    expect(events).toEqual(["removing", "failed"]);
    expect(Ledger.open(file)?.list()).toHaveLength(1);
});
