import { added, type Case } from "./manifest-cases";

const PATH = 'write an absolute path of letters, digits and . _ - without ".."';
const WRITE_EGRESS = 'write host:port, quoted, like "api.example.com:443"';

describe("volumes", () => {
    const volume = (path: string, problem: string, remedy: string): Case => [
        `  volumes: [{ source: shared, path: ${path} }]`,
        "9:31",
        "spec.volumes[0].path",
        `"${path}" ${problem}`,
        remedy,
    ];
    added([
        ...["data", "/", "/data/", "/a//b", "/a:b"].map((path) =>
            volume(path, "is not a folder to mount on", PATH),
        ),
        ...["/data/../etc", "/./data", "/data/.."].map((path) =>
            volume(path, 'has "." or ".." in it', "write the folder out"),
        ),
        ...["/run", "/run/x", "/tmp/x", "/proc/1", "/sys/fs", "/etc/ssl", "/dev/shm"].map((path) =>
            volume(
                path,
                `is in ${path.replace(/^(\/[a-z]+).*/, "$1")}, which is the system's own`,
                "use another folder, like /data",
            ),
        ),
        volume("/var/run/x", "is in /var/run, which is the system's own", "use another folder"),
        [
            "  volumes: [{ source: host, path: /data }]",
            "9:15",
            "spec.volumes[0].source",
            '"host" is not a known volume',
            "write shared, the shared data volume",
        ],
        [
            '  volumes: [{ source: shared, path: /data, readOnly: "yes" }]',
            "9:44",
            "spec.volumes[0].readOnly",
            '"yes" is not true or false',
            "write true or false without quotes",
        ],
        [
            "  volumes: [{ source: shared, path: /a }, { source: shared, path: /a }]",
            "9:61",
            "spec.volumes[1].path",
            "is the same as that of item 0",
            "keep one of them",
        ],
    ]);
});

describe("egress", () => {
    const targets = ["host", "host:0", "host:65536", "1.2.3.400:80", "*.example.com:443"];
    const more = ["Host:80", "a..b:80", "[::1]:80", "https://host:443", "a_b:80", "-a:80"];
    added([
        ...[...targets, ...more].map((target): Case => [
            `  egress: ["${target}"]`,
            "9:12",
            "spec.egress[0]",
            `"${target}" is not a host and port`,
            WRITE_EGRESS,
        ]),
        [
            "  egress: host:80",
            "9:3",
            "spec.egress",
            '"host:80" is not none or a list',
            "write none, or a list",
        ],
        ["  egress: false", "9:3", "spec.egress", "false is not none or a list", "write none"],
        [
            '  egress: ["*:80", "a:1", "*:80"]',
            "9:27",
            "spec.egress[2]",
            "is the same as item 0",
            "keep one of them",
        ],
        [
            `  egress: [${Array.from({ length: 65 }, (_, i) => `"a:${i + 1}"`).join(", ")}]`,
            "9:3",
            "spec.egress",
            "the list has more than 64 items",
            "shorten it",
        ],
    ]);
});

describe("health and stop", () => {
    const duration = "write it like 10s, 1m30s or 1h";
    const health = (text: string, key: string, problem: string, remedy: string): Case => [
        `  health: { ${key}: ${text} }`,
        "9:13",
        `spec.health.${key}`,
        problem,
        remedy,
    ];
    added([
        health("10", "interval", "10 is not a duration", duration),
        health("10ms", "timeout", '"10ms" is not a duration', duration),
        health('""', "startPeriod", '"" is not a duration', duration),
        health("0s", "interval", '"0s" is not from 1s to 1h', "write it like 10s"),
        health("11m", "timeout", '"11m" is not from 1s to 10m', "write it like 10s"),
        health("61m", "startPeriod", '"61m" is not from 0s to 1h', "write it like 10s"),
        health("0", "retries", "0 is not a number of tries", "use a whole number from 1 to 100"),
        health("[]", "test", "the list is empty", 'write it like ["node"'),
        [
            "  health: { test: [CMD, node] }",
            "9:20",
            "spec.health.test[0]",
            "CMD is Docker's notation, not a program",
            "write program and arguments only",
        ],
        [
            "  health: { test: [''] }",
            "9:20",
            "spec.health.test[0]",
            "is empty",
            "write the program",
        ],
        ["  stopGrace: 0s", "9:3", "spec.stopGrace", '"0s" is not from 1s to 30s', "like 10s"],
        ["  stopGrace: 5", "9:3", "spec.stopGrace", "5 is not a duration", duration],
    ]);
});

describe("tools", () => {
    const pattern = "use letters, digits and _ . -, with up to 3 *";
    added([
        [
            "  tools: [read]",
            "9:3",
            "spec.tools",
            "a list is not a mapping",
            "write allow: or deny:",
        ],
        [
            "  tools: { allowed: [] }",
            "9:12",
            "spec.tools.allowed",
            "is not a known field",
            "known fields here: allow, deny",
        ],
        [
            "  tools: { deny: write }",
            "9:12",
            "spec.tools.deny",
            "text is not a list of tools",
            'write a list like ["read_*"]',
        ],
        [
            '  tools: { allow: ["*a*b*c*"] }',
            "9:20",
            "spec.tools.allow[0]",
            '"*a*b*c*" is not a tool\'s name or pattern',
            pattern,
        ],
        [
            '  tools: { deny: ["a b"] }',
            "9:19",
            "spec.tools.deny[0]",
            '"a b" is not a tool\'s name or pattern',
            pattern,
        ],
        [
            "  tools: { deny: [a, a] }",
            "9:22",
            "spec.tools.deny[1]",
            "is the same as item 0",
            "keep one of them",
        ],
    ]);
});

describe("fields that do not exist", () => {
    added([
        [
            "  replicas: 3",
            "9:3",
            "spec.replicas",
            "is not a known field",
            "known fields here: build,",
        ],
        ["  stop_grace: 1s", "9:3", "spec.stop_grace", "is not a known field", "mean stopGrace?"],
        ["  env: {}", "9:3", "spec.env", "is not a known field", "did you mean environment?"],
        ["  __proto__: {}", "9:3", "spec.__proto__", "is not a known field", "known fields here"],
    ]);
});
