import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";

import { z } from "zod";

import { mockImageId } from "../../cli/graph/mock-outputs";
import { sha256, type Recorded, type Recorder } from "../../cli/graph/mocks";
import { PROJECT } from "../../cli/graph/program";

const uploads = z.array(
    z.strictObject({ file: z.string(), content: z.string(), permissions: z.string() }),
);

/** What stands in the golden file for a secret. */
export const MASK = "[secret]";

/** Path of the golden file of a stack. */
export function goldenFile(stack: string): string {
    return path.join(PROJECT, "tests", "golden", `${stack}.json`);
}

/**
 * Every resource of a program as sorted JSON. Secrets are masked; a script of this project that is uploaded, which
 * the graph keeps secret like every upload, is shown by its path and the start of its SHA-256, and the made-up
 * content id of an image by the image's name.
 */
export function goldenText(recorder: Recorder): string {
    const known = new Map([...publicFiles(), ...imageIds(recorder)]);
    const resources = [...recorder.all]
        .sort((a, b) => compare(a.type, b.type) || compare(a.name, b.name))
        .map((resource) => ({
            type: resource.type,
            name: resource.name,
            ...(resource.parent === undefined ? {} : { parent: resource.parent }),
            ...(resource.provider === undefined ? {} : { provider: resource.provider }),
            ...(Object.keys(resource.options).length === 0 ? {} : { options: resource.options }),
            inputs: masked(resource, resource.inputs, "", known),
        }));
    return `${JSON.stringify(resources, undefined, 2).replace(CONTENT_TAG, "$1:[content]")}\n`;
}

/** Tag of an image built here. It follows every file the image is made of, which have tests of their own. */
const CONTENT_TAG = /\b(mcp\/[a-z]+):[0-9a-f]{12}\b/g;

function masked(
    resource: Recorded,
    value: unknown,
    at: string,
    known: ReadonlyMap<string, string>,
): unknown {
    if (resource.secrets.includes(at)) return maskedSecret(value, known);
    if (Array.isArray(value)) {
        return value.map((item, index) => masked(resource, item, `${at}[${String(index)}]`, known));
    }
    if (typeof value === "string" && at === "image") return known.get(value) ?? value;
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
        Object.entries(value)
            .sort(([a], [b]) => compare(a, b))
            .map(([key, part]) => [
                key,
                masked(resource, part, at === "" ? key : `${at}.${key}`, known),
            ]),
    );
}

/** Of uploads, which are secret as a whole, path and mode can be seen in any image: only contents are masked. */
function maskedSecret(value: unknown, known: ReadonlyMap<string, string>): unknown {
    const list = uploads.safeParse(value);
    if (!list.success) return MASK;
    return list.data.map(({ file, content, permissions }) => ({
        file,
        content: known.get(content) ?? MASK,
        permissions,
    }));
}

/** Contents of the project's own uploadable files: what is committed is no secret. */
function publicFiles(): Map<string, string> {
    const files = ["images/orchestrator", "images/postgres"].flatMap((folder) =>
        readdirSync(path.join(PROJECT, folder)).map((name) => `${folder}/${name}`),
    );
    return new Map(
        files.sort().map((file) => {
            const content = readFileSync(path.join(PROJECT, file), "utf8");
            return [content, `${file} sha256:${sha256(content).slice(0, 12)}`];
        }),
    );
}

/** What the mocks give as content id of an image, by the image's name. */
function imageIds(recorder: Recorder): [string, string][] {
    return recorder.ofKind("RemoteImage").map(({ inputs }) => {
        const name = String(inputs.name);
        return [mockImageId(name), `[content id of ${name}]`];
    });
}

/** By code unit: the same order on every machine, whatever its locale. */
function compare(a: string, b: string): number {
    return a < b ? -1 : a > b ? 1 : 0;
}
