import { UNKNOWN } from "../../../policy/core/model";
import { knownEscapes } from "../../../policy/rules/escapes";
import { props } from "../../support/policy/change";
import { describeRule, testCompleteness, type RuleCases } from "../../support/policy/cases";

const DIGEST = `sha256:${"0b".repeat(32)}`;

const tables: readonly RuleCases[] = [
    {
        rule: "image-pinned",
        on: "server",
        bad: {
            "a tag": props({ image: "node:22" }),
            "a short digest": props({ image: "node@sha256:0a0b" }),
            "a tag that is pulled": ["image", props({ build: undefined })],
            "a build under a moving tag": ["image", props({ name: "mcp/bridge:stable" })],
        },
        fine: {
            "a digest": props({ image: `node@${DIGEST}` }),
            "an id that is not known yet, of an image of the stack": props({ image: UNKNOWN }),
        },
        missing: ["image", "violates"],
        otherType: ["image", 1, "violates"],
        unknown: ["image", "passes"],
    },
    {
        rule: "image-base-pinned",
        on: "image",
        bad: {
            "a tag": props({ "build.buildArgs.NODE_BASE": "node:22" }),
            "the second one": props({ "build.buildArgs.RUNTIME": "mcp/runtime:latest" }),
        },
        fine: {
            "an image built here": props({ "build.buildArgs.RUNTIME": "mcp/runtime:0a0b0c0d0e0f" }),
        },
        missing: ["build.buildArgs", "passes"],
        otherType: ["build.buildArgs.NODE_BASE", true, "violates"],
        unknown: ["build.buildArgs.NODE_BASE", "undecided"],
    },
    {
        rule: "image-no-latest",
        on: "database",
        bad: {
            latest: props({ image: "postgres:latest" }),
            "latest with a digest": props({ image: `postgres:latest@${DIGEST}` }),
            "no tag": props({ image: "postgres" }),
            "no tag behind a port": props({ image: "registry.example:5000/postgres" }),
            "a build": ["image", props({ name: "mcp/bridge" })],
        },
        missing: ["image", "violates"],
        otherType: ["image", 1, "violates"],
        unknown: ["image", "undecided"],
    },
    {
        rule: "image-denied",
        on: "server",
        bad: {
            "by its argument": props({ "command[1]": "@modelcontextprotocol/server-postgres" }),
            "by a path to it": props({
                "command[1]": "/x/node_modules/@modelcontextprotocol/server-postgres/dist/index.js",
            }),
            "by an image that wraps it": props({ image: `mcp/postgres@${DIGEST}` }),
            "by its entry point": props({ entrypoints: ["mcp-server-postgres"] }),
            "by its manifest": [
                "server-component",
                props({ "manifest.command": ["@modelcontextprotocol/server-postgres"] }),
            ],
            "by its manifest's image": [
                "server-component",
                props({ "manifest.source.ref": `docker.io/mcp/postgres@${DIGEST}` }),
            ],
            "as an image": ["image", props({ name: "mcp/postgres:1" })],
            "as what it is built from": [
                "image",
                props({ "build.buildArgs.PACKAGE": "@modelcontextprotocol/server-postgres" }),
            ],
        },
        missing: ["command", "passes"],
        otherType: ["command", "node", "violates"],
        unknown: ["command[0]", "undecided"],
        configured: {
            config: { also: ["^registry\\.bad/"] },
            change: props({ image: `registry.bad/x@${DIGEST}` }),
            outcomes: ["passes", "violates"],
        },
    },
    {
        rule: "image-dind-escapes",
        on: "orchestrator",
        bad: {
            "the replaced system's default": props({ image: `docker:25.0.5-dind@${DIGEST}` }),
            "with its base": props({ image: "docker.io/library/docker:25.0.5-dind-alpine3.19" }),
            "one below the fix": props({ image: "docker:28.5.1-dind" }),
            "as it is pulled": ["image", props({ name: `docker:27.3.1-dind@${DIGEST}` })],
        },
        fine: {
            "the fix": props({ image: "docker:28.5.2-dind" }),
            "the line after": props({ image: `docker:29.0.0-dind@${DIGEST}` }),
            "another image": props({ image: "other/mydocker:1.0.0" }),
        },
        missing: ["image", "passes"],
        otherType: ["image", 25, "violates"],
        unknown: ["image", "undecided"],
    },
];

tables.forEach(describeRule);
testCompleteness(["image"], tables);

describeRule({
    rule: "image-pinned",
    on: "database",
    bad: {},
    missing: "above",
    otherType: "above",
    unknown: ["image", "undecided"],
});

describe("known escapes", () => {
    test("are named with the tag that fixes them", () => {
        const text = knownEscapes("docker:25.0.5-dind") ?? "";
        expect(text).toContain("CVE-2025-31133");
        expect(text).toContain("docker:28.5.2-dind");
        expect(text).not.toContain("CVE-2024-21626");
        expect(knownEscapes("docker:25.0.1-dind")).toContain("CVE-2024-21626");
    });

    test("are not guessed from a tag without a version", () => {
        for (const reference of ["docker:dind", "docker:28-dind", "docker:28.5-dind", DIGEST]) {
            expect(knownEscapes(reference)).toBeUndefined();
        }
    });
});
