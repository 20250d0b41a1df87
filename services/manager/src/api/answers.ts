/** Gives every error the one shape, and every path and method that do not exist an answer. */
import { STATUS_CODES } from "node:http";
import type { FastifyError, FastifyInstance, HTTPMethods } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";

import { ApiError, daemonAnswer } from "./errors.ts";

/** Fastify's own refusals, with what to do about them. */
const REMEDIES: Readonly<Record<number, string>> = {
    400: "see GET /openapi.json",
    413: "send less",
    415: "send application/json or application/yaml",
};

/** Sets how errors are answered. */
export function answerErrors(app: FastifyInstance): void {
    app.setErrorHandler((error: FastifyError, request, reply) => {
        const answer = answerTo(error);
        if (answer.status >= 500) {
            const known = error instanceof ApiError || daemonAnswer(error) !== undefined;
            const what = { requestId: request.id, code: answer.code, detail: answer.message };
            request.log.error(known ? what : { ...what, err: error }, "request failed");
        }
        return reply.code(answer.status).headers(answer.headers).send({
            error: answer.code,
            detail: answer.message,
            remedy: answer.remedy,
            requestId: request.id,
        });
    });
}

/**
 * Answers what no route does, with 404.
 *
 * @returns to be called when all routes are there: answers every other method of their paths with 405
 */
export function answerUnknown(app: FastifyInstance): () => void {
    const methods = new Map<string, Set<string>>();
    app.addHook("onRoute", ({ url, method }) => {
        const known = methods.get(url) ?? new Set();
        for (const one of [method].flat()) known.add(one);
        methods.set(url, known);
    });
    app.setNotFoundHandler(() => {
        throw new ApiError(404, "no-such-path", "there is nothing at this path", {
            remedy: "GET /openapi.json lists what there is",
        });
    });
    return () => {
        for (const [url, allowed] of new Map(methods)) refuse(app, url, [...allowed]);
    };
}

function refuse(app: FastifyInstance, url: string, allowed: readonly string[]): void {
    const allow = allowed.join(", ");
    const refusal = new ApiError(405, "method-not-allowed", "this path has no such method", {
        remedy: `use ${allow}`,
        headers: { allow },
    });
    const method = app.supportedMethods.filter((one) => !allowed.includes(one)) as HTTPMethods[];
    app.route({
        ...{ url, method, schema: { hide: true } },
        // Before the body: what a method wants of it does not matter here.
        onRequest: (_request, _reply, done) => done(refusal),
        handler: () => undefined,
    });
}

function answerTo(error: FastifyError): ApiError {
    if (error instanceof ApiError) return error;
    const ofDaemon = daemonAnswer(error);
    if (ofDaemon) return ofDaemon;
    if (hasZodFastifySchemaValidationErrors(error)) {
        const detail = error.validation
            .map(
                ({ instancePath, message }) =>
                    `${error.validationContext} ${instancePath.slice(1)}: ${message}`,
            )
            .join("\n");
        return new ApiError(400, "invalid-request", detail, { remedy: "see GET /openapi.json" });
    }
    const status = error.statusCode ?? 500;
    if (status >= 400 && status < 500) {
        const code = (STATUS_CODES[status] ?? "refused").toLowerCase().replaceAll(" ", "-");
        return new ApiError(status, code, error.message, {
            remedy: REMEDIES[status] ?? "see GET /openapi.json",
        });
    }
    return new ApiError(500, "defect", "the manager failed at this request", {
        remedy: "its log has more under this requestId",
    });
}
