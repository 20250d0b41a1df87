/** The two tokens of the API, read again when their files change. */
import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

/** What a token allows; `operate` allows what `read` does as well. */
export type Role = "read" | "operate";

export type TokenFiles = Readonly<Record<Role, string>>;

/** How long what was read counts: a rotated token is known after that. */
const FRESH_MS = 1_000;
const TOKEN = /^[\x21-\x7e]{16,512}$/;

export class Tokens {
    readonly #files: TokenFiles;
    #hashes: readonly { readonly role: Role; readonly hash: Buffer }[];
    #readAtMs: number;

    /** @throws Error in one line when a file holds no usable token */
    constructor(files: TokenFiles) {
        this.#files = files;
        this.#hashes = readHashes(files);
        this.#readAtMs = performance.now();
    }

    /** The role of an `Authorization` header; undefined when it has none. */
    roleOf(header: string | undefined): Role | undefined {
        const [, token] = /^bearer +([\x21-\x7e]{1,512}) *$/i.exec(header ?? "") ?? [];
        if (token === undefined) return undefined;
        this.#refresh();
        const presented = hashOf(token);
        // Every hash is compared, in the same time, whatever comes out.
        const matching = this.#hashes.filter(({ hash }) => timingSafeEqual(hash, presented));
        return matching.at(-1)?.role;
    }

    #refresh(): void {
        if (performance.now() - this.#readAtMs < FRESH_MS) return;
        this.#readAtMs = performance.now();
        try {
            this.#hashes = readHashes(this.#files);
        } catch {
            // Half written, or gone: a token that nobody can vouch for any more lets nobody in.
            this.#hashes = [];
        }
    }
}

function readHashes(files: TokenFiles): { role: Role; hash: Buffer }[] {
    // In this order: should both be the same, it is the stronger one.
    return (["read", "operate"] as const).map((role) => {
        const path = files[role];
        const token = readFileSync(path, "utf8").trim();
        if (!TOKEN.test(token)) {
            throw new Error(`${path} must hold one token of 16 to 512 characters, nothing else`);
        }
        return { role, hash: hashOf(token) };
    });
}

function hashOf(token: string): Buffer {
    return createHash("sha256").update(token).digest();
}
