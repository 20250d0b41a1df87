/** How well a server is, as one word, one tone and one reason. */

/** @import { ContainerView } from "../src/model.ts" */

/**
 * @typedef {"good" | "wait" | "bad" | "idle"} Tone
 * @typedef {{ word: string, tone: Tone }} Condition
 */

/**
 * @param {ContainerView} container
 * @returns {Condition} Docker's state where the container does not run, else Docker's health
 */
export function condition(container) {
    if (container.state === "restarting") return { word: "restarting", tone: "wait" };
    if (container.state !== "running") return { word: container.state, tone: "bad" };
    switch (container.health) {
        case "healthy":
            return { word: "healthy", tone: "good" };
        case "unhealthy":
            return { word: "unhealthy", tone: "bad" };
        case "starting":
            return { word: "starting", tone: "wait" };
        case "none":
            return { word: "no check", tone: "idle" };
    }
}

/**
 * @param {ContainerView} container
 * @returns {string | undefined} why somebody should look at it; undefined when all is well
 */
export function problem(container) {
    const { word, tone } = condition(container);
    if (tone === "bad" || tone === "wait") return word;
    if (container.mcp?.up === false) return container.mcp.reason ?? "no answer";
    return undefined;
}
