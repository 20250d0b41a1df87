/** Central logs: a pipeline from Docker into files, and a reader of these. */
export { LogNameError } from "./files.ts";
export { DEFAULT_LIMITS, type LogLimits } from "./limits.ts";
export { LogPipeline, type LogPipelineOptions } from "./pipeline.ts";
export { LogReader, type FollowOptions, type TailOptions } from "./reader.ts";
export type { ContainerLogStats, LogStats } from "./stats.ts";
