import { ConfigError, shown } from "./errors";
import { formatAddress, formatCidr, hostAt, parseCidr, subnetAt, type Cidr } from "./ipv4";
import type { StackSettings } from "./settings";

export { contains, formatCidr, hostAt, overlaps, parseAddress, parseCidr, type Cidr } from "./ipv4";

/** Every fixed address of a stack. Addresses are dotted IPv4, subnets are CIDR. */
export interface AddressPlan {
    /** Network `sutazai-main`, on the host. */
    readonly main: {
        readonly subnet: string;
        readonly gateway: string;
        readonly orchestrator: string;
        readonly consul: string;
        readonly edge: string;
        readonly reporter: string;
    };
    /** Network `sutazai-dind-internal`, on the host, without a route out. */
    readonly internal: {
        readonly subnet: string;
        readonly gateway: string;
        readonly orchestrator: string;
        readonly postgres: string;
    };
    /** Networks of the inner daemon. */
    readonly inner: {
        /** Address of the inner daemon's default bridge, in the first /24 of the pool. */
        readonly bip: string;
        /** All of it. */
        readonly pool: string;
        /** Second /24: servers, the gateway, the manager. */
        readonly closed: string;
        readonly closedGateway: string;
        /** Third /24: companions, on their way out. */
        readonly egress: string;
        readonly egressGateway: string;
        /**
         * Last quarter of the pool, from which the daemon takes every network that names no subnet: one for each
         * server with a companion ...
         */
        readonly links: string;
        /** ... and prefix length of each. */
        readonly linkSize: 28;
        /** The manager and the gateway, in the second /24. Docker gives out addresses from the other end. */
        readonly manager: string;
        readonly gateway: string;
    };
}

const NETWORK_SIZE = 24;
const LINK_SIZE = 28;

/**
 * Gives every fixed member of a stack its address. Depends on the three subnets only: the same settings
 * give the same plan.
 *
 * @throws ConfigError when a subnet cannot be read or is too small (`loadSettings` says so earlier)
 */
export function planAddresses(
    s: Pick<StackSettings, "mainSubnet" | "internalSubnet" | "innerPool">,
): AddressPlan {
    const main = subnet("mainSubnet", s.mainSubnet, 28);
    const internal = subnet("internalSubnet", s.internalSubnet, 28);
    const pool = subnet("innerPool", s.innerPool, 22);
    const [bridge, closed, egress] = [0, 1, 2].map((index) =>
        subnetAt(pool, NETWORK_SIZE, index),
    ) as [Cidr, Cidr, Cidr];
    const links = subnetAt(pool, pool.prefix + 2, 3);
    return {
        main: {
            subnet: formatCidr(main),
            gateway: hostAt(main, 1),
            orchestrator: hostAt(main, 2),
            consul: hostAt(main, 5),
            edge: hostAt(main, 6),
            reporter: hostAt(main, 7),
        },
        internal: {
            subnet: formatCidr(internal),
            gateway: hostAt(internal, 1),
            orchestrator: hostAt(internal, 2),
            postgres: hostAt(internal, 10),
        },
        inner: {
            bip: `${formatAddress(bridge.base + 1)}/${NETWORK_SIZE}`,
            pool: formatCidr(pool),
            closed: formatCidr(closed),
            closedGateway: hostAt(closed, 1),
            egress: formatCidr(egress),
            egressGateway: hostAt(egress, 1),
            links: formatCidr(links),
            linkSize: LINK_SIZE,
            manager: hostAt(closed, 250),
            gateway: hostAt(closed, 251),
        },
    };
}

function subnet(key: string, text: string, smallest: number): Cidr {
    const cidr = parseCidr(text);
    if (cidr === undefined || cidr.prefix > smallest) {
        throw new ConfigError(
            `${key}: must be an IPv4 subnet of /${smallest} or larger, got ${shown(text)}; ` +
                `write it like ${key === "innerPool" ? "10.90.0.0/16" : "10.89.0.0/24"}`,
        );
    }
    return cidr;
}
