import type { Creator } from "../run";
import { createCertRequest, createLocallySignedCert, createSelfSignedCert } from "./certificate";
import {
    createConsulNode,
    createConsulProvider,
    createConsulService,
    createPreparedQuery,
} from "./consul";
import { createContainer } from "./container";
import { createRemoteImage } from "./image";
import { createNetwork } from "./network";
import { createPrivateKey } from "./privateKey";
import { createDockerProvider, createOtherProvider } from "./provider";
import { createVolume } from "./volume";

/** What a rehearsal can create, by Pulumi type. */
export const CREATORS: ReadonlyMap<string, Creator> = new Map([
    ["pulumi:providers:docker", createDockerProvider],
    ["pulumi:providers:tls", createOtherProvider],
    ["pulumi:providers:consul", createConsulProvider],
    ["docker:index/network:Network", createNetwork],
    ["docker:index/volume:Volume", createVolume],
    ["docker:index/remoteImage:RemoteImage", createRemoteImage],
    ["docker:index/container:Container", createContainer],
    ["consul:index/node:Node", createConsulNode],
    ["consul:index/service:Service", createConsulService],
    ["consul:index/preparedQuery:PreparedQuery", createPreparedQuery],
    ["tls:index/privateKey:PrivateKey", createPrivateKey],
    ["tls:index/selfSignedCert:SelfSignedCert", createSelfSignedCert],
    ["tls:index/certRequest:CertRequest", createCertRequest],
    ["tls:index/locallySignedCert:LocallySignedCert", createLocallySignedCert],
]);
