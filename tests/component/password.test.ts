import { generatedPassword } from "../../components/password";
import { isSecret, startMocks, valueOf, type Recorder } from "../../cli/graph/mocks";

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

test("is secret, hexadecimal, and another one for another name", async () => {
    const [one, other] = [generatedPassword("one", {}), generatedPassword("other", {})];
    expect(await isSecret(one)).toBe(true);
    expect(await valueOf(one)).toMatch(/^[0-9a-f]{64}$/);
    expect(await valueOf(one)).not.toBe(await valueOf(other));
});

test("is stable over runs", async () => {
    const first = await valueOf(generatedPassword("same", {}));
    await startMocks();
    expect(await valueOf(generatedPassword("same", {}))).toBe(first);
});

test("needs one key, whose own text is not the password", async () => {
    const password = await valueOf(generatedPassword("one", {}));
    await recorder.settle();
    expect(recorder.all.map(({ type, name }) => [type, name])).toEqual([
        ["tls:index/privateKey:PrivateKey", "one"],
    ]);
    expect(JSON.stringify(recorder.all)).not.toContain(password);
});
