/** Servers made from a manifest that comes through the API, and their manifests given back. */
import { validatorCompiler, type FastifyPluginCallbackZod } from "fastify-type-provider-zod";
import { stringify } from "yaml";
import { z } from "zod";

import { LABELS } from "../../../../../config/defaults.ts";
import { readYaml } from "../../../../../config/yaml-document.ts";
import { readManifest } from "../../servers/manifest-text.ts";
import type { ApiContext } from "../context.ts";
import { ApiError } from "../errors.ts";
import { containerName, errors, manifestBody, outcome, waitSeconds } from "../schemas.ts";

const YAML = "application/yaml";

export const manifestRoutes: FastifyPluginCallbackZod<ApiContext> = (app, context, done) => {
    const { lifecycle, fleet, daemon } = context;
    // As text in both cases: one parser, with its limits on depth and repetition, and with places in its problems.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
        ["application/json", YAML, "application/x-yaml", "text/yaml"],
        { parseAs: "string" },
        (_request, body, done) => done(null, body),
    );
    app.post(
        "/containers",
        {
            config: { access: "operate" },
            // The body is checked by the project's own rules, which tell every problem with its place.
            validatorCompiler: (route) =>
                route.httpPart === "body"
                    ? (value: unknown) => ({ value })
                    : validatorCompiler(route as never),
            schema: {
                summary: "Make a server from a manifest (JSON, or YAML as application/yaml)",
                querystring: z.object({ wait: waitSeconds(60) }),
                body: manifestBody,
                consumes: ["application/json", YAML],
                response: { 201: outcome, ...errors },
            },
        },
        async ({ body, headers, query: { wait } }, reply) => {
            const text = body as unknown as string | null | undefined;
            if (!text) {
                throw new ApiError(400, "no-manifest", "the request has no body", {
                    remedy: "send a manifest as application/yaml or application/json",
                });
            }
            const received = readManifest(text, lifecycle.imageNames);
            const json = headers["content-type"]?.startsWith("application/json") === true;
            const kept = json ? stringify(readYaml(text).data) : text;
            const made = await lifecycle.create({ ...received, text: kept }, wait);
            return reply.code(201).header("location", `/containers/${made.name}`).send(made);
        },
    );
    app.get(
        "/containers/:name/manifest",
        {
            schema: {
                summary: "The manifest of a server that was made through this API",
                params: z.object({ name: containerName }),
                response: {
                    200: {
                        description: "The manifest, YAML",
                        content: { [YAML]: { schema: manifestBody } },
                    },
                    ...errors,
                },
            },
        },
        async ({ params: { name } }, reply) => {
            const view = fleet.snapshot.containers.find((one) => one.name === name);
            if (!view) throw ApiError.noContainer(name);
            if (view.origin !== "api") {
                throw new ApiError(409, "not-made-here", `${name} was not made through this API`, {
                    remedy: view.manifestFile
                        ? `its manifest is ${view.manifestFile}`
                        : "it has none",
                });
            }
            const info = await daemon.call((docker, abort) =>
                docker.getContainer(view.id).inspect(abort),
            );
            const text = info.Config.Labels[LABELS.manifest] ?? "";
            return reply
                .type(YAML)
                .serializer(String)
                .send(text as never);
        },
    );
    done();
};
