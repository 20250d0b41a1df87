import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { packContext } from "../../../cli/rehearse/creators/image";
import { uploadArchive } from "../../../cli/rehearse/creators/upload";

const dir = mkdtempSync(join(tmpdir(), "rehearse-test-"));
afterAll(() => rmSync(dir, { recursive: true }));

const tar = (archive: Buffer, ...options: string[]) =>
    execFileSync("tar", [...options, "-f", "-"], { input: archive, encoding: "utf8" });

function write(context: string, files: Record<string, string>): string {
    for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(dir, context, name)), { recursive: true });
        writeFileSync(join(dir, context, name), text);
    }
    return join(dir, context);
}

async function packed(context: string, dockerfile = "Dockerfile"): Promise<string[]> {
    const lines = tar(await buffer(packContext(context, dockerfile)), "-tv")
        .trim()
        .split("\n");
    return lines
        .map((line) => `${line.split(" ").at(-1)}${line.startsWith("d") ? "/" : ""}`)
        .sort();
}

describe("a build's context", () => {
    test("is all of the folder without .dockerignore", async () => {
        const context = write("all", { Dockerfile: "", "a/b/c": "" });
        expect(await packed(context)).toEqual(["./", "Dockerfile", "a/", "a/b/", "a/b/c"]);
    });

    test("leaves out what .dockerignore names, but never the Dockerfile", async () => {
        const context = write("some", {
            ".dockerignore": "# a comment\nnode_modules\n**/*.log\n/secret\nimages\n",
            "images/x/Dockerfile": "",
            "images/x/other": "",
            "src/a.ts": "",
            "src/deep/b.log": "",
            "node_modules/p/index.js": "",
            secret: "",
        });
        expect(await packed(context, "images/x/Dockerfile")).toEqual([
            ...["./", ".dockerignore", "images/", "images/x/", "images/x/Dockerfile"],
            ...["src/", "src/a.ts", "src/deep/"],
        ]);
    });

    test("brings back what a later ! rule names", async () => {
        const context = write("back", {
            ".dockerignore": "*\n!services/bridge\nservices/bridge/tests\n",
            Dockerfile: "",
            "services/bridge/src/main.ts": "",
            "services/bridge/tests/t.ts": "",
            "services/other/main.ts": "",
            "node_modules/p/index.js": "",
        });
        expect(await packed(context)).toEqual([
            ...["./", ".dockerignore", "Dockerfile", "services/", "services/bridge/"],
            ...["services/bridge/src/", "services/bridge/src/main.ts"],
        ]);
    });

    test("belongs to root and keeps modes", async () => {
        const context = write("modes", { Dockerfile: "", run: "" });
        chmodSync(join(context, "run"), 0o777);
        const listing = tar(
            await buffer(packContext(context, "Dockerfile")),
            "-tv",
            "--numeric-owner",
        );
        expect(listing).toMatch(/^-rwxrwxrwx 0\/0 .* run$/m);
    });
});

describe("uploads", () => {
    test("become one archive with the given modes, owned by root", () => {
        writeFileSync(join(dir, "source.bin"), Buffer.alloc(600, 7));
        const archive = uploadArchive(
            [
                { file: "/etc/plain", content: "grüße\n" },
                { file: "/bin/run", content: "x", executable: true },
                { file: "/certs/key.pem", contentBase64: "AAEC", permissions: "0600" },
                { file: "/data/source.bin", source: "source.bin" },
            ],
            dir,
        );
        const lines = tar(archive, "-tv", "--numeric-owner").trim().split("\n");
        expect(
            lines.map((line) => line.replace(/ +\d{4}-\S+ \S+/, "").replace(/ +/g, " ")),
        ).toEqual([
            "-rw-r--r-- 0/0 8 etc/plain",
            "-rwxr--r-- 0/0 1 bin/run",
            "-rw------- 0/0 3 certs/key.pem",
            "-rw-r--r-- 0/0 600 data/source.bin",
        ]);
        expect(tar(archive, "-xO", "etc/plain")).toBe("grüße\n");
    });

    test.each([
        [{ file: "/a" }],
        [{ file: "/a", content: "x", source: "y" }],
        [{ file: `/${"a".repeat(101)}`, content: "x" }],
    ])("refuse %j", (upload) => {
        expect(() => uploadArchive([upload], dir)).toThrow("needs one of content");
    });

    test("refuse an owner, which this cannot set", () => {
        expect(() => uploadArchive([{ file: "/a", content: "x", owner: "7" }], dir)).toThrow(
            "owner",
        );
    });
});
