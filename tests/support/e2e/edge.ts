import { once } from "node:events";
import { PassThrough } from "node:stream";

import { uploadArchive } from "../../../cli/rehearse/creators/upload";
import { renderCaddy } from "../../../config/edge/caddy";
import { kongEnvironment, renderKong } from "../../../config/edge/kong";
import { EDGE_PATHS, type EdgePlan } from "../../../config/edge/model";
import { send } from "../edge/client";
import { StandInGateway } from "../edge/gateway";
import { waitFor, type EdgeUnderTest } from "../edge/suite";
import { host } from "./docker";
import type { TestStack } from "./stack";

const START_MS = 60_000;

/**
 * A second edge beside a stack's: the same program from the same image, as confined, in front of a stand-in on the host's
 * side of `sutazai-main`.
 */
export async function startEdgeOf(stack: TestStack, plan: EdgePlan): Promise<EdgeUnderTest> {
    const deployed = await host.getContainer(stack.edge).inspect();
    const gateway = await StandInGateway.open(stack.main(1));
    const upstream = { ...plan.upstream, host: stack.main(1), port: gateway.port };
    const { files, environment } = written(deployed.Config.Labels["mcp.program"], {
        ...plan,
        upstream,
    });
    const { Tmpfs, Memory, Ulimits } = deployed.HostConfig;
    const container = await host.createContainer({
        name: `${stack.prefix}edge-of-the-tests`,
        Image: deployed.Image,
        User: deployed.Config.User,
        Cmd: deployed.Config.Cmd,
        Env: environment ?? deployed.Config.Env,
        Labels: { "mcp.stack": stack.name },
        HostConfig: {
            ...{ CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges"], Tmpfs, Memory, Ulimits },
            NetworkMode: `${stack.prefix}sutazai-main`,
        },
    });
    let log = "";
    const close = (): Promise<unknown> => container.remove({ force: true });
    try {
        await container.putArchive(uploadArchive(files, ""), { path: "/" });
        await container.start();
        const output = new PassThrough().on("data", (part: Buffer) => (log += part.toString()));
        const lines = await container.logs({ follow: true, stdout: true, stderr: true });
        host.modem.demuxStream(lines, output, output);
        const { Networks } = (await container.inspect()).NetworkSettings;
        const address = Networks[`${stack.prefix}sutazai-main`]?.IPAddress ?? "";
        const edge: EdgeUnderTest = {
            base: `http://${address}:${String(plan.listenPort)}`,
            gateway,
            log: () => log,
            close: async () => {
                const ended = once(lines, "close");
                await close();
                await ended;
            },
        };
        await waitFor("the edge", START_MS, async () => {
            const asked = send(edge, { method: "GET", path: "/mcp" });
            return (await asked.catch(() => ({ status: 0 }))).status === 200;
        });
        return edge;
    } catch (error) {
        await close();
        await gateway.close();
        throw new Error(`the edge did not start: ${String(error)}\n${log}`);
    }
}

function written(
    program: string | undefined,
    plan: EdgePlan,
): {
    files: { file: string; content: string; permissions: string }[];
    environment: string[] | undefined;
} {
    const file = (name: string, content: string) => [{ file: name, content, permissions: "0444" }];
    if (program === "caddy") {
        return { files: file(EDGE_PATHS.caddyConfig, renderCaddy(plan)), environment: undefined };
    }
    const environment = Object.entries(kongEnvironment(plan)).map(
        ([key, value]) => `${key}=${value}`,
    );
    return { files: file(EDGE_PATHS.kongConfig, renderKong(plan)), environment };
}
