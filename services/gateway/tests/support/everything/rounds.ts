/** Tools that answer `input_required` (2026-07-28) and are called again with what they asked for. */
import {
    CLIENT_CAPABILITIES_META_KEY,
    inputRequired,
    MissingRequiredClientCapabilityError,
    type ClientCapabilities,
    type ServerContext,
} from "@modelcontextprotocol/server";

import { mint, text, type Tool } from "./values.ts";

const ASK_NAME = {
    message: "What is your name?",
    requestedSchema: {
        type: "object" as const,
        properties: { name: { type: "string" as const } },
        required: ["name"],
    },
};

function ask(key: string, message: string): ReturnType<typeof inputRequired.elicit> {
    return inputRequired.elicit({
        message,
        requestedSchema: {
            type: "object",
            properties: { [key]: { type: "string" } },
            required: [key],
        },
    });
}

function sample(
    question: string,
    maxTokens: number,
): ReturnType<typeof inputRequired.createMessage> {
    const content = { type: "text" as const, text: question };
    return inputRequired.createMessage({ messages: [{ role: "user", content }], maxTokens });
}

/** Whether the client has answered with an object that has this member. */
function answered(ctx: ServerContext, key: string, member: string): boolean {
    const answer = ctx.mcpReq.inputResponses?.[key];
    return typeof answer === "object" && answer !== null && member in answer;
}

function capabilitiesOf(ctx: ServerContext): ClientCapabilities | undefined {
    const envelope = ctx.mcpReq.envelope as Record<string, unknown> | undefined;
    return envelope?.[CLIENT_CAPABILITIES_META_KEY] as ClientCapabilities | undefined;
}

export const ROUNDS: Readonly<Record<string, Tool>> = {
    test_input_required_result_elicitation: {
        description: "Needs a name",
        call: (_args, ctx) =>
            answered(ctx, "user_name", "action")
                ? text("Hello!")
                : inputRequired({ inputRequests: { user_name: inputRequired.elicit(ASK_NAME) } }),
    },
    test_streaming_elicitation: {
        description: "Needs a name",
        call: () => inputRequired({ inputRequests: { user_name: inputRequired.elicit(ASK_NAME) } }),
    },
    test_input_required_result_sampling: {
        description: "Needs the client's model",
        call: (_args, ctx) =>
            answered(ctx, "capital_question", "content")
                ? text("The model has answered")
                : inputRequired({
                      inputRequests: {
                          capital_question: sample("What is the capital of France?", 100),
                      },
                  }),
    },
    test_input_required_result_list_roots: {
        description: "Needs the client's roots",
        call: (_args, ctx) =>
            answered(ctx, "client_roots", "roots")
                ? text(`Roots: ${JSON.stringify(ctx.mcpReq.inputResponses?.client_roots)}`)
                : inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } }),
    },
    test_input_required_result_request_state: {
        description: "Keeps its state with the client",
        call: async (_args, ctx) =>
            ctx.mcpReq.requestState<string>() === "state" && answered(ctx, "confirm", "action")
                ? text("state-ok")
                : inputRequired({
                      inputRequests: { confirm: ask("ok", "Please confirm") },
                      requestState: await mint("state"),
                  }),
    },
    test_input_required_result_tampered_state: {
        description: "Keeps its state with the client, sealed",
        call: async () =>
            inputRequired({
                inputRequests: { confirm: ask("ok", "Please confirm") },
                requestState: await mint("sealed"),
            }),
    },
    test_input_required_result_multiple_inputs: {
        description: "Needs three answers at once",
        call: async (_args, ctx) =>
            ["user_name", "greeting", "client_roots"].every(
                (key) => ctx.mcpReq.inputResponses?.[key] !== undefined,
            )
                ? text("All there")
                : inputRequired({
                      inputRequests: {
                          user_name: inputRequired.elicit(ASK_NAME),
                          greeting: sample("Generate a greeting", 50),
                          client_roots: inputRequired.listRoots(),
                      },
                      requestState: await mint("multiple"),
                  }),
    },
    test_input_required_result_multi_round: {
        description: "Needs two answers, one after the other",
        call: async (_args, ctx) => {
            if (answered(ctx, "step2", "action")) return text("Done");
            const [step, question] = answered(ctx, "step1", "action")
                ? ["step2", ask("color", "Step 2: What is your favorite color?")]
                : ["step1", ask("name", "Step 1: What is your name?")];
            return inputRequired({
                inputRequests: { [String(step)]: question },
                requestState: await mint(`before ${String(step)}`),
            });
        },
    },
    test_input_required_result_capabilities: {
        description: "Asks only for what the client can do",
        call: (_args, ctx) => {
            const can = capabilitiesOf(ctx);
            const inputRequests = {
                ...(can?.sampling && { greeting: sample("Generate a greeting", 50) }),
                ...(can?.elicitation && { user_name: inputRequired.elicit(ASK_NAME) }),
            };
            return Object.keys(inputRequests).length > 0
                ? inputRequired({ inputRequests })
                : text("Nothing to ask");
        },
    },
    test_missing_capability: {
        description: "Cannot do without the client's model",
        call: (_args, ctx) => {
            const can = capabilitiesOf(ctx);
            if (can?.sampling) return text("It can");
            throw new MissingRequiredClientCapabilityError({
                requiredCapabilities: { sampling: {} },
            });
        },
    },
};
