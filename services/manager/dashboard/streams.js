/** Answers that do not end: server-sent events, and JSON records one a line. */
import { EventSourceParserStream } from "/vendor/eventsource-parser/stream.js";

/**
 * Server-sent events as they come. EventSource cannot send an Authorization header, so it cannot be used here.
 *
 * @param {Response} response
 * @param {{ silence: number, abort: AbortController }} limit aborts after so many milliseconds without a byte
 * @returns {AsyncGenerator<{ event?: string, data: string }, void, void>}
 */
export async function* readEvents(response, limit) {
    const text = decoded(response).pipeThrough(watchdog(limit));
    yield* values(text.pipeThrough(new EventSourceParserStream()));
}

/**
 * @template Record
 * @param {Response} response
 * @returns {AsyncGenerator<Record, void, void>} one value a line; a line that is no JSON is left out
 */
export async function* readRecords(response) {
    for await (const line of values(decoded(response).pipeThrough(lines()))) {
        try {
            yield /** @type {Record} */ (JSON.parse(line));
        } catch {
            continue; // The last line of a connection that broke in the middle of it.
        }
    }
}

/**
 * @param {Response} response
 * @returns {ReadableStream<string>}
 */
function decoded(response) {
    if (!response.body) throw new TypeError("the answer has no body");
    return response.body.pipeThrough(
        /** @type {ReadableWritablePair<string, Uint8Array<ArrayBuffer>>} */ (
            new TextDecoderStream()
        ),
    );
}

/**
 * @returns {TransformStream<string, string>}
 */
function lines() {
    let rest = "";
    return new TransformStream({
        transform(chunk, controller) {
            const parts = (rest + chunk).split("\n");
            rest = parts.pop() ?? "";
            for (const line of parts) if (line !== "") controller.enqueue(line);
        },
        flush(controller) {
            if (rest !== "") controller.enqueue(rest);
        },
    });
}

/**
 * The manager sends a comment every 15 s, so a silent connection is a dead one, which TCP may not notice for minutes.
 *
 * @param {{ silence: number, abort: AbortController }} limit
 * @returns {TransformStream<string, string>}
 */
function watchdog({ silence, abort }) {
    const start = () => setTimeout(() => abort.abort(), silence);
    let timer = start();
    abort.signal.addEventListener("abort", () => clearTimeout(timer));
    return new TransformStream({
        transform(chunk, controller) {
            clearTimeout(timer);
            timer = start();
            controller.enqueue(chunk);
        },
        flush() {
            clearTimeout(timer);
        },
    });
}

/**
 * @template Value
 * @param {ReadableStream<Value>} stream
 * @returns {AsyncGenerator<Value, void, void>}
 */
async function* values(stream) {
    const reader = stream.getReader();
    try {
        for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            yield value;
        }
    } finally {
        // Cancelling a stream that has failed rejects with the same error, which the reader has thrown already.
        await reader.cancel().catch(() => undefined);
    }
}
