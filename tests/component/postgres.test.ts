import { Postgres } from "../../components/postgres";
import { containerInputs, labelsOf, uploadTo } from "../support/docker";
import { IMAGE, hostParts, onHost, stackContext } from "../support/fixtures";
import {
    isSecret,
    isSecretInput,
    startMocks,
    valueOf,
    type Recorded,
    type Recorder,
} from "../../cli/graph/mocks";

const FILES = { start: "#!/bin/sh\nexec postgres\n", seed: "CREATE SCHEMA sample;\n" };

let recorder: Recorder;

beforeEach(async () => {
    recorder = await startMocks();
});

async function postgres(
    config: Record<string, string> = {},
): Promise<{ component: Postgres; container: Recorded; dsn: string; password: string }> {
    const [context, opts] = [stackContext(config), onHost()];
    const { networks } = hostParts(context, opts);
    const args = { context, image: IMAGE, networks, files: FILES };
    const component = new Postgres("postgres", args, opts);
    await recorder.settle();
    const dsn = await valueOf(component.readerDsn);
    const container = recorder.one("Container", "postgres-container");
    return { component, container, dsn, password: new URL(dsn).password };
}

test("is a container, its volume and two passwords, on the host", async () => {
    const { container } = await postgres();
    expect(recorder.below("postgres")).toEqual([
        "docker:index/container:Container postgres-container",
        "docker:index/volume:Volume postgres-data",
        "tls:index/privateKey:PrivateKey postgres-reader",
        "tls:index/privateKey:PrivateKey postgres-superuser",
    ]);
    expect(container.provider).toBe("host");
    expect(recorder.one("Volume", "postgres-data").provider).toBe("host");
});

test("publishes no port", async () => {
    const { container } = await postgres();
    expect(container.inputs.ports).toEqual([]);
    expect(container.inputs).not.toHaveProperty("publishAllPorts");
});

test("is on the internal network alone, at its fixed address", async () => {
    const { container } = await postgres();
    expect(containerInputs(container).networksAdvanced).toEqual([
        { name: "sutazai-dind-internal", ipv4Address: "172.30.0.10" },
    ]);
    expect(container.inputs).not.toHaveProperty("networkMode");
});

test("runs confined, as its own user, without swap, and waits for an answer", async () => {
    const { container } = await postgres();
    expect(container.inputs).toMatchObject({
        name: "sutazai-mcp-postgres",
        image: IMAGE,
        user: "999:999",
        capabilities: { drops: ["ALL"] },
        securityOpts: ["no-new-privileges"],
        memory: 512,
        memorySwap: 512,
        wait: true,
    });
    expect(container.inputs).not.toHaveProperty("privileged");
    expect(containerInputs(container).healthcheck?.tests.join(" ")).toContain("pg_isready");
});

test("keeps its data in one volume, below the mount point", async () => {
    const { container } = await postgres();
    expect(containerInputs(container).volumes).toEqual([
        { volumeName: "mcp-postgres-data", containerPath: "/var/lib/postgresql/data" },
    ]);
    expect(containerInputs(container).envs).toContain("PGDATA=/var/lib/postgresql/data/pgdata");
    expect(labelsOf(recorder.one("Volume", "postgres-data"))).toMatchObject({
        "mcp.component": "volume-postgres",
    });
});

test.each([
    ["true", true],
    ["false", false],
])("protect %p reaches the data volume", async (protect, expected) => {
    await postgres({ protect });
    expect(recorder.one("Volume", "postgres-data").options.protect).toBe(expected);
});

describe("passwords", () => {
    test("the connection string is secret and names the read-only role and the fixed host", async () => {
        const { component, dsn } = await postgres();
        expect(await isSecret(component.readerDsn)).toBe(true);
        expect(dsn).toMatch(
            /^postgres:\/\/mcp_reader:[0-9a-f]{64}@postgres:5432\/mcp\?sslmode=disable$/,
        );
    });

    test("superuser and reader have different ones", async () => {
        const { container, password } = await postgres();
        const superuser = uploadTo(container, "/etc/mcp/superuser-password").content;
        expect(superuser).toMatch(/^[0-9a-f]{64}$/);
        expect(superuser).not.toBe(password);
    });

    test("are in secret uploads and nowhere else", async () => {
        const { container, password } = await postgres();
        const superuser = uploadTo(container, "/etc/mcp/superuser-password").content;
        const { uploads, ...visible } = container.inputs;
        expect(JSON.stringify(uploads)).toContain(password);
        expect(isSecretInput(container, "uploads[0].content")).toBe(true);
        for (const secret of [password, superuser]) {
            expect(JSON.stringify(visible)).not.toContain(secret);
        }
        expect(containerInputs(container).envs.join()).not.toMatch(/PASSWORD=/);
    });
});

describe("roles", () => {
    const roles = async (): Promise<{ sql: string; superuser: string; password: string }> => {
        const { container, password } = await postgres();
        const superuser = uploadTo(container, "/etc/mcp/superuser-password").content;
        return { sql: uploadTo(container, "/etc/mcp/roles.sql").content, superuser, password };
    };

    test("the reader has its password and can only read, briefly, a few at a time", async () => {
        const { sql, password } = await roles();
        expect(sql).toContain(
            "ALTER ROLE mcp_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION " +
                `NOBYPASSRLS CONNECTION LIMIT 10 PASSWORD '${password}';`,
        );
        expect(sql).toContain("ALTER ROLE mcp_reader SET default_transaction_read_only = on;");
        expect(sql).toMatch(/ALTER ROLE mcp_reader SET statement_timeout = '\d+s';/);
    });

    test("grants are CONNECT, USAGE and SELECT, and nothing else", async () => {
        const { sql } = await roles();
        const granted = [...sql.matchAll(/\bGRANT ([A-Z, ]+?) ON/g)].map(([, what]) => what);
        expect(new Set(granted)).toEqual(new Set(["CONNECT", "USAGE", "SELECT"]));
        expect(sql).toContain("REVOKE ALL ON DATABASE mcp, postgres, template1 FROM PUBLIC;");
        expect(sql).toContain("REVOKE CREATE ON SCHEMA public FROM PUBLIC;");
    });

    test("tables made later can be read as well", async () => {
        const { sql } = await roles();
        expect(sql).toMatch(
            /ALTER DEFAULT PRIVILEGES .*IN SCHEMA sample GRANT SELECT ON TABLES TO mcp_reader;/,
        );
    });

    test("the superuser's password is set anew at every start", async () => {
        const { sql, superuser } = await roles();
        expect(sql).toContain(`ALTER ROLE postgres PASSWORD '${superuser}';`);
    });

    test("are one statement a line, as single-user mode reads them, and can be applied twice", async () => {
        const { sql } = await roles();
        const lines = sql.trimEnd().split("\n");
        expect(lines.filter((line) => !/^[A-Z].*;$/.test(line))).toEqual([]);
        const creating = lines.filter((line) => line.includes("CREATE ROLE"));
        expect(creating).toEqual([expect.stringContaining("IF NOT EXISTS")]);
    });
});

test("start script and seed are uploaded as they are", async () => {
    const { container } = await postgres();
    expect(uploadTo(container, "/etc/mcp/mcp-postgres")).toMatchObject({
        content: FILES.start,
        permissions: "0555",
    });
    expect(uploadTo(container, "/etc/mcp/seed.sql").content).toBe(FILES.seed);
    expect(container.inputs.entrypoints).toEqual(["/etc/mcp/mcp-postgres"]);
});
