import type { InnerDaemon } from "../docker/inner";

import { ok, warning, type Check } from "./check";

/** Days before the end at which expiry is reported. */
export const EXPIRY_WARNING_DAYS = 30;
const DAY = 24 * 3600 * 1000;

/** Days until a moment, rounded down. */
export function daysUntil(end: Date): number {
    return Math.floor((end.getTime() - Date.now()) / DAY);
}

/** The certificates of a running stack. Never fails: `rotate` works when they have already ended. */
export async function checkCertificates(inner: InnerDaemon): Promise<Check> {
    const end = await inner.certificateEnd();
    if (!end) return ok("certificates", "none yet: they are made with the orchestrator");
    const days = daysUntil(end);
    const date = end.toISOString().slice(0, 10);
    if (days < 0)
        return warning("certificates", `ended on ${date}`, "issue new ones: ./mcp rotate");
    if (days < EXPIRY_WARNING_DAYS)
        return warning(
            "certificates",
            `end on ${date}, in ${String(days)} days`,
            "issue new ones: ./mcp rotate",
        );
    return ok("certificates", `valid until ${date} (${String(days)} days)`);
}
