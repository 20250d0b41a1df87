/** The official filesystem server behind the bridge: it serves its folder and nothing else. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

import { Bridge } from "./support/bridge.ts";
import { check } from "./support/check.ts";
import { modernClient, sessionClient, textOf } from "./support/clients.ts";

const require = createRequire(import.meta.url);
const PACKAGE = require.resolve("@modelcontextprotocol/server-filesystem/package.json");
const SERVER = join(dirname(PACKAGE), "dist", "index.js");

interface Folders {
    readonly bridge: Bridge;
    /** The folder that the server was given. */
    readonly data: string;
    /** A folder beside it that it was not given. */
    readonly other: string;
}

async function serveFolder(t: TestContext): Promise<Folders> {
    const base = realpathSync(mkdtempSync(join(tmpdir(), "bridge-fs-")));
    t.after(() => rmSync(base, { recursive: true, force: true }));
    const [data, other] = [join(base, "data"), join(base, "other")];
    for (const folder of [data, other]) mkdirSync(folder);
    writeFileSync(join(data, "note.txt"), "inside\n");
    writeFileSync(join(other, "secret.txt"), "outside\n");
    symlinkSync(join(other, "secret.txt"), join(data, "link.txt"));
    const bridge = await Bridge.listening(t, { child: [process.execPath, SERVER, data] });
    return { bridge, data, other };
}

check("both eras read the same folder", async (t) => {
    const { bridge, data } = await serveFolder(t);
    for (const client of [await sessionClient(t, bridge), await modernClient(t, bridge)]) {
        const { tools } = await client.listTools();
        assert.equal(tools.length, 14);
        const path = join(data, "note.txt");
        const answer = await client.callTool({ name: "read_text_file", arguments: { path } });
        assert.equal(textOf(answer), "inside\n");
    }
});

check("a path outside the folder is refused, also by way of .. or a link", async (t) => {
    const { bridge, data, other } = await serveFolder(t);
    const paths = [
        join(other, "secret.txt"),
        `${data}/../other/secret.txt`,
        join(data, "link.txt"),
        "/etc/hostname",
    ];
    for (const client of [await sessionClient(t, bridge), await modernClient(t, bridge)]) {
        for (const path of paths) {
            const answer = await client.callTool({ name: "read_text_file", arguments: { path } });
            assert.equal(answer.isError, true, path);
            assert.match(textOf(answer), /Access denied/);
            assert.doesNotMatch(textOf(answer), /outside\n/);
        }
    }
});

check("a client that declares roots does not move the allowed folders", async (t) => {
    const { bridge, data, other } = await serveFolder(t);
    const roots = [{ uri: `file://${other}` }, { uri: "file:///etc" }];
    const session = await sessionClient(t, bridge, { roots });
    await session.sendRootsListChanged();
    const modern = await modernClient(t, bridge, { roots });
    for (const client of [session, modern]) {
        const allowed = await client.callTool({ name: "list_allowed_directories" });
        assert.equal(textOf(allowed), `Allowed directories:\n${data}`);
        const path = join(other, "secret.txt");
        const answer = await client.callTool({ name: "read_text_file", arguments: { path } });
        assert.equal(answer.isError, true);
    }
    assert.ok(bridge.logs.some(({ msg }) => msg.includes("does not support MCP Roots")));
});
