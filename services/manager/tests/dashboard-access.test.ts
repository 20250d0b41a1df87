/** The dashboard for everyone: keyboard alone, small screens, both themes, the rules axe-core knows. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

import { container } from "./support/dashboard-fleet.ts";
import { eventually, inPage, logIn, onPage, openServer, row } from "./support/dashboard-page.ts";
import { OPERATE_TOKEN, READ_TOKEN } from "./support/stand-in-api.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeResult {
    readonly passes: readonly { readonly id: string }[];
    readonly violations: readonly {
        readonly id: string;
        readonly nodes: readonly { readonly html: string }[];
    }[];
}

/** Rules that the page breaks, each with the first element that does. */
async function violations(page: Page): Promise<string[]> {
    await page.evaluate(AXE);
    const result = await inPage<AxeResult>(page, "axe.run()");
    const seen = result.passes.map(({ id }) => id);
    assert.ok(seen.includes("color-contrast"), `it looked at ${seen.join(", ")}`);
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

/** Words of the element that has the focus. */
function focused(page: Page): Promise<string> {
    return inPage(
        page,
        "(e => e.getAttribute('aria-label') || e.innerText || e.id || e.tagName)(document.activeElement)",
    );
}

/** Presses Tab until the focus is there. */
async function tabTo(page: Page, wanted: string): Promise<void> {
    const passed: string[] = [];
    for (let presses = 0; presses < 40; presses++) {
        await page.keyboard.press("Tab");
        const now = await focused(page);
        if (now === wanted) return;
        passed.push(now);
    }
    assert.fail(`no way to ${wanted}, only to ${passed.join(", ")}`);
}

for (const colorScheme of ["light", "dark"] as const) {
    onPage(`no rule of axe-core is broken in the ${colorScheme} theme`, async ({ page, api }) => {
        await page.emulateMedia({ colorScheme });
        await page.getByLabel("Token").fill("wrong");
        await page.getByRole("button", { name: "Log in" }).click();
        await page.getByRole("alert").filter({ hasText: "does not accept" }).waitFor();
        assert.deepEqual(await violations(page), []);
        for (const type of ["start", "health", "mcp-down", "oom"])
            api.emit(type, "http-mcp", "unhealthy");
        for (let line = 0; line < 30; line++)
            api.log("files-mcp", "words", line % 2 ? "stdout" : "stderr");
        await logIn(page, OPERATE_TOKEN);
        await page.getByRole("list", { name: "Events" }).waitFor();
        assert.deepEqual(await violations(page), []);
        const dialog = await openServer(page, "files-mcp");
        await dialog.getByText("5 tools").last().click();
        await dialog.getByRole("log").getByText("words").first().waitFor();
        await dialog.getByRole("button", { name: "Restart" }).click();
        assert.deepEqual(await violations(page), []);
        await page.keyboard.press("Escape");
        await api.down();
        await page.getByRole("alert").filter({ hasText: "does not answer" }).waitFor();
        assert.deepEqual(await violations(page), []);
    });
}

onPage("the theme is the system's", async ({ page }) => {
    const ground = async (colorScheme: "light" | "dark"): Promise<number> => {
        await page.emulateMedia({ colorScheme });
        const colour = await inPage<string>(
            page,
            "getComputedStyle(document.body).backgroundColor",
        );
        return Number(/\d+/.exec(colour)?.[0]);
    };
    assert.ok((await ground("light")) > 200);
    assert.ok((await ground("dark")) < 50);
});

onPage("everything can be done by keyboard", async ({ page, api }) => {
    const focusRing = (): Promise<string> =>
        inPage(page, "getComputedStyle(document.activeElement).outlineStyle");
    assert.equal(await focused(page), "token");
    await page.keyboard.type(OPERATE_TOKEN);
    await page.keyboard.press("Enter");
    await row(page, "files-mcp").waitFor();
    await eventually(async () =>
        assert.equal(await inPage(page, "document.activeElement.id"), "main", "focus after login"),
    );
    await tabTo(page, "files-mcp");
    assert.equal(await focusRing(), "solid");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "files-mcp" });
    await dialog.waitFor();
    await page.goBack();
    await dialog.waitFor({ state: "detached" });
    assert.equal(await focused(page), "files-mcp", "the focus is back where it came from");
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    await tabTo(page, "Restart");
    assert.equal(await focusRing(), "solid");
    await page.keyboard.press("Enter");
    await eventually(async () => assert.equal(await focused(page), "Restart now"));
    await page.keyboard.press("Enter");
    await dialog.getByText("files-mcp is back after 1.5 s.").waitFor();
    assert.equal(await focused(page), "Restart", "the focus stays on the button");
    await tabTo(page, "5 tools");
    await page.keyboard.press("Enter");
    await dialog.getByText("read_text_file").waitFor();
    await tabTo(page, "Pause");
    await tabTo(page, "Log of files-mcp");
    for (let presses = 0; presses < 12; presses++) {
        await page.keyboard.press("Tab");
        const outside =
            "document.activeElement !== document.body && !document.activeElement.closest('dialog')";
        assert.equal(await inPage(page, outside), false, "the focus stays inside the dialog");
    }
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.equal(await focused(page), "files-mcp", "the focus is back where it came from");
    assert.equal(api.requests.filter((one) => one.startsWith("POST")).length, 1);
    await inPage(page, "document.activeElement.blur()");
    await page.reload();
    await row(page, "files-mcp").waitFor();
    await page.locator("body").press("Tab");
    await tabTo(page, "Log out");
    await page.keyboard.press("Enter");
    await eventually(async () => assert.equal(await focused(page), "token"));
});

onPage("the first Tab leads past the header", async ({ page }) => {
    await logIn(page, READ_TOKEN);
    await page.reload();
    await row(page, "files-mcp").waitFor();
    await inPage(page, "document.activeElement.blur()");
    await tabTo(page, "Skip to content");
    const left = "document.activeElement.getBoundingClientRect().left";
    assert.ok((await inPage<number>(page, left)) >= 0, "visible when it has the focus");
    await page.keyboard.press("Enter");
    assert.equal(await inPage(page, "document.activeElement.id"), "main");
});

const LONG = container({
    name: "a-server-with-quite-a-long-name-that-has-no-place-to-break-mcp",
    manifestFile: "manifests/a-server-with-quite-a-long-name-that-has-no-place-to-break-mcp.yml",
    healthOutput: "x".repeat(300),
    egress: [`${"y".repeat(120)}:443`],
    port: 13009,
});

onPage(
    "a phone needs no sideways scrolling",
    async ({ page, api }) => {
        await page.setViewportSize({ width: 360, height: 740 });
        const surplus = (): Promise<number> =>
            inPage(
                page,
                "Math.max(...['html', 'dialog', '.events ol', '.lines'].map(s => document.querySelector(s)).filter(Boolean).map(e => e.scrollWidth - e.clientWidth))",
            );
        assert.equal(await surplus(), 0);
        api.emit("health", LONG.name, "z".repeat(200));
        api.log(LONG.name, "w".repeat(3_000));
        await logIn(page, OPERATE_TOKEN);
        await page.getByRole("list", { name: "Events" }).waitFor();
        assert.equal(await surplus(), 0);
        const dialog = await openServer(page, LONG.name);
        await dialog.getByRole("log").getByText("www").waitFor();
        assert.equal(await surplus(), 0);
    },
    () => [LONG],
);

onPage("who wants less motion gets none", async ({ page }) => {
    const moving = (): Promise<string> =>
        inPage(page, "getComputedStyle(document.querySelector('button')).transitionDuration");
    await page.emulateMedia({ reducedMotion: "no-preference" });
    assert.notEqual(await moving(), "0s");
    await page.emulateMedia({ reducedMotion: "reduce" });
    assert.equal(await moving(), "0s");
});
