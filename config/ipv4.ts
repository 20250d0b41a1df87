/** A block of IPv4 addresses: `base` is its first address as a number, `prefix` its length in bits. */
export interface Cidr {
    readonly base: number;
    readonly prefix: number;
    /** Number of addresses. */
    readonly size: number;
}

const OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const ADDRESS = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`);

/** The address as a number, `undefined` when the text is not a dotted IPv4 address. */
export function parseAddress(text: string): number | undefined {
    const match = ADDRESS.exec(text);
    return match?.slice(1).reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

/** A number as a dotted IPv4 address. */
export function formatAddress(value: number): string {
    return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/**
 * The block `a.b.c.d/n`, `undefined` when the text is not one. The address may have host bits; they are
 * cleared in `base` (compare with `formatCidr` to find that out).
 */
export function parseCidr(text: string): Cidr | undefined {
    const match = /^([0-9.]+)\/(3[0-2]|[12]?[0-9])$/.exec(text);
    const address = match?.[1] === undefined ? undefined : parseAddress(match[1]);
    if (address === undefined) return undefined;
    const prefix = Number(match?.[2]);
    const size = 2 ** (32 - prefix);
    return { base: address - (address % size), prefix, size };
}

/** The block in its one way of writing: first address, slash, prefix. */
export function formatCidr(cidr: Cidr): string {
    return `${formatAddress(cidr.base)}/${cidr.prefix}`;
}

/** Whether two blocks share an address. */
export function overlaps(a: Cidr, b: Cidr): boolean {
    return a.base < b.base + b.size && b.base < a.base + a.size;
}

/** Whether `inner` lies in `outer` as a whole. */
export function contains(outer: Cidr, inner: Cidr): boolean {
    return inner.base >= outer.base && inner.base + inner.size <= outer.base + outer.size;
}

/** Address number `index` of the block (0 is the network itself); the broadcast address is refused. */
export function hostAt(cidr: Cidr, index: number): string {
    if (!Number.isInteger(index) || index < 1 || index >= cidr.size - 1) {
        throw new RangeError(`${formatCidr(cidr)} has no host number ${index}`);
    }
    return formatAddress(cidr.base + index);
}

/** Subnet number `index` of the given prefix length in the block. */
export function subnetAt(cidr: Cidr, prefix: number, index: number): Cidr {
    const size = 2 ** (32 - prefix);
    if (!Number.isInteger(index) || index < 0 || (index + 1) * size > cidr.size) {
        throw new RangeError(`${formatCidr(cidr)} has no /${prefix} number ${index}`);
    }
    return { base: cidr.base + index * size, prefix, size };
}

const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

/** Whether the block is for private use (RFC 1918, or the shared space of RFC 6598). */
export function isPrivate(cidr: Cidr): boolean {
    return PRIVATE.map(parseCidr).some((range) => range !== undefined && contains(range, cidr));
}
