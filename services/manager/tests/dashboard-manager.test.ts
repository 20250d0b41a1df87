/** The dashboard as it is built, served by a real manager: its policy for content, its answers, its streams. */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { copyVendorFiles } from "../scripts/vendor-files.ts";
import { noBrowser, openDashboard } from "./support/browser.ts";
import { inPage, LIMIT_MS, logIn, openServer, row, tab } from "./support/dashboard-page.ts";
import { OPERATE, Stage } from "./support/stage.ts";

void test("the manager and its dashboard fit", { timeout: LIMIT_MS, skip: noBrowser }, async () => {
    const stage = await Stage.set();
    const page = await tab();
    const errors: string[] = [];
    page.on("pageerror", ({ message }) => errors.push(message));
    try {
        const folder = join(stage.dir, "dashboard");
        cpSync(join(import.meta.dirname, "../dashboard"), folder, { recursive: true });
        copyVendorFiles(folder);
        await stage.addServer("files-mcp", 13_001);
        await stage.start({ MANAGER_DASHBOARD_DIR: folder });
        await openDashboard(page, `${stage.api}/`);
        await logIn(page, OPERATE);
        await row(page, "files-mcp").getByText("3 tools").waitFor();

        const [server] = stage.servers;
        assert.ok(server);
        await server.down();
        await row(page, "files-mcp").getByText("no answer").waitFor();
        await server.up();
        await row(page, "files-mcp").getByText("3 tools").waitFor();
        await page.getByRole("list", { name: "Events" }).getByText("mcp-down").waitFor();

        const dialog = await openServer(page, "files-mcp");
        await dialog.getByRole("button", { name: "Restart" }).click();
        await dialog.getByRole("button", { name: "Restart now" }).click();
        await dialog.getByText(/files-mcp is back after \d+\.\d s\./).waitFor();
        await dialog.getByRole("button", { name: "Close" }).click();

        stage.daemon.frozen = true;
        await page.getByRole("alert").filter({ hasText: "inner daemon is unreachable" }).waitFor();
        stage.daemon.frozen = false;
        await page.getByRole("alert").waitFor({ state: "detached" });
        const policy = "fetch('/').then((answer) => answer.headers.get('Content-Security-Policy'))";
        assert.match(await inPage<string>(page, policy), /^default-src 'self'/);
        assert.deepEqual(errors, []);
    } finally {
        await page.close();
        await stage.stop();
        await stage.close();
    }
});
