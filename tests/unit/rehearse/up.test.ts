import { execFile } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { rehearseUp, type RehearseEvent } from "../../../cli/rehearse";
import { Ledger } from "../../../cli/rehearse/ledger";

const dir = realpathSync(mkdtempSync(join(tmpdir(), "rehearse-test-")));
const ledgerFile = join(dir, "ledger");
afterAll(() => rmSync(dir, { recursive: true }));

const up = (program: () => Promise<unknown>, more: object = {}) =>
    rehearseUp({
        projectDir: dir,
        project: "p",
        stack: "s",
        config: {},
        ledgerFile,
        program,
        ...more,
    });

class Keys extends pulumi.ComponentResource {
    readonly key: tls.PrivateKey;
    constructor(name: string) {
        super("test:keys:Keys", name);
        this.key = new tls.PrivateKey(`${name}-key`, { algorithm: "ED25519" }, { parent: this });
        this.registerOutputs({ pem: this.key.publicKeyPem });
    }
}

describe("up", () => {
    test("runs the program with its settings and gives its outputs", async () => {
        const events: RehearseEvent[] = [];
        const program = () => {
            const config = new pulumi.Config();
            const { key } = new Keys("keys");
            return Promise.resolve({
                setting: config.require("setting"),
                secret: config.requireSecret("secret"),
                stack: `${pulumi.getProject()}/${pulumi.getStack()}`,
                folder: process.cwd(),
                publicKey: key.publicKeyPem,
                privateKey: key.privateKeyPem,
                urn: key.urn,
                nested: { id: key.id },
            });
        };
        const before = process.cwd();
        const config = { "p:setting": "1", "p:secret": "hush" };
        const onEvent = (event: RehearseEvent) => events.push(event);
        const { outputs, resources, secretOutputs } = await up(program, {
            ...{ config, onEvent, secretKeys: ["p:secret"] },
        });
        expect(outputs).toMatchObject({ setting: "1", secret: "hush", stack: "p/s", folder: dir });
        expect(outputs.publicKey).toContain("BEGIN PUBLIC KEY");
        expect(outputs.urn).toBe(
            "urn:pulumi:s::p::test:keys:Keys$tls:index/privateKey:PrivateKey::keys-key",
        );
        expect(outputs.nested).toEqual({ id: expect.stringMatching(/^[0-9a-f]{40}$/) as string });
        expect(secretOutputs.toSorted()).toEqual(["privateKey", "secret"]);
        expect(resources).toBe(1);
        expect(process.cwd()).toBe(before);
        expect(events.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
            "creating keys-key",
            "created keys-key",
        ]);
    });

    test("waits for resources that are made late", async () => {
        const program = () => {
            const { key } = new Keys("a");
            key.id.apply(() => new Keys("b").key.id.apply(() => new Keys("c")));
            return Promise.resolve(undefined);
        };
        expect(await up(program)).toEqual({ outputs: {}, secretOutputs: [], resources: 3 });
    });

    test("works again in the same process, but not at the same time", async () => {
        const program = () => Promise.resolve({ id: new Keys("a").key.id });
        const first = up(program);
        await expect(up(program)).rejects.toThrow("a rehearsal is already running in this process");
        const second = await first.then(() => up(program));
        expect(second.resources).toBe(1);
    });

    test("refuses to begin while an earlier rehearsal's things are listed", async () => {
        const listed = join(dir, "listed");
        Ledger.start(listed).intend({ kind: "volume", name: "v", socket: "/s" });
        const program = jest.fn();
        await expect(up(program, { ledgerFile: listed })).rejects.toThrow("an earlier rehearsal");
        expect(program).not.toHaveBeenCalled();
        expect(Ledger.open(listed)?.list()).toHaveLength(1);
    });

    test("runs one program's resources side by side", async () => {
        const running = new Set<string>();
        let most = 0;
        const onEvent = ({ kind, name }: RehearseEvent) => {
            running[kind === "creating" ? "add" : "delete"](name);
            most = Math.max(most, running.size);
        };
        const program = () => {
            const { key } = new Keys("ca");
            for (let i = 0; i < 40; i += 1) {
                const inputs = { privateKeyPem: key.privateKeyPem, subject: { commonName: "c" } };
                new tls.CertRequest(`r${i}`, inputs);
            }
            return Promise.resolve({});
        };
        expect((await up(program, { onEvent })).resources).toBe(41);
        expect(most).toBeGreaterThan(1);
    });
});

describe("up fails with one error that", () => {
    let results: Record<string, { message: string; events: string[] } | undefined>;
    let stderr: string;

    beforeAll(async () => {
        const fixture = join(__dirname, "fixtures", "failing.ts");
        const args = ["--import", "tsx", fixture, join(dir, "failing")];
        const child = await promisify(execFile)(process.execPath, args);
        results = JSON.parse(child.stdout) as typeof results;
        stderr = child.stderr;
    }, 60_000);

    test("names the resources that failed, the first one first, while others go on", () => {
        const { events, message } = results.resources ?? {};
        expect(message?.split("\n")).toEqual([
            "the rehearsal failed:",
            expect.stringMatching(
                /^ {2}- .*rehearse cannot create aws:s3\/bucket:Bucket; add a creator/,
            ),
            expect.stringMatching(
                /^ {2}- bad \(tls:index\/privateKey:PrivateKey\): rehearse makes keys/,
            ),
        ]);
        expect(events).toContain("created good");
        expect(events).not.toContain("creating follows");
    });

    test.each([
        ["program", "the rehearsal failed:\n  - thrown by the program"],
        ["apply", "the rehearsal failed:\n  - thrown in an apply"],
        ["call", "rehearse cannot answer the function call docker:index/x:getX"],
        ["get", "rehearse neither reads nor imports what exists"],
        ["transform", "rehearse runs no transforms"],
        ["nothing", "the program created nothing"],
    ])("says what went wrong: %s", (which, expected) => {
        expect(results[which]?.message).toContain(expected);
    });

    test("says that it was stopped, and starts nothing after that", () => {
        const events = ["creating first", "created first"];
        const message = "the rehearsal was stopped; 1 resource(s) exist";
        expect(results.abort).toEqual({ message, events });
    });

    test("leaves no noise of Node's or Pulumi's", () => {
        expect(stderr).toBe("");
    });
});
