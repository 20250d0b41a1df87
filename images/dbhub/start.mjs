// Starts dbhub on the connection string in /run/secrets/dsn, read-only and lazily connected (so that it comes up
// while the database is down and says so per call). The configuration lives on the tmpfs, for this user alone.
import { readFileSync, writeFileSync } from "node:fs";

const dsnFile = process.env.DSN_FILE ?? "/run/secrets/dsn";
let dsn;
try {
    dsn = readFileSync(dsnFile, "utf8").trim();
} catch (error) {
    console.error(
        `dbhub: no connection string at ${dsnFile} (${error.code}); give the manifest a secret named "dsn"`,
    );
    process.exit(2);
}
const config = `[[sources]]
id = "default"
dsn = ${JSON.stringify(dsn)}
lazy = true
query_timeout = 15

[[tools]]
name = "execute_sql"
source = "default"
readonly = true
max_rows = 1000

[[tools]]
name = "search_objects"
source = "default"
`;
writeFileSync("/tmp/dbhub.toml", config, { mode: 0o600 });
process.argv = [
    process.argv[0],
    "/opt/dbhub/node_modules/@bytebase/dbhub/dist/index.js",
    "--config=/tmp/dbhub.toml",
    "--transport=http",
    "--host=0.0.0.0",
    `--port=${process.env.MCP_PORT ?? "3000"}`,
    `--allowed-hosts=${process.env.MCP_ALLOWED_HOSTS || "127.0.0.1,localhost"}`,
    "--no-open",
];
await import(process.argv[1]);
