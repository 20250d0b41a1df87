import { z } from "zod";

import type { Recorded } from "../../cli/graph/mocks";

const labelled = z.object({ label: z.string(), value: z.string() });

/** The inputs of a container that tests look into. */
const container = z.object({
    name: z.string(),
    image: z.string(),
    envs: z.array(z.string()).default([]),
    labels: z.array(labelled).default([]),
    ports: z
        .array(
            z.object({
                internal: z.number(),
                external: z.number(),
                ip: z.string(),
                protocol: z.string(),
            }),
        )
        .default([]),
    uploads: z
        .array(z.object({ file: z.string(), content: z.string(), permissions: z.string() }))
        .default([]),
    volumes: z
        .array(
            z.object({
                volumeName: z.string(),
                containerPath: z.string(),
                readOnly: z.boolean().optional(),
            }),
        )
        .default([]),
    networksAdvanced: z
        .array(
            z.object({
                name: z.string(),
                ipv4Address: z.string().optional(),
                aliases: z.array(z.string()).optional(),
            }),
        )
        .default([]),
    hosts: z.array(z.object({ host: z.string(), ip: z.string() })).default([]),
    destroyGraceSeconds: z.number().optional(),
    stopTimeout: z.number().optional(),
    healthcheck: z.object({ tests: z.array(z.string()) }).optional(),
});

/** The inputs of a container with their types checked. */
export function containerInputs({ inputs }: Recorded): z.infer<typeof container> {
    return container.parse(inputs);
}

/** Labels of a container, network or volume as a record. */
export function labelsOf({ inputs }: Recorded): Record<string, string> {
    const labels = z.array(labelled).parse(inputs.labels ?? []);
    return Object.fromEntries(labels.map(({ label, value }) => [label, value]));
}

/** The upload to that path; an error that lists the others when there is none. */
export function uploadTo(
    resource: Recorded,
    file: string,
): { readonly content: string; readonly permissions: string } {
    const { uploads } = containerInputs(resource);
    const found = uploads.find((upload) => upload.file === file);
    if (found !== undefined) return found;
    throw new Error(`no upload to ${file}; only ${uploads.map((other) => other.file).join(", ")}`);
}
