import tseslint from "typescript-eslint";
import pulumi from "@pulumi/eslint-plugin";

export default tseslint.config(
    { ignores: ["node_modules/", ".mcp/", "services/*/node_modules/", "**/*.mjs", "**/*.js", "**/*.cjs"] },
    ...tseslint.configs.recommendedTypeChecked,
    {
        languageOptions: {
            parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
        },
        plugins: { "@pulumi": pulumi },
        rules: {
            "@pulumi/no-output-in-template-literal": "error",
            "@typescript-eslint/no-explicit-any": "error",
            "@typescript-eslint/no-floating-promises": "error",
            "@typescript-eslint/no-non-null-assertion": "error",
            "max-lines": ["error", { max: 300, skipBlankLines: false, skipComments: false }],
        },
    },
    {
        // Configuration and the environment have one reader; everything else gets them as arguments.
        files: ["components/**/*.ts", "index.ts", "policy/**/*.ts"],
        rules: {
            "no-restricted-properties": [
                "error",
                {
                    object: "process",
                    property: "env",
                    message: "Read the environment in config/ only.",
                },
            ],
        },
    },
);
