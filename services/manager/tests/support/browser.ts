/** The distribution's Chromium, driven by playwright-core. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
    chromium,
    type BrowserContext,
    type BrowserContextOptions,
    type Page,
} from "playwright-core";

const EXECUTABLE = "/usr/bin/chromium";

/** Why there is no browser here; false when there is one. For the option `skip` of a test. */
export const noBrowser: string | false =
    !existsSync(EXECUTABLE) && `needs ${EXECUTABLE} (Debian's package chromium)`;

/** A browser that has just been installed, as far as it can tell; everything of it goes when it is closed. */
export async function openBrowser(
    options: Pick<BrowserContextOptions, "colorScheme" | "viewport" | "reducedMotion"> = {},
): Promise<{ context: BrowserContext; close: () => Promise<void> }> {
    const folder = await mkdtemp(join(tmpdir(), "dashboard-browser-"));
    const context = await chromium.launchPersistentContext(folder, {
        executablePath: EXECUTABLE,
        headless: true,
        viewport: { width: 1440, height: 900 },
        args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
        ...options,
    });
    return {
        context,
        close: async () => {
            await context.close();
            await rm(folder, { recursive: true, force: true, maxRetries: 3 });
        },
    };
}

/**
 * Opens the dashboard. A network interface that comes or goes on this machine, as one does with every container, makes
 * Chromium drop what it is loading; the page is loaded again then.
 */
export async function openDashboard(page: Page, address: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
        await page.goto(address);
        const drawn = page.locator("main");
        const ready = await drawn.waitFor({ timeout: 3_000 }).then(
            () => true,
            () => false,
        );
        if (ready) return;
        if (attempt === 5) throw new Error(`the dashboard at ${address} draws nothing`);
    }
}
