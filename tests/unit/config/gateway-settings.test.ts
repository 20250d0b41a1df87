import { gatewayEgress } from "../../../config/gateway-settings";
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
    const { oauthIssuer, oauthAudience } = ADDRESSES;
    expect(() => gateway({ oauthIssuer, oauthAudience })).toThrow(
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

test("what it has to reach outside is what its companion lets through", () => {
    expect(gatewayEgress(gateway({}))).toEqual([]);
    const otlp = { gatewayOtlpEndpoint: "http://otel.example.com:4318" };
    expect(gatewayEgress(gateway({ ...ADDRESSES, ...otlp }))).toEqual([
        "id.example.com:443",
        "otel.example.com:4318",
    ]);
});

test.each([
    ["oauthJwksUri", "http://10.0.0.5:8080/keys", /must name a host with a dot/],
    ["oauthJwksUri", "http://idp:8080/keys", /must name a host with a dot/],
    ["oauthJwksUri", "http://id.example.com/keys", /must be https/],
    ["oauthJwksUri", "https://[::1]/keys", /must name a host with a dot/],
    ["oauthJwksUri", "https://localhost/keys", /oauthJwksUri: /],
    ["gatewayOtlpEndpoint", "https://otel.example.com", /a port other than 80 and 443/],
    ["gatewayOtlpEndpoint", "http://10.0.0.5:4318", /must name a host and a port/],
    ["gatewayOtlpEndpoint", "http://otel:4318", /must name a host and a port/],
    ["gatewayOtlpEndpoint", "http://localhost:4318", /gatewayOtlpEndpoint: /],
])("%s %s is told to be out of its companion's reach", (key, text, words) => {
    expect(() => gateway({ ...ADDRESSES, [key]: text })).toThrow(words);
});
