/** One server on the dashboard, in a real browser: its details, its restart, its log. */
import assert from "node:assert/strict";

import { eventually, inPage, logIn, onPage, openServer, words } from "./support/dashboard-page.ts";
import { OPERATE_TOKEN, READ_TOKEN } from "./support/stand-in-api.ts";

/** Lines of a log that the page keeps. */
const LINES_KEPT = 1_000;

onPage("details have an address of their own", async ({ page, api }) => {
    await logIn(page, READ_TOKEN);
    const dialog = await openServer(page, "files-mcp");
    assert.match(page.url(), /#\/servers\/files-mcp$/);
    const text = await words(dialog);
    for (const part of [
        "Origin manifests/files-mcp.yml",
        "Endpoint port 13002, /mcp",
        "Egress none",
        "Processes 31 of 128",
        "Limits 256 MiB, 0.5 CPU, 128 pids",
        "Image sha256:4f7a9c0d12e8b356",
        "Last health check tools/list: 14 tools in 38 ms",
    ]) {
        assert.ok(text.includes(part), `${part} in: ${text}`);
    }
    await dialog.getByText("5 tools").last().click();
    await dialog.getByText("Read the complete contents of a file as text.").waitFor();
    await page.goBack();
    await dialog.waitFor({ state: "detached" });
    await page.goForward();
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.goto(`${api.url}#/servers/gone-mcp`);
    await page.getByRole("dialog").getByText("No container of this name runs here now").waitFor();
});

onPage("a restart is asked for twice, and tells how it went", async ({ page, api }) => {
    let finish = (): void => undefined;
    api.restart = async (name) => {
        await new Promise<void>((resolve) => (finish = resolve));
        return { name, state: "running", health: "healthy", seconds: 2.34 };
    };
    const asked = (): number => api.requests.filter((one) => one.startsWith("POST")).length;
    await logIn(page, OPERATE_TOKEN);
    const dialog = await openServer(page, "files-mcp");
    const said = dialog.getByRole("status");
    await dialog.getByRole("button", { name: "Restart" }).dblclick();
    await dialog.getByRole("button", { name: "Restart now" }).waitFor();
    assert.equal(asked(), 0, "a double click is one click");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.getByRole("button", { name: "Restart", exact: true }).click();
    await said.filter({ hasText: "Restart files-mcp?" }).waitFor();
    await dialog.getByRole("button", { name: "Restart now" }).click();
    await said.filter({ hasText: "Restarting files-mcp" }).waitFor();
    await dialog.getByRole("button", { name: "Restarting" }).click({ force: true });
    await eventually(() => assert.equal(asked(), 1));
    finish();
    await said.filter({ hasText: "files-mcp is back after 2.3 s." }).waitFor();
    assert.equal(asked(), 1, "one restart");
    const [request] = api.requests.filter((one) => one.startsWith("POST"));
    assert.match(request ?? "", /^POST \/containers\/files-mcp\/restart\?wait=\d+$/);
});

onPage("a restart that fails says why", async ({ page, api }) => {
    await logIn(page, OPERATE_TOKEN);
    const dialog = await openServer(page, "files-mcp");
    const said = dialog.getByRole("status");
    const restart = async (): Promise<void> => {
        await dialog.getByRole("button", { name: "Restart", exact: true }).click();
        await dialog.getByRole("button", { name: "Restart now" }).click();
    };
    api.restart = () => Promise.resolve({ refused: 504, detail: "the daemon did not answer" });
    await restart();
    await said.filter({ hasText: "not restarted: the daemon did not answer" }).waitFor();
    api.restart = (name) =>
        Promise.resolve({ name, state: "running", health: "unhealthy", seconds: 60 });
    await restart();
    await said.filter({ hasText: "was restarted, but is unhealthy after 60.0 s" }).waitFor();
});

onPage("only who may restart, and what may be, has the button", async ({ page }) => {
    await logIn(page, READ_TOKEN);
    let dialog = await openServer(page, "files-mcp");
    await dialog.getByText("Restarting needs the operate token.").waitFor();
    assert.equal(await dialog.getByRole("button", { name: "Restart" }).count(), 0);
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByRole("button", { name: "Log out" }).click();
    await logIn(page, OPERATE_TOKEN);
    dialog = await openServer(page, "sutazai-mcp-manager");
    assert.equal(await dialog.getByRole("button", { name: "Restart" }).count(), 0);
});

onPage("the log follows, pauses, and keeps its place", async ({ page, api }) => {
    for (let line = 1; line <= 50; line++) api.log("files-mcp", `line ${line}`);
    await logIn(page, READ_TOKEN);
    const dialog = await openServer(page, "files-mcp");
    const log = dialog.getByRole("log");
    const atEnd = (): Promise<boolean> =>
        inPage(
            page,
            "(l => l.scrollHeight - l.scrollTop - l.clientHeight < 16)(document.querySelector('.lines'))",
        );
    await log.getByText("line 50", { exact: true }).waitFor();
    api.log("files-mcp", "\u001b[31mcoloured\u001b[0m", "stderr");
    await log.getByText("coloured", { exact: true }).waitFor();
    assert.equal(await atEnd(), true);

    await inPage(page, "document.querySelector('.lines').scrollTop = 0");
    const follow = dialog.getByRole("button", { name: "Follow newest" });
    await follow.waitFor();
    api.log("files-mcp", "while scrolled up");
    await log.getByText("while scrolled up").waitFor();
    assert.equal(await inPage(page, "document.querySelector('.lines').scrollTop"), 0);
    await follow.click();
    assert.equal(await atEnd(), true);

    await dialog.getByRole("button", { name: "Pause" }).click();
    api.log("files-mcp", "while paused");
    await dialog.getByText("1 waiting").waitFor();
    assert.equal(await log.getByText("while paused").count(), 0);
    await dialog.getByRole("button", { name: "Pause" }).click();
    await log.getByText("while paused").waitFor();
});

onPage("the log goes on after a break without a line lost or doubled", async ({ page, api }) => {
    api.log("files-mcp", "before");
    await logIn(page, READ_TOKEN);
    const dialog = await openServer(page, "files-mcp");
    const log = dialog.getByRole("log");
    await log.getByText("before").waitFor();
    await api.down();
    await dialog.getByText("reconnecting", { exact: false }).waitFor();
    for (let line = 1; line <= 3; line++) api.log("files-mcp", `meanwhile ${line}`);
    await api.up();
    await log.getByText("meanwhile 3").waitFor();
    api.log("files-mcp", "after");
    await log.getByText("after").waitFor();
    const shown = await log.locator(".text").allInnerTexts();
    assert.deepEqual(shown, ["before", "meanwhile 1", "meanwhile 2", "meanwhile 3", "after"]);
});

onPage("of a flood the newest lines stay", async ({ page, api }) => {
    await logIn(page, READ_TOKEN);
    const dialog = await openServer(page, "files-mcp");
    await dialog.getByText("live, 0 lines").waitFor();
    for (let line = 1; line <= LINES_KEPT + 500; line++) api.log("files-mcp", `line ${line}`);
    const log = dialog.getByRole("log");
    await log.getByText(`line ${LINES_KEPT + 500}`, { exact: true }).waitFor();
    assert.equal(await log.locator(".text").count(), LINES_KEPT);
    assert.equal(await log.locator(".text").first().innerText(), "line 501");
    await dialog.getByText("1,000 lines (the newest)").waitFor();
});
