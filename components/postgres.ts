import * as docker from "@pulumi/docker";
import * as pulumi from "@pulumi/pulumi";

import { PORTS, POSTGRES_HOST } from "../config/defaults";

import { upload } from "./container-types";
import { managedContainer } from "./managed-container";
import type { NetworkPair } from "./network-pair";
import { generatedPassword } from "./password";
import { labelList, ownerLabels, type StackContext } from "./stack-context";

export const POSTGRES_TYPE = "mcp:host:Postgres";

const DATABASE = "mcp";
const READER = "mcp_reader";
/** Where the data volume is mounted; the database lies one folder below, so that it can be moved in place whole. */
const DATA = "/var/lib/postgresql/data";
const FILES = "/etc/mcp";

export interface PostgresArgs {
    readonly context: StackContext;
    /** Image with PostgreSQL's binaries, by digest or content id. */
    readonly image: pulumi.Input<string>;
    readonly networks: NetworkPair;
    /** Start script and the seed applied to a new database. Plain file contents. */
    readonly files: { readonly start: string; readonly seed: string };
}

/**
 * The managed PostgreSQL, on `sutazai-dind-internal` alone: no published port, no route out.
 *
 * Servers get a role that can only read: SELECT on existing and future tables of the sample schema, read-only
 * transactions, a statement timeout and a connection limit. Roles are applied at every start.
 */
export class Postgres extends pulumi.ComponentResource {
    /** Connection string of the read-only role, as seen from inside the orchestrator. Secret. */
    public readonly readerDsn: pulumi.Output<string>;

    constructor(name: string, args: PostgresArgs, opts?: pulumi.ComponentResourceOptions) {
        super(POSTGRES_TYPE, name, {}, opts);
        const { context, networks, files } = args;
        const { settings, names, addresses } = context;
        const child = { parent: this };
        const superuser = generatedPassword(`${name}-superuser`, child);
        const reader = generatedPassword(`${name}-reader`, child);
        const data = new docker.Volume(
            `${name}-data`,
            {
                name: names.volumes.postgres,
                driver: "local",
                labels: labelList(ownerLabels(settings.stack, "volume-postgres")),
            },
            { ...child, deleteBeforeReplace: true, protect: settings.protect },
        );
        managedContainer(
            `${name}-container`,
            {
                containerName: names.postgres,
                image: args.image,
                user: "999:999",
                entrypoint: [`${FILES}/mcp-postgres`],
                environment: {
                    PGDATA: `${DATA}/pgdata`,
                    MCP_SUPERUSER_PASSWORD_FILE: `${FILES}/superuser-password`,
                    MCP_ROLES_SQL: `${FILES}/roles.sql`,
                    MCP_SEED_SQL: `${FILES}/seed.sql`,
                },
                memoryMb: 512,
                cpus: 1,
                init: true,
                stopGraceSeconds: 20,
                tmpfs: { "/tmp": "rw,nosuid,nodev,noexec,size=64m,mode=1777" },
                networks: [{ name: networks.internal, ipv4Address: addresses.internal.postgres }],
                volumes: [{ volumeName: data.name, containerPath: DATA }],
                uploads: [
                    upload(`${FILES}/mcp-postgres`, files.start, "0555"),
                    upload(`${FILES}/seed.sql`, files.seed, "0444"),
                    // Root owns an upload and the database runs as 999: readable to all of this container, which is it.
                    upload(`${FILES}/roles.sql`, rolesSql(superuser, reader), "0444"),
                    upload(`${FILES}/superuser-password`, superuser, "0444"),
                ],
                labels: ownerLabels(settings.stack, "postgres"),
                health: {
                    test: ["CMD-SHELL", `pg_isready -q -h 127.0.0.1 -U postgres -d ${DATABASE}`],
                    intervalSeconds: 2,
                    timeoutSeconds: 5,
                    startPeriodSeconds: 60,
                    retries: 5,
                },
            },
            child,
        );
        this.readerDsn = pulumi.secret(
            pulumi.interpolate`postgres://${READER}:${reader}@${POSTGRES_HOST}:${String(PORTS.postgres)}/${DATABASE}?sslmode=disable`,
        );
        this.registerOutputs({ readerDsn: this.readerDsn });
    }
}

/** One statement a line: single-user mode ends a statement at the line's end. Passwords are hexadecimal. */
function rolesSql(
    superuser: pulumi.Output<string>,
    reader: pulumi.Output<string>,
): pulumi.Output<string> {
    return pulumi.interpolate`ALTER ROLE postgres PASSWORD '${superuser}';
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${READER}') THEN CREATE ROLE ${READER}; END IF; END $$;
ALTER ROLE ${READER} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 10 PASSWORD '${reader}';
ALTER ROLE ${READER} SET default_transaction_read_only = on;
ALTER ROLE ${READER} SET statement_timeout = '15s';
ALTER ROLE ${READER} SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE ${READER} SET search_path = sample;
REVOKE ALL ON DATABASE ${DATABASE}, postgres, template1 FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CONNECT ON DATABASE ${DATABASE} TO ${READER};
GRANT USAGE ON SCHEMA sample TO ${READER};
GRANT SELECT ON ALL TABLES IN SCHEMA sample TO ${READER};
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA sample GRANT SELECT ON TABLES TO ${READER};
`;
}
