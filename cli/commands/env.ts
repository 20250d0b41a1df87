import { redirectingVariables } from "../environment";
import { pulumiEnvironment } from "../engine/open-stack";
import type { Session } from "../session";

/** `./mcp env`: shell lines after which plain `pulumi up`, `preview` and `destroy` work on the same stack. */
export function env({ project, out }: Session): Promise<void> {
    const environment = pulumiEnvironment(project);
    const names = ["PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE"];
    const set = Object.fromEntries(
        names.flatMap((name) =>
            environment[name] === undefined ? [] : [[name, environment[name]]],
        ),
    );
    const quoted = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`;
    out.result(set, () =>
        [
            ...Object.entries(set).map(([name, value]) => `export ${name}=${quoted(value)}`),
            `export PATH=${quoted(process.env.PATH ?? "")}`,
            ...redirectingVariables().map((name) => `unset ${name}`),
        ].join("\n"),
    );
    return Promise.resolve();
}
