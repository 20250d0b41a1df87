/** One dashboard in one tab, in front of a stand-in API of its own, as a test works with it. */
import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { BrowserContext, Locator, Page } from "playwright-core";

import type { ContainerView } from "../../src/model.ts";
import { noBrowser, openBrowser, openDashboard } from "./browser.ts";
import { mixedFleet } from "./dashboard-fleet.ts";
import { StandInApi } from "./stand-in-api.ts";

/** Generous: the machine may be busy with something else. */
export const LIMIT_MS = 90_000;
const PATIENCE_MS = 20_000;

export interface Stage {
    readonly page: Page;
    readonly api: StandInApi;
}

let browser: Promise<{ context: BrowserContext; close: () => Promise<void> }> | undefined;

test.after(async () => (await browser)?.close());

/** One for all tests of a file, opened by the first: a file of which no test is run must not open one. */
export async function tab(): Promise<Page> {
    browser ??= openBrowser();
    const { context } = await browser;
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    // From Node, not from Chromium, which drops what is under way when a network interface comes or goes; the page asks
    // again for what it reads, never for what it changes.
    await page.route("**/restart*", async (route) =>
        route.fulfill({ response: await route.fetch() }),
    );
    return page;
}

/** A test with an API and an open page; at the end the page must have run without an error of its own. */
export function onPage(
    name: string,
    body: (stage: Stage) => Promise<void>,
    fleet: () => ContainerView[] = mixedFleet,
): void {
    void test(name, { timeout: LIMIT_MS, skip: noBrowser }, async () => {
        const api = await StandInApi.start(fleet());
        const page = await tab();
        const errors: string[] = [];
        page.on("pageerror", ({ message }) => errors.push(message));
        page.on("console", (message) => {
            // What the policy refused is told here only; failed loads are, too, and belong to some tests.
            if (/Content.Security.Policy/i.test(message.text())) errors.push(message.text());
        });
        try {
            await openDashboard(page, api.url);
            await body({ page, api });
            assert.deepEqual(errors, []);
        } finally {
            await page.close();
            await api.down();
        }
    });
}

export async function logIn(page: Page, token: string): Promise<void> {
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("live", { exact: true }).waitFor();
}

/** The row of a server. */
export function row(page: Page, name: string): Locator {
    const header = page.getByRole("rowheader").filter({ has: page.getByRole("link", { name }) });
    return page.getByRole("row").filter({ has: header });
}

export async function openServer(page: Page, name: string): Promise<Locator> {
    await row(page, name).getByRole("link").click();
    const dialog = page.getByRole("dialog", { name });
    await dialog.waitFor();
    return dialog;
}

/** Words of an element as a person reads them. */
export async function words(locator: Locator): Promise<string> {
    return (await locator.innerText()).replaceAll(/\s+/g, " ").trim();
}

/** A value of the page; `expression` is JavaScript. */
export async function inPage<Value>(page: Page, expression: string): Promise<Value> {
    return page.evaluate<Value>(expression);
}

/** Tries until it throws no more, or patience ends with what it threw last. */
export async function eventually(attempt: () => void | Promise<void>): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
        try {
            await attempt();
            return;
        } catch (error) {
            if (performance.now() > end) throw error;
            await sleep(50);
        }
    }
}
