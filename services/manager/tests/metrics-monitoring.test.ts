/** Alerts, dashboard and example in monitoring/ against the metrics there are, and against Prometheus's own checker. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { parse, stringify } from "yaml";

import { Metrics as GatewayMetrics } from "../../gateway/src/metrics.ts";
import { createMetrics } from "../src/metrics/index.ts";
import { busyFleet, busyLogs } from "./support/busy-snapshot.ts";
import { check, folder } from "./support/log-stage.ts";

const MONITORING = fileURLToPath(new URL("../monitoring/", import.meta.url));
const PROMTOOL = spawnSync("promtool", ["--version"]).error === undefined;
const NO_PROMTOOL = "promtool is not on this machine (Debian: apt-get install prometheus)";
/** As long as one needs that a busy machine starts. */
const PROMTOOL_MS = 30_000;

interface Rule {
    readonly alert: string;
    readonly expr: string;
    readonly labels: { readonly severity: string };
    readonly annotations: Record<string, string>;
}

interface Panel {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly description?: string;
    readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
    readonly gridPos: {
        readonly x: number;
        readonly y: number;
        readonly w: number;
        readonly h: number;
    };
}

const alerts = parse(readFileSync(join(MONITORING, "alerts.yml"), "utf8")) as {
    groups: { name: string; rules: Rule[] }[];
};
const rules = alerts.groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(join(MONITORING, "grafana-dashboard.json"), "utf8")) as {
    templating: { list: { name: string; type: string }[] };
    panels: Panel[];
};
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

function promtool(args: readonly string[], input = ""): void {
    const options = { cwd: MONITORING, input, encoding: "utf8", timeout: PROMTOOL_MS } as const;
    const { status, stdout, stderr } = spawnSync("promtool", args, options);
    assert.equal(status, 0, stdout + stderr);
}

function withPromtool(name: string, body: (t: TestContext) => void | Promise<void>): void {
    void test(name, { skip: PROMTOOL ? false : NO_PROMTOOL, timeout: 2 * PROMTOOL_MS }, body);
}

async function exposition(): Promise<string> {
    const fleet = busyFleet(3);
    const metrics = createMetrics(fleet, busyLogs(fleet));
    metrics.observeRequest({ method: "GET", route: "/servers", status: 200, seconds: 0.01 });
    return metrics.text();
}

/** What the manager hands on from the gateway, with a call and a refusal in it. */
async function gatewayExposition(): Promise<string> {
    const metrics = new GatewayMetrics({ sessions: () => new Map(), exchanges: () => 0 });
    metrics.call({ client: "a", server: "b", tool: "c", outcome: "ok" }, 0.1);
    metrics.refused("a", "rate");
    metrics.toolsChanged("b", true);
    return `mcp_gateway_up 1\n${await metrics.text()}`;
}

withPromtool("promtool check metrics finds nothing", async () => {
    promtool(["check", "metrics"], await exposition());
});

withPromtool("promtool accepts the alerts, their tests and the example", () => {
    promtool(["check", "rules", "alerts.yml"]);
    promtool(["test", "rules", "alerts.test.yml"]);
    promtool(["check", "config", "--syntax-only", "prometheus.example.yml"]);
});

withPromtool("every query of the dashboard is PromQL", (t) => {
    const file = join(folder(t), "queries.yml");
    const recorded = queries.map((expr, index) => ({
        record: `query:${index}`,
        expr: expr.replaceAll("$__rate_interval", "5m").replaceAll("$server", ".*"),
    }));
    writeFileSync(file, stringify({ groups: [{ name: "queries", rules: recorded }] }));
    promtool(["check", "rules", "--lint=none", file]);
});

check("every metric in alerts and dashboard is one that is emitted", async () => {
    const text = (await exposition()) + (await gatewayExposition());
    const emitted = new Set(text.match(/^[a-z_]+(?=[{ ])/gm));
    for (const expr of [...rules.map(({ expr }) => expr), ...queries]) {
        const names = expr.match(/\b(?:mcp|process|nodejs)_[a-z_]+\b/g) ?? [];
        for (const name of names) assert.ok(emitted.has(name), `${name} in ${expr}`);
        assert.ok(names.length > 0 || expr.includes("up{"), expr);
    }
});

check("every alert says what, why and what to do, with a command of ours", () => {
    for (const { alert, labels, annotations } of rules) {
        assert.match(alert, /^Mcp[A-Z]/);
        assert.match(labels.severity, /^(critical|warning)$/);
        assert.deepEqual(Object.keys(annotations), ["summary", "description", "runbook"], alert);
        assert.match(annotations.runbook ?? "", /\.\/mcp |docker exec /, alert);
    }
    const tested = readFileSync(join(MONITORING, "alerts.test.yml"), "utf8");
    for (const { alert } of rules) assert.ok(tested.includes(alert), `${alert} has no test`);
});

check("the dashboard asks for its data source and fits its grid", () => {
    const variables = dashboard.templating.list.map(({ name }) => name);
    assert.deepEqual(variables, ["datasource", "server"]);
    const text = JSON.stringify(dashboard);
    assert.equal(text.match(/"uid":"(?!\$\{datasource\}|mcp-orchestrator)/), null);
    const ids = dashboard.panels.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    const taken = new Set<string>();
    for (const { title, type, description, targets = [], gridPos } of dashboard.panels) {
        if (type !== "row") assert.ok(targets.length > 0 && description, title);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
            for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
                assert.ok(x < 24 && !taken.has(`${x},${y}`), `${title} overlaps at ${x},${y}`);
                taken.add(`${x},${y}`);
            }
        }
    }
});
