import { callTool, connected, type Door } from "../clients";
import { exec } from "../docker";
import { knock } from "../http";
import type { TestStack } from "../stack";
import { PORTS } from "./servers";

/** Ways to write that a client may try, one call each. */
const WRITES = [
    ["an INSERT", "INSERT INTO sample.books VALUES (99, 1, 'x', 2000)"],
    ["an UPDATE", "UPDATE sample.books SET title = 'x'"],
    ["a DELETE", "DELETE FROM sample.books"],
    ["a DELETE after COMMIT", "COMMIT; DELETE FROM sample.books"],
    ["a DELETE after a SELECT", "SELECT 1; DELETE FROM sample.books"],
    ["a DELETE in WITH", "WITH gone AS (DELETE FROM sample.books RETURNING 1) SELECT * FROM gone"],
    ["a DELETE in EXPLAIN ANALYZE", "EXPLAIN ANALYZE DELETE FROM sample.books"],
    ["a DELETE behind a comment", "/* SELECT */ DELETE FROM sample.books -- SELECT"],
    ["a DELETE by query_to_xml", "SELECT query_to_xml('DELETE FROM sample.books', true, true, '')"],
    ["a TRUNCATE", "TRUNCATE sample.books CASCADE"],
    ["a DROP", "DROP TABLE sample.books CASCADE"],
    ["a CREATE TABLE", "CREATE TABLE sample.made (id integer)"],
    ["a SELECT INTO", "SELECT * INTO sample.made FROM sample.books"],
    ["a CREATE in the public schema", "CREATE TABLE public.made (id integer)"],
    ["a DO block", "DO $$ BEGIN DELETE FROM sample.books; END $$"],
    ["COPY TO PROGRAM", "COPY sample.books TO PROGRAM 'cat > /tmp/stolen'"],
    ["COPY TO a file", "COPY sample.books TO '/tmp/stolen'"],
    ["COPY FROM PROGRAM", "COPY sample.books FROM PROGRAM 'echo'"],
    ["a large object", "SELECT lo_create(0)"],
    ["SET ROLE", "SET ROLE postgres"],
    ["SET of the read-only default", "SET default_transaction_read_only = off"],
] as const;

/** What the role may not look at. */
const FORBIDDEN = [
    ["another schema", "SELECT * FROM hidden.notes", /permission denied/],
    ["pg_authid", "SELECT rolpassword FROM pg_authid", /permission denied/],
    ["pg_shadow", "SELECT passwd FROM pg_shadow", /permission denied/],
    [
        "a file of the server",
        "SELECT pg_read_file('/etc/passwd')",
        /permission denied|not allowed|READONLY/,
    ],
    ["a folder of the server", "SELECT pg_ls_dir('/')", /permission denied|not allowed|READONLY/],
] as const;

/** postgres-mcp reads and nothing else, whoever asks and however. */
export function databaseTests(stack: TestStack): void {
    const door = (): Promise<Door> => stack.door(PORTS["postgres-mcp"]);
    const query = (sql: string) => callTool(door(), "execute_sql", { sql });

    /** psql in the database's container; as the superuser, or with a connection string. */
    const psql = (sql: string, dsn?: string) =>
        exec(stack.postgres, [
            "sh",
            "-c",
            'export PGPASSWORD="$(cat /etc/mcp/superuser-password)"; exec psql -X -A -t -v ON_ERROR_STOP=1 -d "$1" -c "$2"',
            "psql",
            dsn ?? "host=127.0.0.1 user=postgres dbname=mcp",
            sql,
        ]);

    /** The connection string the server was given, for use beside the database. */
    const readerDsn = async (database = "mcp"): Promise<string> => {
        const { stdout } = await stack.inside("postgres-mcp", ["cat", "/run/secrets/dsn"]);
        const dsn = new URL(stdout.trim());
        dsn.hostname = "127.0.0.1";
        dsn.pathname = `/${database}`;
        return dsn.href;
    };

    const state = async (): Promise<string> => {
        const made = "SELECT count(*) FROM pg_tables WHERE tablename = 'made'";
        const sums = "SELECT md5(string_agg(b::text, ',' ORDER BY id)) FROM sample.books b";
        return (await psql(`SELECT (${made}), (${sums})`)).stdout;
    };

    let slow: ReturnType<typeof query>;

    beforeAll(() => {
        // It takes its time while the other tests run.
        slow = query("SELECT pg_sleep(60)");
        slow.catch(() => undefined);
    });

    describe("postgres-mcp", () => {
        let before: string;

        beforeAll(async () => {
            const sql =
                "CREATE SCHEMA hidden; CREATE TABLE hidden.notes AS SELECT 'secret' AS note";
            expect(await psql(sql)).toMatchObject({ code: 0, stderr: "" });
            before = await state();
        });

        test.each(WRITES)("refuses %s", async (_what, sql) => {
            const { isError, text } = await query(sql);
            expect({ isError, text }).toMatchObject({ isError: true });
            expect(text).toMatch(/read-only|permission denied|non-volatile/i);
            expect(await state()).toBe(before);
        });

        test("refuses a write on a connection whose read-only default was turned off", async () => {
            await connected(door(), async (server) => {
                const off = "SELECT set_config('default_transaction_read_only', 'off', false)";
                await server.call("execute_sql", { sql: off });
                const now = "SELECT set_config('transaction_read_only', 'off', false)";
                const { isError } = await server.call("execute_sql", { sql: now });
                expect(isError).toBe(true);
                for (const sql of [
                    "INSERT INTO sample.books VALUES (98, 1, 'x', 2000)",
                    "SELECT lo_create(0)",
                ]) {
                    expect(await server.call("execute_sql", { sql })).toMatchObject({
                        isError: true,
                    });
                }
            });
            expect(await state()).toBe(before);
        });

        test.each(FORBIDDEN)("shows nothing of %s", async (_what, sql, why) => {
            const { isError, text } = await query(sql);
            expect(isError).toBe(true);
            expect(text).toMatch(why);
        });
    });

    describe("the role of the servers, without the server in front", () => {
        test.each([
            "INSERT INTO sample.books VALUES (97, 1, 'x', 2000)",
            "DELETE FROM sample.books",
            "TRUNCATE sample.books",
            "CREATE TABLE sample.made (id integer)",
            "CREATE TABLE public.made (id integer)",
            "CREATE TEMPORARY TABLE made (id integer)",
            "CREATE SCHEMA made",
            "DO $$ BEGIN DELETE FROM sample.books; END $$",
            "COPY sample.books TO PROGRAM 'cat'",
            "COPY sample.books TO '/tmp/stolen'",
            "SELECT * FROM hidden.notes",
            "SELECT * FROM pg_authid",
            "SELECT pg_read_file('/etc/passwd')",
            "SET ROLE postgres",
            "SET SESSION AUTHORIZATION postgres",
        ])("has no right to: %s", async (sql) => {
            const writable = `SET default_transaction_read_only = off`;
            const dsn = await readerDsn();
            const { code, stderr } = await exec(stack.postgres, [
                ...["psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", dsn],
                ...["-c", writable, "-c", sql],
            ]);
            expect(stderr).toMatch(/permission denied|must be owner/);
            expect(code).not.toBe(0);
        });

        test("reads tables of the sample that are made later", async () => {
            const made = await psql("CREATE TABLE sample.later AS SELECT 7 AS number");
            expect(made).toMatchObject({ code: 0 });
            const { isError, text } = await query("SELECT number FROM sample.later");
            expect(await psql("DROP TABLE sample.later")).toMatchObject({ code: 0 });
            expect(isError).toBe(false);
            expect(text).toMatch(/"number": 7/);
        });

        test("cannot connect to another database", async () => {
            const { code, stderr } = await psql("SELECT 1", await readerDsn("postgres"));
            expect(stderr).toMatch(/permission denied for database/);
            expect(code).not.toBe(0);
        });

        test("cannot log in with a wrong password", async () => {
            const dsn = new URL(await readerDsn());
            dsn.password = "0".repeat(64);
            const { code, stderr } = await psql("SELECT 1", dsn.href);
            expect(stderr).toMatch(/password authentication failed/);
            expect(code).not.toBe(0);
        });
    });

    test("a query that takes too long is ended", async () => {
        const { isError, text } = await slow;
        expect(isError).toBe(true);
        expect(text).toMatch(/timeout/);
    });

    test("PostgreSQL is not published on the host", async () => {
        expect(await knock("127.0.0.1", 5432)).not.toBe("open");
        expect(await knock("127.0.0.1", stack.port(5432))).not.toBe("open");
    });
}
