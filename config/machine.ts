import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { z } from "zod";
import { ConfigError, errorCode } from "./errors";
import { isContentId } from "./predicates";

/** An image that was built on this machine. */
export interface LocalImage {
    /** Name and tag in the daemon. */
    readonly tag: string;
    /** Content id, `sha256:` and 64 hex digits. */
    readonly imageId: string;
    /** For images of the inner daemon: build folder, relative to the project. */
    readonly context?: string;
}

/** What this machine remembers between runs. It describes the machine, not a stack: never committed. */
export interface MachineFacts {
    /** How images get here, for stacks that do not say. */
    readonly imageSource?: "registry" | "local";
    /** Images by their folder under images/. */
    readonly images?: Readonly<Record<string, LocalImage>>;
}

const FOLDER = ".mcp";
const FILE = "machine.json";

const localImage = z.strictObject({
    tag: z.string().min(1),
    imageId: z.string().refine(isContentId, "must be sha256: and 64 hex digits"),
    context: z
        .string()
        .min(1)
        .refine((text) => !path.isAbsolute(text), "must be relative to the project")
        .refine((text) => !text.split(/[\\/]/).includes(".."), "must stay inside the project")
        .optional(),
});
const machineFacts = z.strictObject({
    imageSource: z.enum(["registry", "local"]).optional(),
    images: z.record(z.string(), localImage).optional(),
});

/**
 * Reads `.mcp/machine.json`; `{}` when there is none.
 *
 * @throws ConfigError when the file cannot be read or is malformed
 */
export function readMachineFacts(projectDir: string): MachineFacts {
    let text: string;
    try {
        text = fs.readFileSync(path.join(projectDir, FOLDER, FILE), "utf8");
    } catch (error) {
        if (errorCode(error) === "ENOENT") return {};
        throw refusal([`cannot be read (${errorCode(error) ?? "unknown error"})`]);
    }
    let data: unknown;
    try {
        data = JSON.parse(text);
    } catch {
        throw refusal(["is not JSON"]);
    }
    return checked(data);
}

/**
 * Writes `.mcp/machine.json`, readable by its owner only. The file is replaced in one step: a reader sees
 * the old one or the new one, and a crash leaves the old one.
 *
 * @throws ConfigError when the facts are malformed; nothing is written then
 */
export function writeMachineFacts(projectDir: string, facts: MachineFacts): void {
    const text = `${JSON.stringify(checked(facts), undefined, 2)}\n`;
    const folder = path.join(projectDir, FOLDER);
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const temporary = path.join(
        folder,
        `.${FILE}.${process.pid}.${randomBytes(4).toString("hex")}`,
    );
    try {
        fs.writeFileSync(temporary, text, { mode: 0o600, flag: "wx", flush: true });
        fs.renameSync(temporary, path.join(folder, FILE));
    } catch (error) {
        fs.rmSync(temporary, { force: true });
        throw error;
    }
}

function checked(data: unknown): MachineFacts {
    const result = machineFacts.safeParse(data);
    if (result.success) return result.data;
    throw refusal(
        result.error.issues.map((issue) => {
            const field = issue.path.map(String).join(".");
            return field === "" ? issue.message : `${field}: ${issue.message}`;
        }),
    );
}

function refusal(problems: readonly string[]): ConfigError {
    const bullets = problems.map((problem) => `- ${problem}`).join("\n");
    return new ConfigError(
        `${FOLDER}/${FILE} is not what this program wrote; delete it (it is rebuilt with the images):\n${bullets}`,
    );
}
