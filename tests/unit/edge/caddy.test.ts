import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";

import { EDGE_SECONDS } from "../../../config/edge/model";
import { testAuthority, type KeyPair } from "../../support/certificates";
import { ORIGINS } from "../../support/edge/cases";
import { send, stream } from "../../support/edge/client";
import { edgeSuite } from "../../support/edge/suite";

import { startCaddy, type CaddyUnderTest } from "./caddy-process";
import { planOf } from "./plans";

const found = spawnSync("caddy", ["version"]).status === 0;
const real: typeof describe = found ? describe : describe.skip;
const needs = found ? "" : " (needs caddy)";

jest.setTimeout(60_000);

const plan = planOf({ bodyBytes: 65_536, allowedOrigins: ORIGINS });
const LOCAL = [
    { type: "ip", value: "127.0.0.1" },
    { type: "dns", value: "localhost" },
] as const;

async function issued(): Promise<{ certificate: KeyPair & { readonly ca: string } }> {
    const authority = await testAuthority();
    return { certificate: { ...(await authority.issue(LOCAL)), ca: authority.cert } };
}

real(`Caddy${needs}`, () => {
    edgeSuite(plan, () => startCaddy(plan));
});

real(`Caddy with a certificate${needs}`, () => {
    const withTls = planOf({ bodyBytes: 65_536, allowedOrigins: ORIGINS, tls: "given" });
    edgeSuite(withTls, async () => startCaddy(withTls, await issued()));
});

real(`beside the door${needs}`, () => {
    let caddy: CaddyUnderTest;
    beforeAll(async () => {
        caddy = await startCaddy(planOf({ tls: "internal-ca" }), await issued());
    });
    afterAll(async () => {
        await caddy?.close();
        await caddy?.gateway.close();
    });

    test("nothing listens but the door and, on loopback, the state: there is no admin API", () => {
        const port = (url: string): string => new URL(url).port;
        expect(caddy.listening()).toEqual([
            `*:${port(caddy.base)}`,
            `127.0.0.1:${port(caddy.status)}`,
        ]);
    });

    test("the state says ready, and counts requests", async () => {
        const status = { base: caddy.status };
        expect(await send(status, { method: "GET", path: "/status/ready" })).toMatchObject({
            status: 200,
            body: "ready",
        });
        const { body } = await send(status, { method: "GET", path: "/metrics" });
        expect(body).toContain("caddy_http_requests_total");
    });

    test("plain HTTP is refused where TLS is spoken", async () => {
        caddy.gateway.take();
        const plain = { base: caddy.base.replace("https:", "http:") };
        expect((await send(plain, { method: "GET", path: "/mcp" })).status).toBe(400);
        expect(caddy.gateway.take()).toEqual([]);
    });

    test("a client of another authority does not connect", async () => {
        const other = { base: caddy.base, ca: (await testAuthority()).cert };
        await expect(send(other, { method: "GET", path: "/mcp" })).rejects.toThrow(/certificate/);
    });

    test("without a list of origins no CORS header is the edge's own", async () => {
        const headers = { origin: "https://a.example", "access-control-request-method": "POST" };
        const answer = await send(caddy, { method: "OPTIONS", path: "/mcp", headers });
        expect(answer.status).toBe(405);
        expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-"))).toEqual(
            [],
        );
    });
});

real(`a stream${needs}`, () => {
    let caddy: CaddyUnderTest;
    beforeAll(async () => {
        const edit = (caddyfile: string): string =>
            caddyfile.replace(`read_body ${EDGE_SECONDS.readBody}s`, "read_body 1s");
        caddy = await startCaddy(planOf(), { edit });
    });
    afterAll(async () => {
        await caddy?.close();
        await caddy?.gateway.close();
    });

    test("outlives the time in which a request has to be read", async () => {
        const headers = { accept: "text/event-stream" };
        const events = await stream(caddy, { method: "POST", path: "/mcp", headers, bytes: 2 });
        expect(await events.next()).toBe("data: first\n\n");
        await new Promise((resolve) => setTimeout(resolve, 3_000));
        caddy.gateway.emit("late");
        expect(await events.next()).toBe("data: late\n\n");
        caddy.gateway.end();
    });

    test("is no excuse: a request that is not sent in that time is broken off", async () => {
        caddy.gateway.take();
        const socket = connect(Number(new URL(caddy.base).port), "127.0.0.1");
        socket.write("POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nhalf");
        await once(socket.resume(), "close");
        expect(caddy.gateway.take()).toEqual([]);
    });
});
