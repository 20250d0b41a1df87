/** The gateway as an OAuth 2.1 resource server. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import { generateKeyPair } from "jose";

import { Authority } from "./support/authority.ts";
import { check } from "./support/check.ts";
import { post, raw } from "./support/clients.ts";
import { Everything } from "./support/everything/server.ts";
import { Gateway, type Json } from "./support/gateway.ts";

async function stage(t: TestContext, clients: Json[], settings: Json): Promise<Gateway> {
    const everything = await Everything.start();
    t.after(() => everything.close());
    const servers = ["one", "two"].map((name) => ({ name, url: everything.origin }));
    return Gateway.ready(t, { servers, clients, settings });
}

const ECHO = { name: "echo", arguments: { value: "v" } };

check(
    "OAuth: metadata leads to the issuer, and only its good tokens for this gateway pass",
    async (t) => {
        const authority = await Authority.start();
        t.after(() => authority.close());
        const audience = "https://gateway.example";
        const oauth = {
            issuer: authority.issuer,
            jwksUri: `${authority.issuer}/jwks`,
            audience,
            scopes: ["mcp:tools"],
        };
        const gateway = await stage(
            t,
            [{ name: "agent", oauthClient: "client-1", servers: ["one"] }],
            { oauth },
        );
        const call = (token?: string): ReturnType<typeof post> =>
            post(gateway.url("one"), "tools/call", ECHO, { token });
        const none = await call();
        assert.equal(none.status, 401);
        const [, link] =
            /resource_metadata="([^"]+)"/.exec(String(none.headers["www-authenticate"])) ?? [];
        assert.equal(link, `${audience}/.well-known/oauth-protected-resource/servers/one/mcp`);
        const metadata = await raw(`${gateway.origin}${new URL(String(link)).pathname}`);
        assert.deepEqual(JSON.parse(metadata.body), {
            resource: `${audience}/servers/one/mcp`,
            authorization_servers: [authority.issuer],
            bearer_methods_supported: ["header"],
            scopes_supported: ["mcp:tools"],
        });
        const good = { aud: audience, client_id: "client-1", scope: "mcp:tools other" };
        assert.equal((await call(await authority.token(good))).status, 200);
        const own = { ...good, aud: `${audience}/servers/one/mcp` };
        assert.equal((await call(await authority.token(own))).status, 200);
        const { privateKey } = await generateKeyPair("ES256");
        const bad: Record<string, string> = {
            "another audience": await authority.token({ ...good, aud: "https://other.example" }),
            "another resource": await authority.token({
                ...good,
                aud: `${audience}/servers/two/mcp`,
            }),
            "no audience": await authority.token({ ...good, aud: undefined }),
            "another issuer": await authority.token({ ...good, iss: "https://evil.example" }),
            expired: await authority.token(good, "-5m"),
            "another key": await authority.token(good, "5m", privateKey),
            "no signature": `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(
                JSON.stringify({ ...good, iss: authority.issuer, exp: Date.now() }),
            ).toString("base64url")}.`,
        };
        for (const [what, token] of Object.entries(bad)) {
            const { status, headers } = await call(token);
            assert.equal(status, 401, what);
            assert.match(String(headers["www-authenticate"]), /resource_metadata=/, what);
        }
        const narrow = await call(await authority.token({ ...good, scope: "other" }));
        assert.equal(narrow.status, 403);
        assert.match(String(narrow.headers["www-authenticate"]), /insufficient_scope/);
        const stranger = await call(await authority.token({ ...good, client_id: "client-2" }));
        assert.equal(stranger.status, 403);
        assert.ok(authority.fetched <= 2, `${authority.fetched} requests for the keys`);
    },
);

check("OAuth: keys that cannot be had are no reason to call a token wrong", async (t) => {
    const authority = await Authority.start();
    const oauth = {
        issuer: authority.issuer,
        jwksUri: `${authority.issuer}/jwks`,
        audience: "https://gateway.example",
    };
    const gateway = await stage(t, [{ name: "agent", oauthClient: "c", servers: ["*"] }], {
        oauth,
    });
    const token = await authority.token({ aud: oauth.audience, client_id: "c" });
    await authority.close();
    const { status, headers } = await post(gateway.url("one"), "tools/call", ECHO, { token });
    assert.equal(status, 503);
    assert.equal(headers["retry-after"], "5");
});

check("keys are fetched through the proxy when there is one", async (t) => {
    const authority = await Authority.start();
    t.after(() => authority.close());
    const asked: string[] = [];
    // It alone knows where the name leads.
    const proxy = createServer((req, res) => {
        asked.push(String(req.url));
        void fetch(`${authority.issuer}/jwks`)
            .then((answer) => answer.text())
            .then((text) => res.end(text));
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    t.after(() => proxy.close());
    const { port } = proxy.address() as AddressInfo;
    const oauth = {
        issuer: authority.issuer,
        jwksUri: "http://keys.invalid/jwks",
        audience: "https://gateway.example",
        proxyUrl: `http://127.0.0.1:${port}`,
    };
    const gateway = await stage(t, [{ name: "agent", oauthClient: "c", servers: ["*"] }], {
        oauth,
    });
    const token = await authority.token({ aud: oauth.audience, client_id: "c" });
    const { status } = await post(gateway.url("one"), "tools/call", ECHO, { token });
    assert.deepEqual([status, asked], [200, ["http://keys.invalid/jwks"]]);
});
