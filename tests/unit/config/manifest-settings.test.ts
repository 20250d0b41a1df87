import { added, type Case } from "./manifest-cases";

const SECRETS = "use secrets: the server reads /run/secrets/<name>";

describe("environment", () => {
    added([
        ["  environment:", "9:3", "spec.environment", "has no value", 'write NAME: "value"'],
        [
            "  environment:\n    LEVEL: 3",
            "10:5",
            "spec.environment.LEVEL",
            "a number is not text",
            'quote it, like "3"',
        ],
        [
            "  environment: { DEBUG: true }",
            "9:18",
            "spec.environment.DEBUG",
            "true or false is not text",
            'quote it, like "3"',
        ],
        [
            '  environment: { "A B": x }',
            "9:18",
            'spec.environment["A B"]',
            "is not a variable name",
            "use letters, digits and _",
        ],
        ...["DB_PASSWORD", "client_secret", "TOKEN", "API_KEY", "APIKEY", "Dsn"].map(
            (key): Case => [
                `  environment: { ${key}: x }`,
                "9:18",
                `spec.environment.${key}`,
                "looks like a secret by its name",
                SECRETS,
            ],
        ),
        [
            '  environment: { URL: "https://user:hunter2@host/" }',
            "9:18",
            "spec.environment.URL",
            "the value is a URL with a password",
            SECRETS,
        ],
    ]);
});

describe("secrets", () => {
    const FROM = "write postgres.dsn or config.<key>";
    added([
        [
            "  secrets: { dsn: postgres.dsn }",
            "9:3",
            "spec.secrets",
            "a mapping is not a list of secrets",
            "write items like { name: dsn, from: postgres.dsn }",
        ],
        ["  secrets: [dsn]", "9:13", "spec.secrets[0]", "text is not a secret", "write it like"],
        ["  secrets: [{ name: dsn }]", "9:13", "spec.secrets[0].from", "is missing", FROM],
        ...["env.DSN", "config.", "postgres.password", "postgres://u:p@h/d"].map((from): Case => [
            `  secrets: [{ name: dsn, from: "${from}" }]`,
            "9:26",
            "spec.secrets[0].from",
            "the value is not a source of secrets",
            FROM,
        ]),
        ...["DSN", "../x", ".", "a/b", ""].map((name): Case => [
            `  secrets: [{ name: "${name}", from: config.a }]`,
            "9:15",
            "spec.secrets[0].name",
            "the value is not a secret's name",
            "use lower-case letters",
        ]),
        [
            "  secrets:\n    - { name: a, from: config.a }\n    - { name: a, from: config.b }",
            "11:9",
            "spec.secrets[1].name",
            "is the same as that of item 0",
            "keep one of them",
        ],
        [
            "  secrets: [{ name: a, from: config.a, key: x }]",
            "9:40",
            "spec.secrets[0].key",
            "is not a known field",
            "known fields here: name, from",
        ],
    ]);
});

describe("transport", () => {
    added([
        [
            "  transport: { type: sse }",
            "9:16",
            "spec.transport.type",
            '"sse" is not a known transport',
            "write streamable-http",
        ],
        [
            "  transport: { path: mcp }",
            "9:16",
            "spec.transport.path",
            '"mcp" is not a URL path',
            "write it like /mcp",
        ],
        [
            "  transport: { containerPort: 0 }",
            "9:16",
            "spec.transport.containerPort",
            "0 is not a port",
            "use a whole number from 1 to 65535",
        ],
        ["  transport: http", "9:3", "spec.transport", "text is not a mapping", "write it like"],
    ]);
});

describe("resources", () => {
    const memory = (text: string, problem: string): Case =>
        [
            `  resources: { memory: ${text} }`,
            ...["9:16", "spec.resources.memory", problem, "write it like 256Mi or 1Gi"],
        ] as unknown as Case;
    added([
        ...["0.04", "65", '"0.5"', ".nan", ".inf"].map((cpus): Case => [
            `  resources: { cpus: ${cpus} }`,
            "9:16",
            "spec.resources.cpus",
            `${cpus.replace(".nan", "NaN").replace(".inf", "Infinity")} is not a number of CPUs`,
            "use a number from 0.05 to 64, without quotes",
        ]),
        memory("256mb", '"256mb" is not a memory size'),
        memory("256", "256 is not a memory size"),
        memory("1.5Gi", '"1.5Gi" is not a memory size'),
        memory("1000Ki", '"1000Ki" is not a whole number of Mi'),
        memory("63Mi", '"63Mi" is not from 64Mi to 1024Gi'),
        memory("1025Gi", '"1025Gi" is not from 64Mi to 1024Gi'),
        ...["15", "32769", "1.5"].map((pids): Case => [
            `  resources: { pids: ${pids} }`,
            "9:16",
            "spec.resources.pids",
            `${pids} is not a number of processes`,
            "use a whole number from 16 to 32768",
        ]),
        [
            "  resources: { cpu: 1 }",
            "9:16",
            "spec.resources.cpu",
            "is not a known field",
            "did you mean cpus?",
        ],
    ]);
});
