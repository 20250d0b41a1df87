import { loadSettings, type StackSettings } from "../../../config/settings";

const ADDRESSES = {
    oauthIssuer: "https://id.example.com",
    oauthJwksUri: "https://id.example.com/keys",
    oauthAudience: "http://localhost:10005",
};

function gateway(set: Readonly<Record<string, string>>): StackSettings["gateway"] {
    return loadSettings({ get: (key) => set[key] }, "dev", {}).gateway;
}

test("OAuth is on when its three addresses are set", () => {
    expect(gateway({}).oauth).toBeUndefined();
    expect(gateway(ADDRESSES).oauth).toEqual({
        issuer: "https://id.example.com",
        jwksUri: "https://id.example.com/keys",
        audience: "http://localhost:10005",
        scopes: [],
        clientClaim: "client_id",
    });
});

test("one of them alone is refused with what is missing", () => {
    const { oauthJwksUri: _, ...rest } = ADDRESSES;
    expect(() => gateway(rest)).toThrow(
        "oauthJwksUri: must be set with oauthIssuer, got nothing; " +
            "set it with: pulumi config set oauthJwksUri https://id.example.com/.well-known/jwks.json",
    );
    expect(() => gateway({ oauthScopes: "a b" })).toThrow(
        /oauthIssuer: must be set with oauthScopes/,
    );
});

test.each([
    "ftp://id.example.com",
    "id.example.com",
    "https://user:pw@id.example.com",
    "https://x/?a=b",
])("%s is no address of OAuth or of a collector", (text) => {
    const rule = "must be an http or https URL without user, query and fragment";
    expect(() => gateway({ ...ADDRESSES, oauthIssuer: text })).toThrow(`oauthIssuer: ${rule}`);
    expect(() => gateway({ gatewayOtlpEndpoint: text })).toThrow(`gatewayOtlpEndpoint: ${rule}`);
});

test("spans go to a collector when one is named", () => {
    expect(gateway({}).otlpEndpoint).toBeUndefined();
    const otlpEndpoint = "http://otel.example.com:4318";
    expect(gateway({ gatewayOtlpEndpoint: otlpEndpoint })).toMatchObject({ otlpEndpoint });
});
