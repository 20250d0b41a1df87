/** What there is around the companion in these tests. Nothing of it leaves the namespace. */

/** Address of the name server. */
export const RESOLVER = "127.0.0.53";

/** The companion's own address, on the network of its server. */
export const COMPANION = "10.90.7.2";

/** Address of the server it belongs to. */
export const SERVER = "10.90.7.3";

/** Addresses by what they stand for. */
export const AT = {
    declared: "8.7.6.5",
    other: "8.7.6.6",
    declared6: "2606:4700::1111",
    database: "172.30.0.10",
    corporate: "10.0.0.5",
    neighbour: "10.0.0.6",
    metadata: "169.254.169.254",
    metadata6: "fd00:ec2::254",
    loopback: "127.0.0.1",
    loopback6: "::1",
} as const;

/** Every address but the companion's answers on ports of HTTP and on those of a protocol whose server speaks first. */
export const ORIGINS: readonly {
    readonly address: string;
    readonly http: readonly number[];
    readonly tcp: readonly number[];
}[] = [
    ...Object.values(AT).map((address) => ({ address, http: [80, 443, 8080], tcp: [5432, 6432] })),
    ...[COMPANION, SERVER].map((address) => ({ address, http: [], tcp: [] })),
];

/** Addresses of names. More than one list: one after the other, a list for each question. */
export const ZONE: Readonly<Record<string, readonly (readonly string[])[]>> = {
    "api.example.com": [[AT.declared]],
    "both.example.com": [[AT.declared, AT.declared6]],
    "other.example.com": [[AT.other]],
    "to-loopback.example.com": [[AT.loopback]],
    "to-private.example.com": [[AT.corporate]],
    "to-metadata.example.com": [[AT.metadata]],
    "to-metadata6.example.com": [[AT.metadata6]],
    "mixed.example.com": [[AT.declared, AT.loopback]],
    "mixed6.example.com": [[AT.declared, AT.loopback6]],
    "rebinding.example.com": [[AT.declared], [AT.loopback]],
    "db.example.com": [[AT.declared]],
    "db.corp": [[AT.corporate]],
    "wiki.corp": [[AT.corporate]],
    "loopback.corp": [[AT.loopback]],
    "metadata.corp": [[AT.metadata6]],
};
