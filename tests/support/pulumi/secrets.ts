import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";

/** Key by which Pulumi marks a secret in an export. */
const MARK = "4dabf18193072939515e22adb298388d";

/** Plain texts of all secrets in what `pulumi stack export --show-secrets` prints. */
function plainTexts(exported: unknown): string[] {
    if (typeof exported !== "object" || exported === null) return [];
    if (MARK in exported && "plaintext" in exported)
        return leaves(JSON.parse(String(exported.plaintext)));
    return Object.values(exported).flatMap(plainTexts);
}

function leaves(value: unknown): string[] {
    if (typeof value === "string") return [value];
    if (typeof value !== "object" || value === null) return [];
    return Object.values(value).flatMap(leaves);
}

/** The real passwords and private keys of a stack, from its export with secrets shown. */
export function realSecrets(exportText: string): { passwords: string[]; keys: string[] } {
    const texts = plainTexts(JSON.parse(exportText) as unknown);
    const found = (pattern: RegExp): string[] => [
        ...new Set(
            texts.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1] ?? "")),
        ),
    ];
    return {
        passwords: found(/PASSWORD '([^']+)'/g),
        // The first line of the body tells keys apart and cannot be broken by escaping.
        keys: found(/-----BEGIN [A-Z ]*PRIVATE KEY-----\n([A-Za-z0-9+/=]+)\n/g),
    };
}

/** All files below a folder with their text: what a backend keeps, its backups and history too. */
export function filesBelow(folder: string): { file: string; text: string }[] {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
        .map((file) => ({ file, text: readFileSync(file, "utf8") }));
}
