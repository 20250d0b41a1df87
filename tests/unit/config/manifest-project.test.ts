import { readFileSync } from "node:fs";
import * as path from "node:path";
import { MANIFEST_DEFAULTS as D, PORTS } from "../../../config/defaults";
import { loadManifests, type ServerManifest } from "../../../config/manifest";
import { at } from "../../../config/manifest-rules";
import { SCHEMA_FILE } from "../../../config/manifest-schema";
import { formatDuration, formatMemory } from "../../../config/units";

const FOLDER = path.join(__dirname, "..", "..", "..", "manifests");
const schema: unknown = JSON.parse(readFileSync(SCHEMA_FILE, "utf8"));

/** A keyword of a field's schema, like ("resources.cpus", "default"). */
function keyword(field: string, name: string): unknown {
    const steps = field.split(".").flatMap((part) => ["properties", part]);
    return at(schema, ["properties", "spec", ...steps, name]);
}

describe("the servers of this project", () => {
    const servers = loadManifests(FOLDER);
    const summary = ({ name, source, port, resources, egress }: ServerManifest): unknown[] => [
        ...[name, source, port, resources.cpus, resources.memoryMb, egress],
    ];

    test("images, ports, limits and egress", () => {
        expect(servers.map(summary)).toEqual([
            ["files-mcp", { kind: "build", image: "bridge" }, 13002, 0.5, 256, []],
            ["http-mcp", { kind: "build", image: "bridge" }, 13003, 0.5, 256, ["*:80", "*:443"]],
            ["postgres-mcp", { kind: "build", image: "dbhub" }, 13001, 1, 512, ["postgres:5432"]],
        ]);
    });

    test("only postgres-mcp gets a secret, only files-mcp a volume", () => {
        expect(servers.map((server) => server.secrets)).toEqual([
            [],
            [],
            [{ name: "dsn", from: "postgres.dsn" }],
        ]);
        expect(servers.map((server) => server.volumes)).toEqual([
            [{ source: "shared", path: "/data", readOnly: false }],
            [],
            [],
        ]);
    });

    test("editors check them against the schema", () => {
        for (const { file } of servers) {
            const text = readFileSync(path.join(FOLDER, path.basename(file)), "utf8");
            expect(text.split("\n")[0]).toBe("# yaml-language-server: $schema=./schema.json");
        }
    });
});

describe("the schema and the program agree", () => {
    test("on defaults", () => {
        expect({
            path: keyword("transport.path", "default"),
            containerPort: keyword("transport.containerPort", "default"),
            cpus: keyword("resources.cpus", "default"),
            memory: keyword("resources.memory", "default"),
            pids: keyword("resources.pids", "default"),
            interval: keyword("health.interval", "default"),
            timeout: keyword("health.timeout", "default"),
            retries: keyword("health.retries", "default"),
            startPeriod: keyword("health.startPeriod", "default"),
            stopGrace: keyword("stopGrace", "default"),
        }).toEqual({
            path: D.transportPath,
            containerPort: PORTS.mcp,
            cpus: D.cpus,
            memory: formatMemory(D.memoryMb),
            pids: D.pids,
            interval: formatDuration(D.intervalSeconds),
            timeout: formatDuration(D.timeoutSeconds),
            retries: D.retries,
            startPeriod: "60s",
            stopGrace: formatDuration(D.stopGraceSeconds),
        });
        expect(D.startPeriodSeconds).toBe(60);
    });

    test("on the ports that are taken, also in words", () => {
        const own = Object.values(PORTS).flatMap((port) =>
            typeof port === "object" ? Object.values<number>(port) : [],
        );
        const sorted = own.sort((a, b) => a - b);
        expect(keyword("port", "not")).toEqual({ enum: sorted });
        expect(keyword("port", "x-remedy")).toContain(`(${sorted.join(", ")})`);
    });

    test("every field that can be wrong says what it is and what to do", () => {
        const mute: string[] = [];
        const visit = (node: unknown, where: string): void => {
            if (typeof node !== "object" || node === null) return;
            const ruled = ["type", "pattern", "const"].some((key) => Object.hasOwn(node, key));
            const spoken = Object.hasOwn(node, "x-is") && Object.hasOwn(node, "x-remedy");
            if (ruled && !spoken && !/(properties|if)$/.test(where)) mute.push(where);
            for (const [key, value] of Object.entries(node)) visit(value, `${where}/${key}`);
        };
        visit(schema, "#");
        expect(mute).toEqual([]);
    });
});
