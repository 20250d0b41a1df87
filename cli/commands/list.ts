import { answeringDocker } from "../docker/host";
import { health, table } from "../output";
import type { Session } from "../session";
import { serverRows, type ServerRow } from "../stack/servers";

const MIB = 1024 * 1024;

/** `./mcp list`: servers by manifest and by what runs, those made through the manager's API included. */
export async function list(session: Session): Promise<void> {
    const { project, out } = session;
    await answeringDocker(project.dir, out);
    const servers = await serverRows(session);
    const head = [
        ...["SERVER", "ORIGIN", "PORT", "STATE", "MANIFEST", "TOOLS"],
        ...["MEMORY", "CPU", "RESTARTS", "IMAGE", "EGRESS"],
    ];
    out.result({ servers }, () =>
        table(
            head,
            servers.map((row) => [
                row.server,
                row.origin,
                text(row.port),
                health(row.state),
                row.manifest,
                text(row.tools),
                memory(row),
                row.cpus === undefined ? "-" : `${(row.cpus * 100).toFixed(0)}%`,
                text(row.restarts),
                row.image.replace(/^sha256:(.{12}).*$/, "$1"),
                row.egress,
            ]),
        ),
    );
}

const text = (value: number | undefined): string => String(value ?? "-");

/** Used of limit, in MiB. */
function memory({ memoryBytes, memoryLimitBytes }: ServerRow): string {
    if (memoryBytes === undefined || memoryLimitBytes === undefined) return "-";
    return `${(memoryBytes / MIB).toFixed(0)}/${(memoryLimitBytes / MIB).toFixed(0)} MiB`;
}
