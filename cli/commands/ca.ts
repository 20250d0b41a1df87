import type { Session } from "../session";
import { stackCa } from "../stack/edge";

/** `./mcp ca`: the certificate of the stack's own authority, for clients of an edge with `edgeTls: own`. */
export async function ca({ project, out }: Session): Promise<void> {
    const pem = await stackCa(project);
    out.result({ stack: project.stack, ca: pem }, () => pem.trim());
}
