import { resultOf, type Outcome } from "../support/e2e/cli";
import { barTests } from "../support/e2e/groups/bar";
import { commandTests, upResult } from "../support/e2e/groups/commands";
import { conformanceTests } from "../support/e2e/groups/conformance";
import { databaseTests } from "../support/e2e/groups/database";
import { edgeTests } from "../support/e2e/groups/edge";
import { filesTests } from "../support/e2e/groups/files";
import { gatewayTests, writeClients } from "../support/e2e/groups/gateway";
import { hostTests } from "../support/e2e/groups/hosts";
import { managerTests } from "../support/e2e/groups/manager";
import { managerAbuseTests } from "../support/e2e/groups/manager-abuse";
import { managerLogTests } from "../support/e2e/groups/manager-logs";
import { meshCatalogTests } from "../support/e2e/groups/mesh-catalog";
import { meshConsumerTests } from "../support/e2e/groups/mesh-consumer";
import { meshHealthTests } from "../support/e2e/groups/mesh-health";
import { egressTests } from "../support/e2e/groups/egress";
import { networkTests } from "../support/e2e/groups/network";
import { protocolTests } from "../support/e2e/groups/protocol";
import { resilienceTests } from "../support/e2e/groups/resilience";
import { PORTS, SERVERS, writeManifests } from "../support/e2e/groups/servers";
import { tlsTests } from "../support/e2e/groups/tls";
import { TestStack } from "../support/e2e/stack";
import { describeWhere } from "../support/machine";

jest.setTimeout(40_000);

describeWhere("docker", "a stack brought up by the product's command", () => {
    const stack = new TestStack({
        name: "e2e-suite",
        prefix: "e2e-suite-",
        portOffset: 3150, // clear of the ports of a stack of the default settings, and of those after it
        third: 0,
        innerPool: "10.97.16.0/20",
    });
    let up: Outcome | undefined;

    beforeAll(async () => {
        await stack.prepare();
        writeManifests(stack);
        writeClients(stack);
        up = await stack.up();
        if (up.code !== 0) throw new Error(`up ended with code ${up.code}:\n${up.stderr}`);
    }, 600_000);
    afterAll(async () => {
        await stack.remove();
        expect(await stack.leftovers()).toEqual([]);
    }, 150_000);

    test("up ends with every endpoint checked", () => {
        if (up === undefined) throw new Error("up was not run");
        const { endpoints } = resultOf(up, upResult);
        expect(endpoints.map(({ server, url, state }) => ({ server, url, state }))).toEqual(
            SERVERS.map((server) => ({ server, url: stack.url(PORTS[server]), state: "healthy" })),
        );
        expect(up.stderr).not.toMatch(/error:|PRIVATE KEY|postgres:\/\//);
    });

    // In this order: the later ones restart and replace what the earlier ones look at.
    describe("TLS:", () => tlsTests(stack));
    describe("on the host:", () => hostTests(stack));
    describe("the bar for inner containers:", () => barTests(stack));
    describe("MCP:", () => protocolTests(stack));
    describe("the database:", () => databaseTests(stack));
    describe("files:", () => filesTests(stack));
    describe("the network:", () => networkTests(stack));
    describe("the way out:", () => egressTests(stack));
    describe("Consul:", () => meshCatalogTests(stack));
    describe("a consumer of Consul:", () => meshConsumerTests(stack));
    describe("health in Consul:", () => meshHealthTests(stack));
    describe("the gateway:", () => gatewayTests(stack));
    describe("the manager:", () => managerTests(stack));
    describe("conformance:", () => conformanceTests(stack));
    describe("central logs:", () => managerLogTests(stack));
    describe("abuse of the manager:", () => managerAbuseTests(stack));
    describe("the edge:", () => edgeTests(stack));
    describe("failures:", () => resilienceTests(stack));
    describe("commands:", () => commandTests(stack));
});
