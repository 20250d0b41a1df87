import * as fc from "fast-check";
import { INNER_NETWORKS } from "../../../config/defaults";
import { hostPort, namesFor, type Names } from "../../../config/names";
import { ConfigError } from "../../../config/settings";
import { thrown } from "./support";

const prefix = fc.oneof(
    fc.constant(""),
    fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,12}-$/),
    // The bases' own parts, which is where a clash would come from.
    fc.constantFrom(
        "mcp-",
        "sutazai-",
        "sutazai-mcp-",
        "mcp-docker-",
        "mcp-docker-certs-",
        "x-mcp-",
    ),
);

/** Names by the Docker namespace they live in. */
function hostNames(names: Names): string[][] {
    return [
        [names.orchestrator, names.postgres, names.consul, names.edge, names.reporter],
        [names.mainNetwork, names.internalNetwork],
        Object.values(names.volumes),
    ];
}

describe("names", () => {
    test("without a prefix they are those of the system being replaced", () => {
        expect(namesFor("")).toEqual({
            orchestrator: "sutazai-mcp-orchestrator",
            mainNetwork: "sutazai-main",
            internalNetwork: "sutazai-dind-internal",
            volumes: {
                data: "mcp-orchestrator-data",
                certsCa: "mcp-docker-certs-ca",
                certsClient: "mcp-docker-certs-client",
                shared: "mcp-shared-data",
                logs: "mcp-logs",
                postgres: "mcp-postgres-data",
                consul: "mcp-consul-data",
            },
            postgres: "sutazai-mcp-postgres",
            consul: "sutazai-mcp-consul",
            edge: "sutazai-mcp-edge",
            reporter: "sutazai-mcp-reporter",
            server: expect.any(Function) as unknown,
            companion: expect.any(Function) as unknown,
            link: expect.any(Function) as unknown,
            service: expect.any(Function) as unknown,
        });
    });

    test("a companion and its link are called after the server, and the default route's network sorts first", () => {
        const names = namesFor("team-");
        expect(names.companion("http-mcp")).toBe("mcp-egress-http-mcp");
        expect(names.link("http-mcp")).toBe("mcp-link-http-mcp");
        expect(INNER_NETWORKS.egress < names.link("a")).toBe(true);
    });

    test("a service in Consul carries the prefix: other stacks may be registered there", () => {
        expect(namesFor("").service("files-mcp")).toBe("files-mcp");
        expect(namesFor("team-").service("files-mcp")).toBe("team-files-mcp");
    });

    test("two prefixes never give the same name", () => {
        fc.assert(
            fc.property(prefix, prefix, (a, b) => {
                fc.pre(a !== b);
                const other = hostNames(namesFor(b));
                hostNames(namesFor(a)).forEach((names, kind) =>
                    names.forEach((name) => expect(other[kind]).not.toContain(name)),
                );
            }),
            { numRuns: 500 },
        );
    });

    test("names of one stack differ, are valid for Docker and fit a host name", () => {
        fc.assert(
            fc.property(prefix, (text) => {
                for (const names of hostNames(namesFor(text))) {
                    expect(new Set(names).size).toBe(names.length);
                    for (const name of names) expect(name).toMatch(/^[a-z0-9][a-z0-9-]{1,62}$/);
                }
            }),
        );
    });

    test("servers are not prefixed: the inner daemon belongs to one stack", () => {
        expect(namesFor("second-").server("files-mcp")).toBe("files-mcp");
    });
});

describe("host ports", () => {
    test("base plus offset", () => {
        expect([hostPort(18080, 100), hostPort(65500, 35)]).toEqual([18180, 65535]);
        expect(() => hostPort(65500, 36)).toThrow(ConfigError);
    });

    test("a sum past 65535 is an error with the largest offset that works", () => {
        const error = thrown(() => hostPort(60000, 6000));
        expect(error).toBeInstanceOf(ConfigError);
        expect(error.message).toBe(
            "portOffset: port 60000 plus the offset must be a port up to 65535, got 66000; " +
                "lower portOffset to 5535 or less, or choose a lower port",
        );
    });

    test("different bases stay different", () => {
        fc.assert(
            fc.property(
                fc.integer({ min: 1024, max: 25000 }),
                fc.integer({ min: 1024, max: 25000 }),
                fc.integer({ min: 0, max: 40000 }),
                (a, b, offset) => {
                    expect(hostPort(a, offset) === hostPort(b, offset)).toBe(a === b);
                },
            ),
        );
    });
});
