/** A service that is asked by TLS. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";

import { certificates } from "./support/certificates.ts";
import { check } from "./support/check.ts";
import { Stage } from "./support/stage.ts";

check("protocol https: the same, by TLS with a certificate of the CA", async (t) => {
    const stage = await Stage.set(t);
    const { ca, cert, key } = await certificates();
    const other = await certificates();
    let status = 200;
    const ports: number[] = [];
    for (const pair of [
        { cert, key },
        { cert: other.cert, key: other.key },
    ]) {
        const server = createHttpsServer(pair, (_request, response) => {
            response.writeHead(status).end("{}");
        });
        server.on("tlsClientError", () => undefined).listen(0, "127.0.0.1");
        t.after(() => server.close());
        await once(server, "listening");
        ports.push((server.address() as AddressInfo).port);
    }
    const meta = { protocol: "https", path: "/healthz" };
    for (const [n, id] of ["edge", "impostor"].entries()) {
        stage.register(id, ports[n] ?? 0, { meta });
    }
    stage.report({ tlsCa: ca });
    await stage.status("edge", "passing");
    assert.equal(stage.outputOf("edge"), "answers HTTP");
    await stage.until("reason", () =>
        /^GET \/healthz: certificate is not of/.test(stage.outputOf("impostor")),
    );
    status = 503;
    await stage.status("edge", "critical");
    assert.equal(stage.outputOf("edge"), "GET /healthz: HTTP 503");
});
