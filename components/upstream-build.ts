import type * as docker from "@pulumi/docker";

import { UPSTREAM, builtImageTag, type BuiltImageSpec } from "../images/catalog";

/**
 * Arguments of an image that a daemon builds itself from images/<name>/Dockerfile on upstream's Node
 * (`imageSource: registry`), named by content.
 *
 * @param parent the built image it stands on, where its spec names one
 */
export function upstreamBuild(
    projectDir: string,
    spec: BuiltImageSpec,
    parent: docker.RemoteImage | undefined,
): docker.RemoteImageArgs {
    return {
        name: builtImageTag(projectDir, spec.name, UPSTREAM.node),
        build: {
            context: ".",
            dockerfile: `images/${spec.name}/Dockerfile`,
            // buildx speaks plain HTTP to a TLS daemon and fails; the classic builder does not.
            useLegacyBuilder: true,
            buildArgs: { [spec.parentArg]: parent ? parent.name : UPSTREAM.node },
        },
        // A cache, like the data volume inner images go with: removing one that is in use would only fail.
        keepLocally: true,
    };
}
