import type { EngineChoice } from "../engine/choose";
import type { Session } from "../session";

import { prepare } from "./up";

/** `./mcp preview`: what `up` would change. */
export async function preview(
    session: Session,
    options: { readonly engine: EngineChoice },
): Promise<void> {
    const { engine } = await prepare(session, options.engine, true);
    const result = await engine.preview();
    session.out.result({ changes: result.changes }, () => result.text.trim());
}
