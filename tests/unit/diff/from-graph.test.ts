import { maskedProps, stepsBetween, type GraphResource } from "../../../cli/diff/from-graph";
import { TYPES } from "../../../policy/known";

function resource(
    type: string,
    name: string,
    props: Readonly<Record<string, unknown>> = {},
    more: Partial<GraphResource> = {},
): GraphResource {
    return { urn: `urn:${type}::${name}`, type, name, props, sources: {}, ...more };
}

const operations = (base: readonly GraphResource[], head: readonly GraphResource[]): object =>
    Object.fromEntries(stepsBetween(base, head).map(({ name, operation }) => [name, operation]));

test("what is new, gone, and the same", () => {
    const kept = resource(TYPES.network, "kept", { name: "n" });
    const base = [kept, resource(TYPES.volume, "gone")];
    expect(operations(base, [kept, resource(TYPES.volume, "new")])).toEqual({
        kept: "same",
        gone: "delete",
        new: "create",
    });
});

test.each([
    [TYPES.container, { memory: 1 }, "update"],
    [TYPES.container, { memory: 1, restart: "no" }, "update"],
    [TYPES.container, { memory: 1, image: "x" }, "replace"],
    [TYPES.network, { internal: true }, "replace"],
    [TYPES.volume, { labels: [] }, "replace"],
    [TYPES.consulService, { tags: [] }, "update"],
    ["mcp:inner:Server", { manifest: {} }, "update"],
])("%s with %j: %s", (type, props, operation) => {
    expect(operations([resource(type, "one")], [resource(type, "one", props)])).toEqual({
        one: operation,
    });
});

test("a key that is made anew takes its certificate and what holds it along", () => {
    const stack = (epoch: number): GraphResource[] => {
        const key = resource(TYPES.privateKey, "key", {}, { trigger: epoch });
        const leaf = resource(TYPES.leaf, "leaf", {}, { sources: { certRequestPem: [key.urn] } });
        const container = resource(TYPES.container, "c", {}, { sources: { uploads: [leaf.urn] } });
        const other = resource(
            TYPES.container,
            "other",
            {},
            { sources: { volumes: [container.urn] } },
        );
        return [other, container, leaf, key];
    };
    expect(operations(stack(1), stack(2))).toEqual({
        key: "replace",
        leaf: "replace",
        c: "replace",
        other: "same",
    });
    expect(operations(stack(1), stack(1))).toMatchObject({ key: "same", c: "same" });
});

test("secrets are hashes: equal ones are equal, and neither can be read", () => {
    const props = { uploads: [{ content: "secret" }], plain: "text", keys: { pem: "secret" } };
    const masked = maskedProps(props, ["uploads[0].content", "keys"]);
    expect(JSON.stringify(masked)).not.toContain('"secret"');
    expect(masked.plain).toBe("text");
    expect(maskedProps({ ...props, keys: { pem: "other" } }, ["keys"]).keys).not.toEqual(
        masked.keys,
    );
});
