import { callTool, connected, ERAS, type ToolAnswer, type Door } from "../clients";
import type { TestStack } from "../stack";
import { PORTS } from "./servers";

const REFUSED = /Access denied|outside allowed|not allowed/;

/** files-mcp stays in the shared folder, whatever a client says. */
export function filesTests(stack: TestStack): void {
    const door = (): Promise<Door> => stack.door(PORTS["files-mcp"]);
    const call = (tool: string, args: Record<string, unknown>) => callTool(door(), tool, args);
    const expectRefused = ({ isError, text }: ToolAnswer): void => {
        expect(text).toMatch(REFUSED);
        expect(isError).toBe(true);
    };

    describe("files-mcp", () => {
        beforeAll(async () => {
            await stack.run("ln", "-s", "/etc/passwd", "/data/shared/link-to-file");
            // As the server itself might be talked into making it.
            await stack.inside("files-mcp", ["ln", "-s", "/etc", "/data/link-to-folder"]);
            await stack.inside("files-mcp", ["ln", "-s", "/tmp", "/data/link-to-tmp"]);
        });

        test.each([
            ["an absolute path", "/etc/passwd"],
            ["a path that climbs", "/data/../etc/passwd"],
            ["a relative path that climbs", "../etc/passwd"],
            ["a path that climbs from below", "/data/a/../../etc/passwd"],
            ["a folder that begins with the same letters", "/data-other/x"],
            ["its own environment", "/proc/self/environ"],
            ["a link on the volume", "/data/link-to-file"],
            ["a path through a link on the volume", "/data/link-to-folder/passwd"],
        ])("does not read %s", async (_what, path) => {
            expectRefused(await call("read_text_file", { path }));
            const several = await call("read_multiple_files", { paths: [path] });
            expect(several.text).not.toMatch(/root:|PATH=/);
        });

        test.each([
            ["an absolute path", "/tmp/made"],
            ["a path that climbs", "/data/../tmp/made"],
            ["a path through a link on the volume", "/data/link-to-tmp/made"],
        ])("does not write %s", async (_what, path) => {
            expectRefused(await call("write_file", { path, content: "x" }));
            const { code } = await stack.inside("files-mcp", ["test", "-e", "/tmp/made"]);
            expect(code).toBe(1);
        });

        test("does not move a file out, nor list or search elsewhere", async () => {
            await call("write_file", { path: "/data/stays.txt", content: "x" });
            expectRefused(
                await call("move_file", { source: "/data/stays.txt", destination: "/tmp/gone" }),
            );
            expectRefused(await call("list_directory", { path: "/" }));
            expectRefused(await call("directory_tree", { path: "/run/secrets" }));
            expectRefused(await call("search_files", { path: "/etc", pattern: "*" }));
            expect(await stack.run("cat", "/data/shared/stays.txt")).toBe("x");
        });

        test.each(ERAS)("keeps to its folder when a client offers roots, $era", async (era) => {
            const roots = [{ uri: "file:///etc", name: "etc" }];
            const answers = await connected(
                door(),
                async (server) => ({
                    read: await server.call("read_text_file", { path: "/etc/passwd" }),
                    allowed: await server.call("list_allowed_directories"),
                }),
                era.connect,
                roots,
            );
            expectRefused(answers.read);
            expect(answers.allowed.text.trim().split("\n")).toEqual([
                "Allowed directories:",
                "/data",
            ]);
        });
    });
}
