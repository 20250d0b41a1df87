import { subjectOf } from "../../../policy/core/graph";
import type { ResourceRecord } from "../../../policy/core/model";
import { TYPES, isOrchestrator, neverRuns, onInner } from "../../../policy/known";

/** Which resources of a stack a mutation is made in. */
export type Where = (record: ResourceRecord) => boolean;

export const ofType =
    (type: string): Where =>
    (record) =>
        record.type === type;
export const container = ofType(TYPES.container);
export const orchestrator: Where = (record) => isOrchestrator(subjectOf(record));
export const carrier: Where = (record) => container(record) && neverRuns(subjectOf(record));
export const innerCarrier: Where = (record) => carrier(record) && onInner(record);
export const server: Where = (record) => container(record) && onInner(record) && !carrier(record);
export const confined: Where = (record) => container(record) && !orchestrator(record);
export const runs: Where = (record) => container(record) && !carrier(record);
export const docker: Where = ({ type }) => type.startsWith("docker:");
export const inner: Where = (record) => docker(record) && onInner(record);
export const labelled: Where = ({ type }) =>
    ([TYPES.container, TYPES.network, TYPES.volume] as readonly string[]).includes(type);
export const named =
    (name: string): Where =>
    (record) =>
        record.name === name;
/** Entries of the catalog, however many kinds there are. */
export const catalog: Where = ({ type }) => type.startsWith("consul:");
