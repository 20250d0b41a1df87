import { connect, type ConnectOptions } from "../../../cli/commands/connect";
import type { Endpoints } from "../../../cli/connect/targets";
import { CliError } from "../../../cli/errors";
import { openSession } from "../../../cli/session";

/** The command as a process of its own: CLIENT OPTIONS ENDPOINTS, the latter two as JSON. */
const [client = "", options = "{}", endpoints = "{}"] = process.argv.slice(2);

connect(
    openSession({ stack: "dev", json: process.env.AS_JSON === "1" }),
    client,
    JSON.parse(options) as ConnectOptions,
    JSON.parse(endpoints) as Endpoints,
).catch((error: unknown) => {
    if (!(error instanceof CliError)) throw error;
    process.stderr.write(`${error.message}\n${error.remedy ?? ""}\n`);
    process.exitCode = error.exitCode;
});
