/** The tools that the conformance suite asks for, and a few that the gateway's own tests need. */
import { setTimeout as sleep } from "node:timers/promises";

import type { ServerContext } from "@modelcontextprotocol/server";

import { ROUNDS } from "./rounds.ts";
import { ELICITATION_DEFAULTS, ELICITATION_ENUMS, JSON_SCHEMA_2020_12 } from "./schemas.ts";
import { PNG, text, WAV, type Answer, type Tool } from "./values.ts";

function argument(name: string): Readonly<Record<string, unknown>> {
    return { type: "object", properties: { [name]: { type: "string" } }, required: [name] };
}

async function elicit(ctx: ServerContext, message: string, schema: unknown): Promise<Answer> {
    const params = { message, requestedSchema: schema };
    const result = await ctx.mcpReq.send({ method: "elicitation/create", params });
    const content = JSON.stringify("content" in result ? result.content : {});
    return text(`Elicitation completed: action=${String(result.action)}, content=${content}`);
}

/** What is called by server-to-client request in the 2025 revisions. */
const ASKING: Readonly<Record<string, Tool>> = {
    test_sampling: {
        description: "Asks the client's model",
        inputSchema: argument("prompt"),
        call: async ({ prompt }, ctx) => {
            const content = { type: "text" as const, text: String(prompt) };
            const messages = [{ role: "user" as const, content }];
            const result = await ctx.mcpReq.requestSampling({ messages, maxTokens: 100 });
            const [first] = [result.content].flat();
            return text(`LLM response: ${first?.type === "text" ? first.text : ""}`);
        },
    },
    test_elicitation: {
        description: "Asks the client's user",
        inputSchema: argument("message"),
        call: async ({ message }, ctx) => {
            const properties = { response: { type: "string" } };
            const schema = { type: "object", properties, required: ["response"] };
            return elicit(ctx, String(message), schema);
        },
    },
    test_elicitation_sep1034_defaults: {
        description: "Asks with default values",
        call: (_args, ctx) => elicit(ctx, "Please review the defaults", ELICITATION_DEFAULTS),
    },
    test_elicitation_sep1330_enums: {
        description: "Asks with enumerations",
        call: (_args, ctx) => elicit(ctx, "Please select", ELICITATION_ENUMS),
    },
};

/** What answers at once, or as it goes. */
const PLAIN: Readonly<Record<string, Tool>> = {
    test_simple_text: {
        description: "Answers with text",
        call: () => text("This is a simple text response for testing."),
    },
    test_image_content: {
        description: "Answers with an image",
        call: () => ({ content: [{ type: "image", data: PNG, mimeType: "image/png" }] }),
    },
    test_audio_content: {
        description: "Answers with sound",
        call: () => ({ content: [{ type: "audio", data: WAV, mimeType: "audio/wav" }] }),
    },
    test_embedded_resource: {
        description: "Answers with a resource",
        call: () => ({ content: [embedded("test://embedded-resource", "text/plain", "Embedded")] }),
    },
    test_multiple_content_types: {
        description: "Answers with three kinds of content",
        call: () => ({
            content: [
                { type: "text", text: "Multiple content types test:" },
                { type: "image", data: PNG, mimeType: "image/png" },
                embedded("test://mixed-content-resource", "application/json", '{"test":"data"}'),
            ],
        }),
    },
    test_tool_with_logging: {
        description: "Logs as it goes",
        call: async (_args, ctx) => {
            for (const data of [
                "Tool execution started",
                "Tool processing data",
                "Tool execution completed",
            ]) {
                await ctx.mcpReq.log("info", data);
                await sleep(50);
            }
            return text("Logged");
        },
    },
    test_logging_tool: {
        description: "Logs if it is asked to",
        call: async (_args, ctx) => {
            await ctx.mcpReq.log("info", "logged");
            return text("Logged if asked");
        },
    },
    test_tool_with_progress: {
        description: "Tells how far it is",
        call: async (_args, ctx) => {
            const progressToken = ctx.mcpReq._meta?.progressToken;
            for (const progress of [0, 50, 100]) {
                if (progressToken !== undefined) {
                    const params = { progressToken, progress, total: 100 };
                    await ctx.mcpReq.notify({ method: "notifications/progress", params });
                }
                await sleep(50);
            }
            return text(String(progressToken));
        },
    },
    test_error_handling: {
        description: "Fails",
        call: () => ({
            ...text("This tool intentionally returns an error for testing"),
            isError: true,
        }),
    },
    test_reconnection: {
        description: "Lets go of its stream before it answers",
        call: async (_args, ctx) => {
            ctx.http?.closeSSE?.();
            await sleep(100);
            return text("Reconnected");
        },
    },
    json_schema_2020_12_tool: {
        description: "Tool with JSON Schema 2020-12 features",
        inputSchema: JSON_SCHEMA_2020_12,
        call: (args) => text(JSON.stringify(args)),
    },
    test_trigger_tool_change: {
        description: "Says that the tools have changed",
        call: (_args, _ctx, notify) => {
            notify.toolsChanged();
            return text("Said");
        },
    },
    test_trigger_prompt_change: {
        description: "Says that the prompts have changed",
        call: (_args, _ctx, notify) => {
            notify.promptsChanged();
            return text("Said");
        },
    },
    wait: {
        description: "Says that it has begun, answers after some milliseconds unless cancelled",
        inputSchema: { type: "object", properties: { ms: { type: "number" } } },
        call: async ({ ms }, ctx) => {
            const progressToken = ctx.mcpReq._meta?.progressToken;
            if (progressToken !== undefined) {
                const params = { progressToken, progress: 0 };
                await ctx.mcpReq.notify({ method: "notifications/progress", params });
            }
            await sleep(Number(ms), undefined, { signal: ctx.mcpReq.signal });
            return text("waited");
        },
    },
    echo: {
        description: "Answers with its arguments",
        inputSchema: { type: "object", properties: { value: {} } },
        call: (args) => text(JSON.stringify(args)),
    },
    link: {
        description: "Answers with a link to a resource",
        call: () => ({
            content: [{ type: "resource_link", uri: "test://static-text", name: "static" }],
        }),
    },
};

function embedded(uri: string, mimeType: string, content: string): Record<string, unknown> {
    return { type: "resource", resource: { uri, mimeType, text: content } };
}

export const TOOLS: Readonly<Record<string, Tool>> = { ...PLAIN, ...ASKING, ...ROUNDS };
