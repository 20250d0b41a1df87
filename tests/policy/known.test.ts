import { HOST_LAYER_TYPE, INNER_LAYER_TYPE } from "../../components/layers";
import { ORCHESTRATOR_TYPE } from "../../components/orchestrator";
import { EGRESS_COMPANION_TYPE } from "../../components/egress-companion";
import { INNER_NETWORKS, INNER_RUNTIME } from "../../config/defaults";
import { SERVER_SECRETS_TYPE } from "../../components/server-secrets";
import { runStack } from "../../cli/graph/program";
import { BOUNDING_RUNTIME, COMPONENTS, PROVIDERS, TYPES } from "../../policy/known";

test("the types rules tell components by are the components' own", () => {
    expect(COMPONENTS).toMatchObject({
        hostLayer: HOST_LAYER_TYPE,
        innerLayer: INNER_LAYER_TYPE,
        orchestrator: ORCHESTRATOR_TYPE,
        serverSecrets: SERVER_SECRETS_TYPE,
        egress: EGRESS_COMPANION_TYPE,
    });
    expect(BOUNDING_RUNTIME).toBe(INNER_RUNTIME);
});

test("providers, networks and types are called as in the program", async () => {
    const { recorder } = await runStack("dev");
    const { all } = recorder;
    const named = (type: string): string[] =>
        all.filter((one) => one.type === type).map(({ name }) => name);
    expect(named(TYPES.dockerProvider)).toEqual(Object.values(PROVIDERS));
    const networks = recorder.ofKind("Network").map(({ inputs }) => inputs.name);
    expect(networks).toEqual(expect.arrayContaining(Object.values(INNER_NETWORKS)));
    const used = [TYPES.container, TYPES.network, TYPES.volume, TYPES.image, TYPES.privateKey];
    for (const type of [...used, TYPES.certRequest, TYPES.selfSigned, TYPES.leaf]) {
        expect({ type, used: named(type).length > 0 }).toEqual({ type, used: true });
    }
}, 60_000);
