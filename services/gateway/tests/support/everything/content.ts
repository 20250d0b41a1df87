/** The prompts and resources that the conformance suite asks for. */
import {
    inputRequired,
    ResourceNotFoundError,
    type ServerContext,
} from "@modelcontextprotocol/server";

import { PNG, type Answer, type Args } from "./values.ts";

interface Prompt {
    readonly description: string;
    readonly arguments?: readonly string[];
    readonly get: (args: Args, ctx: ServerContext) => Answer;
}

function said(content: Record<string, unknown>): Answer {
    return { messages: [{ role: "user", content }] };
}

export const PROMPTS: Readonly<Record<string, Prompt>> = {
    test_simple_prompt: {
        description: "Without arguments",
        get: () => said({ type: "text", text: "This is a simple prompt for testing." }),
    },
    test_prompt_with_arguments: {
        description: "With two arguments",
        arguments: ["arg1", "arg2"],
        get: ({ arg1, arg2 }) =>
            said({
                type: "text",
                text: `Prompt with arguments: arg1='${String(arg1)}', arg2='${String(arg2)}'`,
            }),
    },
    test_prompt_with_embedded_resource: {
        description: "With a resource in it",
        arguments: ["resourceUri"],
        get: ({ resourceUri }) =>
            said({
                type: "resource",
                resource: { uri: resourceUri, mimeType: "text/plain", text: "Embedded" },
            }),
    },
    test_prompt_with_image: {
        description: "With an image in it",
        get: () => said({ type: "image", data: PNG, mimeType: "image/png" }),
    },
    test_input_required_result_prompt: {
        description: "Needs an answer first",
        get: (_args, ctx) =>
            ctx.mcpReq.inputResponses?.user_context === undefined
                ? inputRequired({
                      inputRequests: {
                          user_context: inputRequired.elicit({
                              message: "What context should the prompt use?",
                              requestedSchema: {
                                  type: "object",
                                  properties: { context: { type: "string" } },
                                  required: ["context"],
                              },
                          }),
                      },
                  })
                : said({ type: "text", text: "With context" }),
    },
};

interface Resource {
    readonly name: string;
    readonly mimeType: string;
    readonly content: Readonly<Record<string, string>>;
}

export const RESOURCES: Readonly<Record<string, Resource>> = {
    "test://static-text": {
        name: "static-text",
        mimeType: "text/plain",
        content: { text: "This is the content of the static text resource." },
    },
    "test://static-binary": {
        name: "static-binary",
        mimeType: "image/png",
        content: { blob: PNG },
    },
    "test://watched-resource": {
        name: "watched-resource",
        mimeType: "text/plain",
        content: { text: "Watched resource content" },
    },
};

export const TEMPLATE = {
    uriTemplate: "test://template/{id}/data",
    name: "template",
    mimeType: "application/json",
};

/** Reads a resource. Throws for one that is not there. */
export function readResource(uri: string): Answer {
    const resource = RESOURCES[uri];
    if (resource) return { contents: [{ uri, mimeType: resource.mimeType, ...resource.content }] };
    const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri) ?? [];
    if (id === undefined) throw new ResourceNotFoundError(uri);
    const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
    return { contents: [{ uri, mimeType: TEMPLATE.mimeType, text }] };
}
