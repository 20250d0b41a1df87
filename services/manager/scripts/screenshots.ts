/**
 * Pictures of the dashboard in front of a stand-in API, as PNG in the folder given:
 * `node --import tsx scripts/screenshots.ts FOLDER`. Needs Chromium.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";

import { noBrowser, openBrowser, openDashboard } from "../tests/support/browser.ts";
import { mixedFleet } from "../tests/support/dashboard-fleet.ts";
import { OPERATE_TOKEN, StandInApi } from "../tests/support/stand-in-api.ts";

const WIDE = { width: 1440, height: 900 };
const PHONE = { width: 360, height: 780 };

/** Name of every picture, its theme and size, and what is done before it is taken. */
const PICTURES: readonly [
    string,
    "light" | "dark",
    typeof WIDE,
    (page: Page, api: StandInApi) => Promise<void>,
][] = [
    ["login", "light", WIDE, (page) => page.getByLabel("Token").waitFor()],
    ["fleet", "light", WIDE, logIn],
    ["fleet-dark", "dark", WIDE, logIn],
    ["server", "light", WIDE, openServer],
    ["server-dark", "dark", WIDE, openServer],
    ["phone", "light", PHONE, logIn],
    ["phone-server-dark", "dark", PHONE, openServer],
    ["no-answer", "dark", WIDE, loseManager],
];

async function logIn(page: Page): Promise<void> {
    await page.getByLabel("Token").fill(OPERATE_TOKEN);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByRole("list", { name: "Events" }).waitFor();
}

async function openServer(page: Page): Promise<void> {
    await logIn(page);
    await page.getByRole("link", { name: "files-mcp" }).first().click();
    await page.getByText("5 tools").last().click();
    await page.getByText("GET /mcp").first().waitFor();
}

async function loseManager(page: Page, api: StandInApi): Promise<void> {
    await logIn(page);
    await api.down();
    await page.getByText("The manager does not answer").first().waitFor();
}

async function takePictures(folder: string): Promise<void> {
    mkdirSync(folder, { recursive: true });
    for (const [name, colorScheme, viewport, prepare] of PICTURES) {
        const api = await StandInApi.start(mixedFleet());
        api.emit("start", "files-mcp");
        api.emit("mcp-up", "files-mcp", "14 tools");
        api.emit("oom", "http-mcp", "killed at 256 MiB");
        api.emit("health", "http-mcp", "unhealthy");
        api.emit("mcp-down", "http-mcp", "tools/list: deadline of 5 s passed");
        api.emit("created", "notes-mcp");
        for (let line = 1; line <= 40; line++) {
            api.log("files-mcp", `GET /mcp 200 ${line} ms session=3f${line}`);
            if (line % 9 === 0) api.log("files-mcp", "slow answer: 2,104 ms", "stderr");
        }
        const { context, close } = await openBrowser({ colorScheme, viewport });
        try {
            const page = await context.newPage();
            await openDashboard(page, api.url);
            await prepare(page, api);
            await page.screenshot({ path: join(folder, `${name}.png`) });
        } finally {
            await close();
            await api.down();
        }
    }
}

const [folder] = process.argv.slice(2);
if (folder === undefined || noBrowser) {
    console.error(
        folder === undefined ? "Usage: screenshots.ts FOLDER" : `screenshots: ${noBrowser}`,
    );
    process.exit(2);
}
await takePictures(folder);
