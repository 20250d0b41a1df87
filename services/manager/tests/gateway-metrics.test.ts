import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { gatewayMetrics } from "../src/metrics/index.ts";
import { timed } from "./support/timed.ts";

/** What the gateway gives at the moment. */
let answer: { status: number; text: string } | "nothing" = { status: 200, text: "" };
const gateway = createServer((_request, response) => {
    if (answer === "nothing") return;
    response.writeHead(answer.status).end(answer.text);
});

timed("calls are handed on as the gateway counts them, its process is not", async (t) => {
    gateway.listen(0, "127.0.0.1");
    await once(gateway, "listening");
    t.after(() => {
        gateway.close();
        gateway.closeAllConnections();
    });
    const url = new URL(`http://127.0.0.1:${(gateway.address() as AddressInfo).port}`);
    const family = [
        "# HELP mcp_gateway_calls_total Calls by how they ended",
        "# TYPE mcp_gateway_calls_total counter",
        'mcp_gateway_calls_total{client="local",server="files-mcp",tool="read_file",outcome="ok"} 3',
    ];
    const text = [...family, "process_resident_memory_bytes 1", ""].join("\n");
    answer = { status: 200, text };
    const lines = (await gatewayMetrics(url)).split("\n");
    assert.deepEqual(lines.slice(3), [...family, ""]);
    assert.equal(lines[2], "mcp_gateway_up 1");

    for (const broken of [
        { status: 500, text },
        { status: 200, text: "x".repeat(9 * 1024 * 1024) },
        "nothing" as const,
    ]) {
        answer = broken;
        const told = await gatewayMetrics(url);
        assert.deepEqual(told.split("\n").slice(2), ["mcp_gateway_up 0", ""]);
    }
});
