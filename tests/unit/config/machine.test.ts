import * as fs from "node:fs";
import * as path from "node:path";
import { readMachineFacts, writeMachineFacts, type MachineFacts } from "../../../config/machine";
import { ConfigError } from "../../../config/settings";
import { inFolder, thrown } from "./support";

const IMAGE_ID = `sha256:${"0123456789abcdef".repeat(4)}`;
const FACTS: MachineFacts = {
    imageSource: "local",
    images: {
        bridge: { tag: "mcp/bridge:local", imageId: IMAGE_ID, context: ".mcp/images/bridge" },
        orchestrator: { tag: "mcp/orchestrator:local", imageId: IMAGE_ID },
    },
};

const file = (project: string): string => path.join(project, ".mcp", "machine.json");

function put(project: string, text: string): void {
    fs.mkdirSync(path.join(project, ".mcp"));
    fs.writeFileSync(file(project), text);
}

describe("machine facts", () => {
    test("nothing is known without the file", () => {
        inFolder({}, (project) => expect(readMachineFacts(project)).toEqual({}));
    });

    test("what is written is read back, also over an older file", () => {
        inFolder({}, (project) => {
            writeMachineFacts(project, { imageSource: "registry" });
            writeMachineFacts(project, FACTS);
            expect(readMachineFacts(project)).toEqual(FACTS);
        });
    });

    test("the file is its owner's alone and nothing else is left behind", () => {
        inFolder({}, (project) => {
            writeMachineFacts(project, FACTS);
            expect(fs.statSync(file(project)).mode & 0o777).toBe(0o600);
            expect(fs.readdirSync(path.join(project, ".mcp"))).toEqual(["machine.json"]);
        });
    });

    test("a failed write leaves no file behind", () => {
        inFolder({}, (project) => {
            fs.mkdirSync(file(project), { recursive: true });
            expect(() => writeMachineFacts(project, FACTS)).toThrow();
            expect(fs.readdirSync(path.join(project, ".mcp"))).toEqual(["machine.json"]);
        });
    });

    test("malformed facts are not written", () => {
        inFolder({}, (project) => {
            writeMachineFacts(project, FACTS);
            const wrong = { images: { bridge: { tag: "x", imageId: "latest" } } };
            expect(() => writeMachineFacts(project, wrong)).toThrow(ConfigError);
            expect(readMachineFacts(project)).toEqual(FACTS);
        });
    });

    const image = (more: object): string =>
        JSON.stringify({ images: { bridge: { tag: "x", imageId: IMAGE_ID, ...more } } });
    test.each([
        ["not JSON", "{", "- is not JSON"],
        ["a list", "[]", "- Invalid input: expected object"],
        ["unknown source", '{"imageSource":"disk"}', "- imageSource: Invalid option"],
        ["unknown field", '{"extra":1}', '- Unrecognized key: "extra"'],
        ["no content id", image({ imageId: "latest" }), "- images.bridge.imageId: must be sha256:"],
        ["no tag", image({ tag: "" }), "- images.bridge.tag: "],
        ["context elsewhere", image({ context: "/tmp/x" }), "- images.bridge.context: must be rel"],
        ["context outside", image({ context: "a/../../b" }), "- images.bridge.context: must stay"],
    ])("%s is refused with a remedy", (_, text, problem) => {
        inFolder({}, (project) => {
            put(project, text);
            const error = thrown(() => readMachineFacts(project));
            expect(error).toBeInstanceOf(ConfigError);
            const [first, second] = error.message.split("\n");
            expect(first).toContain(".mcp/machine.json is not what this program wrote; delete it");
            expect(second).toContain(problem);
        });
    });

    test("every problem is listed", () => {
        inFolder({}, (project) => {
            put(project, '{"imageSource":"disk","images":{"a":{}}}');
            expect(thrown(() => readMachineFacts(project)).message.split("\n")).toHaveLength(4);
        });
    });

    test("a folder in its place cannot be read", () => {
        inFolder({}, (project) => {
            fs.mkdirSync(file(project), { recursive: true });
            expect(thrown(() => readMachineFacts(project)).message).toContain("(EISDIR)");
        });
    });
});
