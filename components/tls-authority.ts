import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

import { EDGE_NAME } from "../config/defaults";

import type { StackContext } from "./stack-context";

export const TLS_AUTHORITY_TYPE = "mcp:tls:Authority";

const HOURS_PER_DAY = 24;
const ORGANIZATION = "sutazai-mcp";

/** A certificate with its key, PEM. */
export interface Leaf {
    readonly cert: pulumi.Output<string>;
    /** Secret. */
    readonly key: pulumi.Output<string>;
}

/**
 * The stack's own authority: a CA and one leaf each for the inner daemon and its clients, ECDSA P-256.
 *
 * The CA's key never leaves the state: it is not an output, and no upload, environment or volume sees it.
 * Nothing is renewed by the clock, since a preview must not change with the day: raise `certEpoch`
 * (`./mcp rotate`) to issue new leaves with new keys. Expiry is reported by `./mcp status` and `./mcp doctor`.
 */
export class TlsAuthority extends pulumi.ComponentResource {
    /** CA certificate, PEM. */
    public readonly caCert: pulumi.Output<string>;
    public readonly server: Leaf;
    public readonly client: Leaf;
    /** Of the edge, where it has one of this authority. */
    public readonly edge: Leaf | undefined;
    /** End of the leaf that ends first, RFC 3339. */
    public readonly expiresAt: pulumi.Output<string>;

    constructor(name: string, context: StackContext, opts?: pulumi.ComponentResourceOptions) {
        super(TLS_AUTHORITY_TYPE, name, {}, opts);
        const { settings, names, addresses } = context;
        const { caDays, leafDays, epoch } = settings.certificates;
        const child = { parent: this };

        const caKey = new tls.PrivateKey(`${name}-ca-key`, ECDSA, child);
        const ca = new tls.SelfSignedCert(
            `${name}-ca`,
            {
                privateKeyPem: caKey.privateKeyPem,
                isCaCertificate: true,
                setSubjectKeyId: true,
                subject: { commonName: `${names.orchestrator} CA`, organization: ORGANIZATION },
                validityPeriodHours: caDays * HOURS_PER_DAY,
                allowedUses: ["cert_signing", "crl_signing"],
                earlyRenewalHours: 0,
            },
            child,
        );

        const leaf = (
            kind: "server" | "client" | "edge",
            request: Pick<tls.CertRequestArgs, "dnsNames" | "ipAddresses">,
        ): Leaf & { expiresAt: pulumi.Output<string> } => {
            // A new epoch is a new key, and with it a new request and certificate.
            const key = new tls.PrivateKey(`${name}-${kind}-key`, ECDSA, {
                ...child,
                replacementTrigger: epoch,
            });
            const csr = new tls.CertRequest(
                `${name}-${kind}-request`,
                {
                    privateKeyPem: key.privateKeyPem,
                    subject: {
                        commonName: `${names.orchestrator} ${kind}`,
                        organization: ORGANIZATION,
                    },
                    ...request,
                },
                child,
            );
            const cert = new tls.LocallySignedCert(
                `${name}-${kind}`,
                {
                    certRequestPem: csr.certRequestPem,
                    caPrivateKeyPem: caKey.privateKeyPem,
                    caCertPem: ca.certPem,
                    validityPeriodHours: leafDays * HOURS_PER_DAY,
                    allowedUses: [
                        "digital_signature",
                        kind === "client" ? "client_auth" : "server_auth",
                    ],
                    setSubjectKeyId: true,
                    earlyRenewalHours: 0,
                },
                child,
            );
            return {
                cert: cert.certPem,
                key: pulumi.secret(key.privateKeyPem),
                expiresAt: cert.validityEndTime,
            };
        };

        const server = leaf("server", {
            dnsNames: ["localhost", "docker", names.orchestrator],
            ipAddresses: [
                "127.0.0.1",
                ...(settings.bindAddress === "127.0.0.1" ? [] : [settings.bindAddress]),
                addresses.main.orchestrator,
                addresses.internal.orchestrator,
            ],
        });
        const client = leaf("client", {});
        const edge =
            settings.edge.tls.mode === "own" ? leaf("edge", edgeNames(context)) : undefined;
        this.caCert = ca.certPem;
        this.server = { cert: server.cert, key: server.key };
        this.client = { cert: client.cert, key: client.key };
        this.edge = edge && { cert: edge.cert, key: edge.key };
        this.expiresAt = pulumi
            .all([server, client, ...(edge ? [edge] : [])].map((one) => one.expiresAt))
            .apply((ends) => [...ends].sort()[0] ?? "");
        this.registerOutputs({ caCert: this.caCert, expiresAt: this.expiresAt });
    }
}

/** Everything clients may call the edge. */
function edgeNames({ settings, names, addresses }: StackContext): {
    dnsNames: string[];
    ipAddresses: string[];
} {
    const { bindAddress, hosts } = settings.edge;
    const service = `${names.service(EDGE_NAME)}.service.consul`;
    const published = ["127.0.0.1", settings.bindAddress, bindAddress].filter(
        (address) => address !== "0.0.0.0",
    );
    return {
        dnsNames: [...new Set(["localhost", names.edge, service, ...hosts])],
        ipAddresses: [...new Set([...published, addresses.main.edge])],
    };
}

const ECDSA: tls.PrivateKeyArgs = { algorithm: "ECDSA", ecdsaCurve: "P256" };
