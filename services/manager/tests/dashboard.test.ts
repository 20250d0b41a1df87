/** The dashboard in a real browser: the way in, what it shows, what it does about loss, what it can do. */
import assert from "node:assert/strict";

import { answering, MARKUP, silent } from "./support/dashboard-fleet.ts";
import {
    eventually,
    inPage,
    logIn,
    onPage,
    openServer,
    row,
    words,
} from "./support/dashboard-page.ts";
import { OPERATE_TOKEN, READ_TOKEN } from "./support/stand-in-api.ts";

onPage("a token is asked for, a wrong one refused in words", async ({ page, api }) => {
    const problem = page.getByRole("alert");
    for (const [token, said] of [
        ["", /^Enter a token/],
        ["two words", /no spaces/],
        ["wrong-token", /^The manager does not accept this token/],
    ] as const) {
        await page.getByLabel("Token").fill(token);
        await page.getByRole("button", { name: "Log in" }).click();
        await problem.filter({ hasText: said }).waitFor();
        await eventually(async () =>
            assert.equal(await inPage(page, "document.activeElement.id"), "token"),
        );
    }
    assert.equal(await page.getByLabel("Token").getAttribute("aria-invalid"), "true");
    assert.equal(await page.getByRole("table").count(), 0);
    assert.equal(await inPage(page, "sessionStorage.length"), 0);
    await api.down();
    await page.getByLabel("Token").fill(READ_TOKEN);
    await page.getByRole("button", { name: "Log in" }).click();
    await problem.filter({ hasText: "The manager does not answer" }).waitFor();
});

onPage("the token stays in this tab and out of every address", async ({ page, api }) => {
    await logIn(page, READ_TOKEN);
    await openServer(page, "files-mcp");
    await page.reload();
    await page.getByRole("dialog", { name: "files-mcp" }).waitFor();
    await page.getByRole("button", { name: "Close" }).click();
    assert.ok(!page.url().includes(READ_TOKEN));
    assert.deepEqual(
        api.requests.filter((request) => request.includes(READ_TOKEN)),
        [],
    );
    const elsewhere = await inPage(page, "[localStorage.length, document.cookie]");
    assert.deepEqual(elsewhere, [0, ""]);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Token").waitFor();
    assert.equal(await inPage(page, "sessionStorage.length"), 0);
    const before = api.requests.length;
    await page.reload();
    await page.getByLabel("Token").waitFor();
    const asked = api.requests.slice(before).filter((request) => /status|containers/.test(request));
    assert.deepEqual(asked, []);
});

onPage("a token that was rotated away leads back to the form", async ({ page, api }) => {
    await logIn(page, READ_TOKEN);
    api.tokens.delete(READ_TOKEN);
    await page.getByRole("alert").filter({ hasText: "no longer accepts this token" }).waitFor();
    assert.equal(await inPage(page, "sessionStorage.length"), 0);
});

onPage("every server is there, in words and numbers", async ({ page }) => {
    await logIn(page, READ_TOKEN);
    const expected = [
        ["files-mcp", "files-mcp manifests/files-mcp.yml", "healthy 5 tools 38 ms"],
        ["http-mcp", "unhealthy no answer tools/list: deadline of 5 s passed", "4 1"],
        ["notes-mcp", "notes-mcp made by API starting —", "61 MiB of 256 MiB 0.31 of 0.5 CPU"],
        ["postgres-mcp", "112 MiB of 256 MiB", "0.01 of 0.5 CPU 0 0 1 d 2 h 13001"],
        ["sutazai-mcp-manager", "system healthy —", "0.03 of 1 CPU"],
    ] as const;
    for (const [name, ...parts] of expected) {
        const text = await words(row(page, name));
        for (const part of parts) assert.ok(text.includes(part), `${part} in: ${text}`);
    }
    for (const name of ["Memory of files-mcp", "CPU of http-mcp", "Disk logs"]) {
        await page.getByRole("meter", { name }).waitFor();
    }
    const stack = await words(page.getByRole("region", { name: "Stack" }));
    for (const part of [
        "Servers 3 of 5 well",
        "Inner daemon reachable Docker 29.1.2",
        "Certificates 24 days left",
        "Consul reachable",
        "Edge not deployed",
        "1.7 GiB of 2.0 GiB",
    ]) {
        assert.ok(stack.includes(part), `${part} in: ${stack}`);
    }
    assert.equal(await page.title(), "2 not well · dev · MCP manager");
    await page.getByLabel("only problems").check();
    assert.equal(await page.getByRole("rowheader").count(), 2);
    await page.getByLabel("Filter by name").fill("notes");
    assert.equal(await page.getByRole("rowheader").count(), 1);
    await page.getByLabel("Filter by name").fill("nothing like it");
    await page.getByText("None of 5 servers fits.").waitFor();
});

onPage("an edge is shown as it is", async ({ page, api }) => {
    api.edge = { configured: true, reachable: false, reason: "connection refused" };
    await logIn(page, READ_TOKEN);
    const stack = await words(page.getByRole("region", { name: "Stack" }));
    assert.ok(stack.includes("Edge unreachable connection refused"), stack);
});

onPage("a server that goes down and comes back shows by itself", async ({ page, api }) => {
    await logIn(page, READ_TOKEN);
    const said = page.locator("#announcer");
    api.change("postgres-mcp", { health: "unhealthy", mcp: silent("connection refused") });
    api.emit("mcp-down", "postgres-mcp", "connection refused");
    await row(page, "postgres-mcp").getByText("connection refused").waitFor();
    await said.filter({ hasText: "postgres-mcp is unhealthy." }).waitFor({ state: "attached" });
    const newest = page.getByRole("list", { name: "Events" }).getByRole("listitem").first();
    assert.match(await words(newest), /mcp-down postgres-mcp connection refused$/);
    api.change("postgres-mcp", { health: "healthy", mcp: answering([], 9) });
    api.emit("mcp-up", "postgres-mcp");
    await row(page, "postgres-mcp").getByText("0 tools").waitFor();
    await said.filter({ hasText: "postgres-mcp is healthy." }).waitFor({ state: "attached" });
});

onPage("without a manager the page says so, and goes on where it was", async ({ page, api }) => {
    await logIn(page, READ_TOKEN);
    api.emit("start", "files-mcp");
    api.emit("oom", "http-mcp");
    const events = page.getByRole("list", { name: "Events" }).getByRole("listitem");
    await eventually(async () => assert.equal(await events.count(), 2));
    await api.down();
    await page.getByRole("alert").filter({ hasText: "The manager does not answer" }).waitFor();
    await page.getByText("reconnecting", { exact: true }).waitFor();
    await page.getByText("Health, last known").waitFor();
    await page.getByText("last known: 3 of 5 well").waitFor();
    api.emit("die", "http-mcp", "exit code 137");
    await api.up();
    await page.getByText("live", { exact: true }).waitFor();
    await eventually(async () => assert.equal(await events.count(), 3));
    assert.ok(api.resumedAt.includes("2"), `resumed at ${api.resumedAt.join(", ")}`);
    assert.equal(await page.getByRole("alert").count(), 0);
});

onPage("another manager's events are new ones, whatever their number", async ({ page, api }) => {
    await logIn(page, READ_TOKEN);
    for (let event = 0; event < 3; event++) api.emit("start", "files-mcp", `of the first ${event}`);
    const events = page.getByRole("list", { name: "Events" }).getByRole("listitem");
    await eventually(async () => assert.equal(await events.count(), 3));
    await api.replace();
    for (let event = 0; event < 5; event++)
        api.emit("start", "files-mcp", `of the second ${event}`);
    await eventually(async () => {
        const texts = await events.allInnerTexts();
        assert.equal(texts.filter((text) => text.includes("of the second")).length, 5);
        assert.equal(texts.length, 8);
    });
});

onPage("an unreachable daemon is told apart from an unreachable manager", async ({ page, api }) => {
    await logIn(page, READ_TOKEN);
    const before = api.daemon;
    const since = new Date().toISOString();
    api.daemon = { reachable: false, reason: "no answer within 5 s", since };
    const alert = page.getByRole("alert");
    await alert.filter({ hasText: /inner daemon is unreachable.*no answer within 5 s/ }).waitFor();
    await page.getByText("live", { exact: true }).waitFor();
    api.daemon = before;
    await alert.waitFor({ state: "detached" });
});

onPage("what servers say never becomes markup", async ({ page, api }) => {
    api.change("files-mcp", { healthOutput: MARKUP, egress: [MARKUP] });
    api.change("http-mcp", { mcp: silent(MARKUP) });
    api.emit("health", "http-mcp", MARKUP);
    api.log("files-mcp", MARKUP);
    await logIn(page, OPERATE_TOKEN);
    const dialog = await openServer(page, "files-mcp");
    await dialog.getByText("5 tools").last().click();
    await dialog.getByRole("log").getByText(MARKUP).waitFor();
    await dialog.locator("pre").filter({ hasText: MARKUP }).waitFor();
    assert.equal(await page.locator("#page img, #page b").count(), 0);
    assert.notEqual(await page.title(), "owned");
});
