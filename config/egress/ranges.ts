/** Networks a name may lead to when it is one of a private network (see `TargetKind`), or an address when it is declared. */
export const PRIVATE_RANGES: readonly string[] = [
    ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"],
    "fc00::/7",
];

/**
 * What no name may ever lead to: the machine itself, its link, a cloud's metadata service, and what is no single host of
 * the internet. After IANA's registries of special-purpose addresses. IPv6 forms that carry an IPv4 address are here too.
 */
export const FORBIDDEN_RANGES: readonly string[] = [
    // This host, loopback, link-local (where most clouds have 169.254.169.254).
    ...["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16"],
    // Metadata outside link-local: Alibaba, Azure, Oracle's block (protocol assignments).
    ...["100.100.100.200/32", "168.63.129.16/32", "192.0.0.0/24"],
    // Documentation, 6to4 relays, benchmarks, multicast, reserved and broadcast.
    ...["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "192.88.99.0/24", "198.18.0.0/15"],
    ...["224.0.0.0/4", "240.0.0.0/4"],
    // Loopback and unspecified with the IPv4-compatible block, NAT64, discard, Teredo and its kind, 6to4.
    ...["::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2002::/16"],
    // Documentation, segment routing, link-local, site-local, multicast.
    ...["2001:db8::/32", "3fff::/20", "5f00::/16", "fe80::/10", "fec0::/10", "ff00::/8"],
    // Metadata in the private block: Amazon, Google.
    ...["fd00:ec2::/32", "fd20:ce::/32"],
];

/**
 * Blocks that are no address of another machine, or of one that is not beyond this one's link, which companions do not
 * reach: declaring one is a mistake.
 */
export const UNREACHABLE_RANGES: readonly string[] = [
    ...["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"],
];

/** Of a list of ranges those of IPv4. */
export function ipv4Only(ranges: readonly string[]): string[] {
    return ranges.filter((range) => !range.includes(":"));
}
