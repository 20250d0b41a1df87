import { managerToken, managerUrl, type Role } from "../manager/client";
import type { Session } from "../session";

/** `./mcp token [ROLE]`: the manager's token of a role, for the dashboard, for Prometheus and for programs. */
export async function token({ project, out }: Session, role: Role): Promise<void> {
    const value = await managerToken(project, role);
    out.result({ url: managerUrl(project), role, token: value }, () => value);
}
