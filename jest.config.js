const project = (name, extra = {}) => ({
    displayName: name,
    testMatch: [`<rootDir>/tests/${name}/**/*.test.ts`],
    transform: {
        "\\.ts$": [
            "@swc/jest",
            {
                jsc: { target: "es2022", parser: { syntax: "typescript" } },
                module: { type: "commonjs" },
            },
        ],
    },
    testEnvironment: "node",
    modulePathIgnorePatterns: ["<rootDir>/.mcp/"],
    ...extra,
});

/** Cheapest first; `e2e` needs Docker, `pulumi` needs Docker and a Pulumi CLI. */
module.exports = {
    reporters: ["default", "<rootDir>/tests/support/summary-reporter.js"],
    projects: [
        project("unit"),
        project("component"),
        project("golden"),
        project("policy"),
        project("e2e"),
        project("pulumi"),
    ],
};
