/** What a scrape shows of a snapshot. */
import assert from "node:assert/strict";

import { createMetrics, type Metrics } from "../src/metrics/index.ts";
import { busyFleet, busyLogs, busyServer } from "./support/busy-snapshot.ts";
import { check } from "./support/log-stage.ts";
import { server, StillFleet } from "./support/still-fleet.ts";

/** The samples of a text, by series. */
async function samples(metrics: Metrics): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    for (const line of (await metrics.text()).split("\n")) {
        const [, series, value] = /^([^#]\S*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
        if (series !== undefined) found.set(series, Number(value));
    }
    return found;
}

check("a server's answer, use, limits, restarts and logs are shown in base units", async () => {
    const fleet = busyFleet(1);
    const shown = await samples(createMetrics(fleet, busyLogs(fleet)));
    const expected = {
        'mcp_server_up{server="s0"}': 1,
        'mcp_server_tools{server="s0"}': 20,
        'mcp_server_probe_duration_seconds{server="s0"}': 0.08,
        'mcp_server_probe_timestamp_seconds{server="s0"}': Date.UTC(2026, 10, 27, 12, 0, 5) / 1000,
        'mcp_container_info{server="s0",component="server",origin="manifest",image="sha256:0000"}': 1,
        'mcp_container_state{server="s0",state="running"}': 1,
        'mcp_container_state{server="s0",state="exited"}': 0,
        'mcp_container_health{server="s0",health="healthy"}': 1,
        'mcp_container_health{server="s0",health="unhealthy"}': 0,
        'mcp_container_start_time_seconds{server="s0"}': Date.UTC(2026, 10, 27, 12) / 1000,
        'mcp_container_restarts_total{server="s0"}': 2,
        'mcp_container_oom_kills_total{server="s0"}': 1,
        'mcp_container_cpu_usage_cores{server="s0"}': 0.25,
        'mcp_container_cpu_limit_cores{server="s0"}': 1,
        'mcp_container_memory_usage_bytes{server="s0"}': 100_000_000,
        'mcp_container_memory_limit_bytes{server="s0"}': 512 * 1024 * 1024,
        'mcp_container_pids{server="s0"}': 12,
        'mcp_container_pids_limit{server="s0"}': 100,
        'mcp_log_lines_total{server="s0"}': 10,
        'mcp_log_bytes_total{server="s0"}': 1_000,
        'mcp_log_truncated_lines_total{server="s0"}': 1,
        'mcp_log_gaps_total{server="s0"}': 2,
        'mcp_log_read_failures_total{server="s0"}': 3,
        mcp_log_write_failing: 0,
        mcp_log_streams: 2,
        mcp_log_stored_bytes: 5_000,
        mcp_daemon_reachable: 1,
        'mcp_daemon_info{version="28.5.2"}': 1,
        'mcp_disk_used_bytes{volume="mcp-logs"}': 1_000,
        'mcp_disk_size_bytes{volume="mcp-logs"}': 4_000,
        'mcp_certificate_expiry_timestamp_seconds{certificate="client"}':
            Date.UTC(2027, 10, 27, 12) / 1000,
    };
    for (const [series, value] of Object.entries(expected)) {
        assert.equal(shown.get(series), value, series);
    }
    assert.ok((shown.get("mcp_manager_snapshot_age_seconds") ?? 99) < 60);
    assert.ok((shown.get("process_resident_memory_bytes") ?? 0) > 0);
});

check("what is not known has no series; a server not asked yet is not up", async () => {
    const limits = { memoryBytes: 0, cpus: 0, pids: 0 };
    const fleet = new StillFleet([server("a", { limits, startedAt: undefined })]);
    const shown = await samples(createMetrics(fleet, busyLogs(new StillFleet([]))));
    const ofA = [...shown.keys()].filter((series) => series.includes('server="a"'));
    const names = new Set(ofA.map((series) => series.replace(/\{.*/, "")));
    assert.deepEqual([...names].sort(), [
        "mcp_container_health",
        "mcp_container_info",
        "mcp_container_oom_kills_total",
        "mcp_container_restarts_total",
        "mcp_container_state",
        "mcp_server_up",
    ]);
    assert.equal(shown.get('mcp_server_up{server="a"}'), 0);
});

check("only servers are up or not; the manager is a container alone", async () => {
    const fleet = busyFleet(1);
    const shown = await samples(createMetrics(fleet, busyLogs(fleet)));
    assert.equal(shown.has('mcp_server_up{server="mcp-manager"}'), false);
    assert.equal(shown.get('mcp_container_restarts_total{server="mcp-manager"}'), 0);
});

check("series follow the snapshot: a container that is gone has none", async () => {
    const fleet = busyFleet(2);
    const metrics = createMetrics(fleet, busyLogs(fleet));
    const of = async (name: string) =>
        [...(await samples(metrics)).keys()].filter((series) => series.includes(`"${name}"`));
    assert.ok((await of("s1")).length > 20);
    const down = {
        up: false,
        tools: [],
        milliseconds: 6_000,
        reason: "no answer",
        at: "2026-11-27T12:01:00Z",
    };
    fleet.change({ containers: [{ ...busyServer("s0", 1), mcp: down }] });
    assert.deepEqual(await of("s1"), []);
    const shown = await samples(metrics);
    assert.equal(shown.get('mcp_server_up{server="s0"}'), 0);
    assert.equal(shown.has('mcp_server_tools{server="s0"}'), false);
    fleet.change({
        daemon: { reachable: false, reason: "refused", since: "2026-11-27T12:01:00Z" },
    });
    const lost = await samples(metrics);
    assert.equal(lost.get("mcp_daemon_reachable"), 0);
    assert.equal(
        [...lost.keys()].some((series) => series.startsWith("mcp_daemon_info")),
        false,
    );
});

check("requests of the API are counted, and their time", async () => {
    const metrics = createMetrics(busyFleet(0), busyLogs(new StillFleet([])));
    const request = { method: "GET", route: "/servers/:name", status: 200, seconds: 0.02 };
    metrics.observeRequest(request);
    metrics.observeRequest({ ...request, status: 404, seconds: 3 });
    const shown = await samples(metrics);
    const labels = 'method="GET",route="/servers/:name"';
    assert.equal(shown.get(`mcp_manager_http_requests_total{${labels},status="404"}`), 1);
    const name = "mcp_manager_http_request_duration_seconds";
    assert.equal(shown.get(`${name}_count{${labels}}`), 2);
    assert.equal(shown.get(`${name}_sum{${labels}}`), 3.02);
    assert.equal(shown.get(`${name}_bucket{le="0.025",${labels}}`), 1);
});

check("two registries do not disturb each other, and a name cannot break the format", async () => {
    const odd = 'a"b\\c\nd';
    const fleet = new StillFleet([server(odd)]);
    createMetrics(fleet, busyLogs(fleet));
    const text = await createMetrics(fleet, busyLogs(fleet)).text();
    assert.ok(text.includes('mcp_server_up{server="a\\"b\\\\c\\nd"} 0'));
});

check("a scrape of 40 servers takes less than 20 ms", async (t) => {
    const fleet = busyFleet(40);
    const metrics = createMetrics(fleet, busyLogs(fleet));
    const times: number[] = [];
    for (let scrape = 0; scrape < 50; scrape++) {
        const begun = performance.now();
        await metrics.text();
        times.push(performance.now() - begun);
    }
    // The median: a scrape that the machine interrupted says nothing about the program.
    const median = times.sort((a, b) => a - b)[25] as number;
    t.diagnostic(`${median.toFixed(2)} ms, ${(await metrics.text()).length} bytes`);
    assert.ok(median < 20, `${median} ms`);
});
