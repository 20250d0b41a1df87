import { generateKeyPairSync } from "node:crypto";
import * as path from "node:path";

import { readEdgeFiles } from "../../../config/edge-files";
import { edgeSettings, type EdgeOptions } from "../../../config/edge-settings";
import { planEdge } from "../../../config/edge/model";
import type { MachineFacts } from "../../../config/machine";
import { loadSettings } from "../../../config/settings";
import { testAuthority, type KeyPair } from "../../support/certificates";
import { inFolder, source, thrown } from "./support";

const load = (values: Record<string, string>, machine: MachineFacts = {}): EdgeOptions =>
    loadSettings(source(values), "dev", machine).edge;

/** The bullets of the error. */
function bullets(values: Record<string, string>, machine: MachineFacts = {}): string[] {
    return thrown(() => load(values, machine))
        .message.split("\n")
        .slice(1);
}

describe("the program", () => {
    test("is Kong where images are pulled, Caddy where they are built", () => {
        expect(load({}).program).toBe("kong");
        expect(load({}, { imageSource: "local" }).program).toBe("caddy");
        expect(load({ imageSource: "local" }).program).toBe("caddy");
        expect(load({ edge: "caddy" }).program).toBe("caddy");
    });

    test("cannot be Kong where images are built", () => {
        const line =
            "- edge: must be caddy when imageSource is local, since no package of the distribution has Kong, " +
            'got "kong"; set it with: pulumi config set edge caddy';
        expect(bullets({ edge: "kong" }, { imageSource: "local" })).toEqual([line]);
        expect(bullets({ edge: "kong", imageSource: "local" })).toEqual([line]);
    });

    test("is one of the two", () => {
        expect(bullets({ edge: "nginx" })).toEqual([
            '- edge: must be kong or caddy, got "nginx"; set it with: pulumi config set edge kong',
        ]);
    });
});

describe("where it is published", () => {
    test("is where all else is, unless it has an address of its own", () => {
        expect(load({ bindAddress: "127.0.0.5" }).bindAddress).toBe("127.0.0.5");
        expect(load({ edgeBindAddress: "127.0.0.9" }).bindAddress).toBe("127.0.0.9");
    });

    test.each(["0.0.0.0", "192.0.2.1"])("beyond loopback (%s) only with TLS", (address) => {
        expect(bullets({ edgeBindAddress: address })).toEqual([
            `- edgeTls: must be own or files when the edge is beyond loopback (${address}): tokens would be ` +
                'readable on the way, got "none"; set it with: pulumi config set edgeTls own',
        ]);
        expect(load({ edgeBindAddress: address, edgeTls: "own" }).bindAddress).toBe(address);
    });

    test.each(["localhost", "::1", "256.0.0.1", ""])("is an IPv4 address, not %j", (address) => {
        expect(bullets({ edgeBindAddress: address })).toEqual([
            expect.stringMatching(/^- edgeBindAddress: must be an IPv4 address of this host, got /),
        ]);
    });
});

describe("files", () => {
    test("are both needed, and count with edgeTls files alone", () => {
        expect(bullets({ edgeTls: "files", edgeCertFile: "a.pem" })).toEqual([
            "- edgeKeyFile: must be set when edgeTls is files, got nothing; set it with: pulumi config set edgeKeyFile tls/edge-key.pem",
        ]);
        expect(bullets({ edgeTls: "files" })).toHaveLength(2);
        expect(bullets({ edgeTls: "own", edgeKeyFile: "key.pem" })).toEqual([
            expect.stringMatching(
                /^- edgeKeyFile: only counts when edgeTls is files, got edgeTls own; remove it with/,
            ),
        ]);
    });

    const read = (
        files: Readonly<Record<string, string>>,
    ): ReturnType<typeof readEdgeFiles> | string =>
        inFolder(files, (folder) => {
            try {
                const [certFile, keyFile] = ["cert.pem", path.join(folder, "key.pem")];
                return readEdgeFiles(folder, { mode: "files", certFile, keyFile });
            } catch (error) {
                return (error as Error).message.replaceAll(folder, "FOLDER");
            }
        });
    let pair: KeyPair;
    beforeAll(async () => {
        pair = await (await testAuthority()).issue([{ type: "dns", value: "mcp.example.com" }]);
    });

    test("are read from the project's folder, or from where they are", () => {
        expect(read({ "cert.pem": pair.cert, "key.pem": pair.key })).toEqual(pair);
        expect(readEdgeFiles("/nowhere", { mode: "own" })).toBeUndefined();
    });

    test("that cannot be read, are no PEM, or belong to others are one line each", () => {
        const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
        const other = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
        expect([
            read({ "key.pem": pair.key }),
            read({ "cert.pem": pair.cert }),
            read({ "cert.pem": "DER", "key.pem": pair.key }),
            read({ "cert.pem": pair.cert, "key.pem": pair.cert }),
            read({ "cert.pem": pair.cert, "key.pem": other }),
        ]).toEqual([
            'edgeCertFile: cannot be read (ENOENT), got "cert.pem"; set it with: pulumi config set edgeCertFile <file>',
            expect.stringMatching(/^edgeKeyFile: cannot be read \(ENOENT\), got ".*"; set it with/),
            'edgeCertFile: must be a certificate in PEM form, got "cert.pem"; set it with: pulumi config set edgeCertFile <file>',
            expect.stringMatching(
                /^edgeKeyFile: must be a private key without passphrase in PEM form/,
            ),
            expect.stringMatching(
                /^edgeKeyFile: must be the key of the certificate in edgeCertFile/,
            ),
        ]);
    });
});

describe("lists", () => {
    test("are words with commas between, in their order", () => {
        expect(load({ edgeHosts: "b.example.com, a.example.com,b.example.com" }).hosts).toEqual([
            "b.example.com",
            "a.example.com",
        ]);
    });

    test.each(["MCP.example.com", "mcp.example.com:8443", "192.0.2.1", "a,,b", "-a", "a_b", ""])(
        "no host name: %j",
        (text) => {
            expect(bullets({ edgeHosts: text })).toEqual([
                expect.stringMatching(/^- edgeHosts: must be host names in lower case/),
            ]);
        },
    );

    test.each(["*", "https://a.example/", "https://A.example", "https://a.example:443", "null"])(
        "no origin: %j",
        (text) => {
            expect(bullets({ edgeOrigins: text })).toEqual([
                expect.stringMatching(/^- edgeOrigins: must be origins in lower case/),
            ]);
        },
    );
});

test("whatever is accepted gives a plan", () => {
    const settings = loadSettings(
        source({
            edgeTls: "own",
            edgeOrigins: "https://console.example,http://localhost:5173",
            edgeRequestsPerMinute: "60",
            edgeBodyBytes: "67108864",
        }),
        "dev",
        {},
    );
    const plan = planEdge(settings, edgeSettings(settings, 8090));
    expect(plan).toMatchObject({
        upstream: { host: "10.89.0.2", port: 8090 },
        limits: { bodyBytes: 67_108_864, requestsPerMinute: 60, readTimeoutSeconds: 3600 },
        cors: { allowedOrigins: ["http://localhost:5173", "https://console.example"] },
        tls: { mode: "internal-ca" },
    });
});
