import * as path from "node:path";
import { fileSchema } from "./file-schema";

/** A manifest as it is written, after the schema has accepted it. Defaults are not filled in. */
export interface RawManifest {
    readonly metadata: { readonly name: string; readonly labels?: Record<string, string> };
    readonly spec: {
        readonly build?: string;
        readonly image?: string;
        readonly command?: readonly string[];
        readonly environment?: Record<string, string>;
        readonly secrets?: readonly { readonly name: string; readonly from: string }[];
        readonly port: number;
        readonly transport?: { readonly path?: string; readonly containerPort?: number };
        readonly resources?: {
            readonly cpus?: number;
            readonly memory?: string;
            readonly pids?: number;
        };
        readonly volumes?: readonly {
            readonly source: string;
            readonly path: string;
            readonly readOnly?: boolean;
        }[];
        readonly egress?: "none" | readonly string[];
        readonly tools?: {
            readonly allow?: readonly string[];
            readonly deny?: readonly string[];
            readonly hash?: string;
        };
        readonly health?: {
            readonly test?: readonly string[];
            readonly call?: {
                readonly tool: string;
                readonly arguments?: Readonly<Record<string, unknown>>;
            };
            readonly interval?: string;
            readonly timeout?: string;
            readonly retries?: number;
            readonly startPeriod?: string;
        };
        readonly stopGrace?: string;
    };
}

/** Where the schema is: beside the manifests of the project, also when they are read from elsewhere. */
export const SCHEMA_FILE = path.join(__dirname, "..", "manifests", "schema.json");

const SCHEMA = fileSchema<RawManifest>(SCHEMA_FILE);

/** Whether the data has the shape of a manifest (`schemaIssues` finds nothing). */
export function isRawManifest(data: unknown): data is RawManifest {
    return SCHEMA.fits(data);
}

/** What the schema finds wrong, in the order of the schema. */
export const schemaIssues = SCHEMA.issues;
