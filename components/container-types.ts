import type * as pulumi from "@pulumi/pulumi";

export type { HealthCheck, PublishedPort } from "../config/container";

/** A file put into a container at creation. */
export interface Upload {
    readonly file: string;
    readonly content: pulumi.Input<string>;
    /** Octal file mode, such as "0400". The owner is always root. */
    readonly permissions: string;
}

/** A file for `uploads`, in one line. */
export function upload(file: string, content: pulumi.Input<string>, permissions: string): Upload {
    return { file, content, permissions };
}

/** Seconds in the form the provider reads back (`1m30s`, never `90s`): any other form is a diff for ever. */
export function goDuration(seconds: number): string {
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    const rest = seconds % 60;
    if (hours > 0) return `${String(hours)}h${String(minutes)}m${String(rest)}s`;
    if (minutes > 0) return `${String(minutes)}m${String(rest)}s`;
    return `${String(rest)}s`;
}
