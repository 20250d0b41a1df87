import * as path from "node:path";

import type Docker from "dockerode";

import { hostDocker } from "../cli/docker/host";
import { uploadArchive } from "../cli/rehearse/creators/upload";

import { innerDocker } from "./daemon";
import type { LayerState, StackState } from "./state";

/** A container as the API takes it. */
export interface ContainerPlan {
    readonly name: string;
    readonly body: Docker.ContainerCreateOptions;
    /** Networks besides the first, which the daemon wants one by one. */
    readonly connect: readonly { readonly network: string; readonly endpoint: object }[];
    /** Files for the root of the created container, as a tar archive. */
    readonly archive: Buffer | undefined;
    /** Named volumes it mounts. */
    readonly volumes: readonly string[];
    readonly start: boolean;
    readonly wait: boolean;
    readonly stopSeconds: number;
}

/** An image of the inner daemon. */
export interface ImagePlan {
    readonly tag: string;
    /** Full path of the build context. */
    readonly context: string;
    readonly buildArgs: Readonly<Record<string, string>>;
}

export interface LayerPlan {
    readonly networks: readonly Docker.NetworkCreateOptions[];
    readonly volumes: readonly Docker.VolumeCreateOptions[];
    readonly images: readonly ImagePlan[];
    readonly containers: readonly ContainerPlan[];
}

/** Everything a plain client needs to make the same things the program made. */
export interface Plan {
    readonly host: LayerPlan;
    readonly inner: LayerPlan;
    readonly connection: StackState["connection"];
}

/**
 * Takes the definitions of a running stack from both daemons. Nothing here knows what the program makes: when the
 * program changes, the floor changes with it.
 */
export async function capture(state: StackState, projectDir: string): Promise<Plan> {
    const inner = innerDocker(state.connection);
    return {
        host: await captureLayer(hostDocker(), state.host, projectDir),
        inner: await captureLayer(inner, state.inner, projectDir),
        connection: state.connection,
    };
}

async function captureLayer(
    docker: Docker,
    state: LayerState,
    projectDir: string,
): Promise<LayerPlan> {
    const tags = new Map(state.images.map((image) => [image.imageId, image.name]));
    return {
        networks: await Promise.all(state.networks.map((name) => networkPlan(docker, name))),
        volumes: await Promise.all(
            state.volumes.map(async (name) => {
                const { Name, Driver, Options, Labels } = await docker.getVolume(name).inspect();
                return { Name, Driver, DriverOpts: Options ?? {}, Labels };
            }),
        ),
        images: state.images.flatMap(({ name, build }) =>
            build
                ? [
                      {
                          tag: name,
                          context: path.resolve(projectDir, build.context),
                          buildArgs: build.buildArgs,
                      },
                  ]
                : [],
        ),
        containers: await Promise.all(
            state.containers.map((container) => containerPlan(docker, container, tags, projectDir)),
        ),
    };
}

async function networkPlan(docker: Docker, name: string): Promise<Docker.NetworkCreateOptions> {
    const found = await docker.getNetwork(name).inspect();
    const { Name, Driver, Internal, Attachable, EnableIPv6, IPAM, Options, Labels } = found;
    return {
        ...{ Name, Driver, Internal, Attachable, EnableIPv6, Options, Labels },
        ...(IPAM === undefined ? {} : { IPAM }),
        CheckDuplicate: true,
    };
}

async function containerPlan(
    docker: Docker,
    state: LayerState["containers"][number],
    tags: ReadonlyMap<string, string>,
    projectDir: string,
): Promise<ContainerPlan> {
    const found = await docker.getContainer(state.name).inspect();
    const endpoints = Object.entries(found.NetworkSettings.Networks)
        .filter(([network]) => network !== "none")
        .map(([network, { IPAMConfig }]) => ({
            network,
            endpoint: { IPAMConfig: (IPAMConfig ?? {}) as object },
        }));
    const [first, ...rest] = endpoints;
    return {
        name: state.name,
        body: {
            name: state.name,
            ...found.Config,
            // Images built here get another content id each time; the tag means the one of this run.
            Image: tags.get(found.Config.Image) ?? found.Config.Image,
            HostConfig: {
                ...found.HostConfig,
                ...(first ? { NetworkMode: first.network } : {}),
            },
            ...(first
                ? { NetworkingConfig: { EndpointsConfig: { [first.network]: first.endpoint } } }
                : {}),
        },
        connect: rest,
        archive: state.uploads.length > 0 ? uploadArchive(state.uploads, projectDir) : undefined,
        volumes: found.Mounts.flatMap((mount) => (mount.Name === undefined ? [] : [mount.Name])),
        start: state.start,
        wait: state.wait,
        stopSeconds: state.destroyGraceSeconds,
    };
}
