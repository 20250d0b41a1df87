import { askConsul, ConsulRefusal } from "../../../cli/consul/client";
import { testAuthority, type TestAuthority } from "../../support/certificates";
import { fakeConsul, type Answer, type FakeConsul } from "../../support/fake-consul";

const TOKEN = "11111111-2222-3333-4444-555555555555";

let fake: FakeConsul | undefined;
afterEach(() => fake?.close());

async function consul(answer: Answer, ...tls: Parameters<typeof fakeConsul>[1][]) {
    fake = await fakeConsul(answer, ...tls);
    return fake;
}

const ok: Answer = () => ({ status: 200, body: { fine: true } });

test("asks with the token and the body, and gives what is answered", async () => {
    const { url, asked } = await consul(ok);
    const answer = await askConsul({ url, token: TOKEN }, "PUT", "/v1/x", { a: 1 });
    expect(answer).toEqual({ fine: true });
    expect(asked).toEqual([{ method: "PUT", path: "/v1/x", token: TOKEN, body: { a: 1 } }]);
});

test("without a token it sends none, and an empty answer is nothing", async () => {
    const { url, asked } = await consul(() => ({ status: 200, body: "" }));
    expect(await askConsul({ url }, "GET", "/v1/x")).toBeNull();
    expect(asked[0]?.token).toBeUndefined();
});

test("a refusal says what was asked and why, and never the token", async () => {
    const { url } = await consul(() => ({ status: 403, body: "Permission denied\nmore" }));
    const refused = askConsul({ url, token: TOKEN }, "GET", "/v1/acl/tokens");
    const error = await refused.catch((thrown: unknown) => thrown as ConsulRefusal);
    expect(error).toBeInstanceOf(ConsulRefusal);
    expect(error).toMatchObject({
        status: 403,
        message: "Consul: GET /v1/acl/tokens: 403 Permission denied",
    });
    expect(JSON.stringify(error)).not.toContain(TOKEN);
});

test("what is no Consul is named", async () => {
    const { url } = await consul(() => ({ status: 200, body: "<html>" }));
    await expect(askConsul({ url }, "GET", "/")).rejects.toThrow(
        `${url} does not answer as Consul`,
    );
});

test("nobody there, and a connection that breaks, are an error with the address", async () => {
    const { url } = await consul(() => undefined);
    await expect(askConsul({ url }, "GET", "/")).rejects.toThrow(
        `Consul at ${url} does not answer (ECONNRESET)`,
    );
    const gone = "http://127.0.0.1:1";
    await expect(askConsul({ url: gone }, "GET", "/")).rejects.toThrow(
        `Consul at ${gone} does not answer (ECONNREFUSED)`,
    );
});

describe("TLS", () => {
    let authority: TestAuthority;
    beforeAll(async () => {
        authority = await testAuthority();
    });

    test("a certificate of the given authority is accepted", async () => {
        const { url } = await consul(
            ok,
            await authority.issue([{ type: "ip", value: "127.0.0.1" }]),
        );
        expect(await askConsul({ url, ca: authority.cert }, "GET", "/")).toEqual({ fine: true });
    });

    test("one of another authority, of another name, or without any given is not", async () => {
        const { url } = await consul(ok, await authority.issue([{ type: "dns", value: "other" }]));
        const other = await testAuthority();
        for (const target of [{ url }, { url, ca: other.cert }, { url, ca: authority.cert }]) {
            await expect(askConsul(target, "GET", "/")).rejects.toThrow("does not answer");
        }
        expect(fake?.asked).toEqual([]);
    });
});
