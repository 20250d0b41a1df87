/** A pipeline as a process of its own, to be killed: arguments are folder, port of the daemon, container names. */
import Docker from "dockerode";
import { pino } from "pino";

import { DEFAULT_LIMITS, LogPipeline } from "../../src/logs/index.ts";
import { server, StillFleet } from "./still-fleet.ts";

const [dir = "", port = "", ...names] = process.argv.slice(2);
const pipeline = new LogPipeline({
    docker: new Docker({ protocol: "http", host: "127.0.0.1", port: Number(port) }),
    fleet: new StillFleet(names.map((name) => server(name))),
    dir,
    limits: { ...DEFAULT_LIMITS, fileBytes: 4 * 1024 * 1024, files: 1_000 },
    log: pino({ level: "warn" }, pino.destination({ dest: 1, sync: true })),
});
pipeline.start();
process.on("SIGTERM", () => void pipeline.stop().then(() => process.exit(0)));
