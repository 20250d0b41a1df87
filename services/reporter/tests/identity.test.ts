/** Who the reporter is, is told to the gateway alone. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { probeFor } from "../src/probe.ts";
import { SettingsError, readSettings } from "../src/settings.ts";
import { check } from "./support/check.ts";

check("a service that names another place is asked without the token", async (t) => {
    const seen: (string | undefined)[] = [];
    const server = createServer((req, res) => {
        seen.push(req.headers.authorization);
        res.writeHead(404).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const service = {
        ...{ id: "x", name: "x", address: "127.0.0.1", port, checkStatus: undefined },
        meta: { protocol: "mcp", path: "/servers/x/mcp" },
    } as unknown as Parameters<typeof probeFor>[0];
    for (const at of ["10.89.0.2:8090", `127.0.0.1:${port}`]) {
        seen.length = 0;
        const probe = probeFor(service, { mcpIdentity: { token: "secret", at } });
        await assert.rejects(probe.run(AbortSignal.timeout(5_000)));
        await probe.close();
        const expected = at.endsWith(String(port)) ? "Bearer secret" : undefined;
        assert.ok(seen.length > 0);
        assert.deepEqual([...new Set(seen)], [expected]);
    }
});

check("a token without the place that may see it is refused", () => {
    const env = {
        REPORTER_CONSUL_URL: "http://10.89.0.5:8500",
        REPORTER_NODE: "n",
        REPORTER_SERVICE: "mcp-reporter",
        REPORTER_ADDRESS: "10.89.0.7",
        REPORTER_MCP_TOKEN_FILE: "/token",
    };
    assert.throws(
        () => readSettings(env, () => "secret"),
        (error) => error instanceof SettingsError && /REPORTER_MCP_TOKEN_AT/.test(error.message),
    );
});
