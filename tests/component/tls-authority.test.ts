import { TlsAuthority } from "../../components/tls-authority";
import { mockPrivateKey } from "../../cli/graph/mock-outputs";
import { onHost, stackContext } from "../support/fixtures";
import {
    isSecret,
    isSecretInput,
    startMocks,
    valueOf,
    type Recorded,
    type Recorder,
} from "../../cli/graph/mocks";

const HOURS_IN_398_DAYS = 398 * 24;

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

async function authority(config: Record<string, string> = {}): Promise<TlsAuthority> {
    const made = new TlsAuthority("tls", stackContext(config), onHost());
    await recorder.settle();
    return made;
}

const leaf = (kind: string): Recorded => recorder.one("LocallySignedCert", `tls-${kind}`);

test("is a CA and two leaves, each with a key of its own", async () => {
    await authority();
    expect(recorder.below("tls")).toEqual([
        "tls:index/certRequest:CertRequest tls-client-request",
        "tls:index/certRequest:CertRequest tls-server-request",
        "tls:index/locallySignedCert:LocallySignedCert tls-client",
        "tls:index/locallySignedCert:LocallySignedCert tls-server",
        "tls:index/privateKey:PrivateKey tls-ca-key",
        "tls:index/privateKey:PrivateKey tls-client-key",
        "tls:index/privateKey:PrivateKey tls-server-key",
        "tls:index/selfSignedCert:SelfSignedCert tls-ca",
    ]);
});

test("the edge has a leaf where the stack says so, for every name and address that clients use", async () => {
    const made = await authority({
        edgeTls: "own",
        edgeHosts: "mcp.example.com",
        edgeBindAddress: "192.0.2.1",
        namePrefix: "team-",
    });
    expect(recorder.one("CertRequest", "tls-edge-request").inputs).toMatchObject({
        dnsNames: [
            ...["localhost", "team-sutazai-mcp-edge", "team-mcp-edge.service.consul"],
            "mcp.example.com",
        ],
        ipAddresses: ["127.0.0.1", "192.0.2.1", "10.89.0.6"],
    });
    expect(leaf("edge").inputs).toMatchObject({
        allowedUses: ["digital_signature", "server_auth"],
        validityPeriodHours: 365 * 24,
    });
    if (made.edge === undefined) throw new Error("the edge has no leaf");
    expect(await isSecret(made.edge.key)).toBe(true);
    expect((await authority()).edge).toBeUndefined();
});

test("published on every address, the edge's leaf names none that is no address", async () => {
    await authority({ edgeTls: "own", edgeBindAddress: "0.0.0.0" });
    expect(recorder.one("CertRequest", "tls-edge-request").inputs.ipAddresses).toEqual([
        "127.0.0.1",
        "10.89.0.6",
    ]);
});

test("all keys are ECDSA P-256", async () => {
    await authority();
    for (const { inputs } of recorder.ofKind("PrivateKey")) {
        expect(inputs).toEqual({ algorithm: "ECDSA", ecdsaCurve: "P256" });
    }
});

test("the CA may sign, the leaves may only serve or ask, and none renews by the clock", async () => {
    await authority();
    expect(recorder.one("SelfSignedCert", "tls-ca").inputs).toMatchObject({
        isCaCertificate: true,
        validityPeriodHours: 3650 * 24,
        allowedUses: ["cert_signing", "crl_signing"],
        earlyRenewalHours: 0,
    });
    for (const kind of ["server", "client"]) {
        expect(leaf(kind).inputs).toMatchObject({
            allowedUses: ["digital_signature", `${kind}_auth`],
            earlyRenewalHours: 0,
        });
        expect(leaf(kind).inputs).not.toHaveProperty("isCaCertificate");
    }
});

test.each([undefined, "30", "398"])("with leafDays %p leaves live up to 398 days", async (days) => {
    await authority(days === undefined ? {} : { leafDays: days });
    for (const kind of ["server", "client"]) {
        const hours = Number(leaf(kind).inputs.validityPeriodHours);
        expect(hours).toBe(Number(days ?? "365") * 24);
        expect(hours).toBeLessThanOrEqual(HOURS_IN_398_DAYS);
    }
});

test("more than 398 days are refused before the authority is made", () => {
    expect(() => stackContext({ leafDays: "399" })).toThrow(/leafDays: .* from 1 to 398/);
});

test("both leaves are signed by the CA, which sees their requests and not their keys", async () => {
    await authority();
    const caKey = mockPrivateKey("tls-ca-key");
    expect(recorder.one("SelfSignedCert", "tls-ca").inputs.privateKeyPem).toBe(caKey);
    const certs = ["server", "client"].map(leaf);
    for (const cert of certs) {
        expect(cert.inputs.caPrivateKeyPem).toBe(caKey);
        expect(isSecretInput(cert, "caPrivateKeyPem")).toBe(true);
        expect(JSON.stringify(cert.inputs)).not.toContain(mockPrivateKey(`${cert.name}-key`));
    }
    const requests = recorder.ofKind("CertRequest").map(({ inputs }) => inputs.privateKeyPem);
    expect(requests.sort()).toEqual(
        [mockPrivateKey("tls-client-key"), mockPrivateKey("tls-server-key")].sort(),
    );
});

test("the CA's key is not among the outputs", async () => {
    const { caCert, server, client, expiresAt } = await authority();
    const outputs = [caCert, server.cert, server.key, client.cert, client.key, expiresAt];
    const values = await Promise.all(outputs.map((output) => valueOf(output)));
    expect(values).not.toContain(mockPrivateKey("tls-ca-key"));
    expect(values).toContain(mockPrivateKey("tls-server-key"));
});

test("what others can reach of it is exactly this: no key resource, no CA key", async () => {
    const made = await authority();
    const reachable = Object.keys(made).filter((key) => !key.startsWith("__"));
    expect(reachable.sort()).toEqual(["caCert", "client", "edge", "expiresAt", "server", "urn"]);
    expect(Object.keys(made.server).sort()).toEqual(["cert", "key"]);
    expect(Object.keys(made.client).sort()).toEqual(["cert", "key"]);
});

test("keys are secret, certificates are not", async () => {
    const { caCert, server, client } = await authority();
    expect(await Promise.all([server.key, client.key].map(isSecret))).toEqual([true, true]);
    expect(await Promise.all([caCert, server.cert, client.cert].map(isSecret))).toEqual([
        false,
        false,
        false,
    ]);
});

test("a new epoch replaces the keys of the leaves, and with them the leaves, never the CA", async () => {
    await authority({ certEpoch: "7" });
    const triggers = recorder
        .ofKind("PrivateKey")
        .map(({ name, options }) => [name, options.replacementTrigger]);
    expect(Object.fromEntries(triggers)).toEqual({
        "tls-ca-key": undefined,
        "tls-server-key": 7,
        "tls-client-key": 7,
    });
});

describe("subject alternative names of the server", () => {
    const names = (): Record<string, unknown> => {
        const { dnsNames, ipAddresses } = recorder.one("CertRequest", "tls-server-request").inputs;
        return { dnsNames, ipAddresses };
    };

    test("are every way to reach the inner daemon", async () => {
        await authority();
        expect(names()).toEqual({
            dnsNames: ["localhost", "docker", "sutazai-mcp-orchestrator"],
            ipAddresses: ["127.0.0.1", "10.89.0.2", "172.30.0.2"],
        });
    });

    test("follow the stack", async () => {
        await authority({ namePrefix: "b-", bindAddress: "127.0.0.9", mainSubnet: "10.7.0.0/24" });
        expect(names()).toEqual({
            dnsNames: ["localhost", "docker", "b-sutazai-mcp-orchestrator"],
            ipAddresses: ["127.0.0.1", "127.0.0.9", "10.7.0.2", "172.30.0.2"],
        });
    });

    test("a client has none", async () => {
        await authority();
        const { inputs } = recorder.one("CertRequest", "tls-client-request");
        expect(inputs).not.toHaveProperty("dnsNames");
        expect(inputs).not.toHaveProperty("ipAddresses");
    });
});

test("the end is that of the leaf that ends first", async () => {
    const { expiresAt } = await authority({ leafDays: "10" });
    expect(await valueOf(expiresAt)).toBe("2026-01-11T00:00:00.000Z");
});
