/** Metrics in Prometheus's text format, filled from the last snapshot when they are scraped. */
export { gatewayMetrics } from "./gateway.ts";
export { createMetrics, type Metrics, type ObservedRequest } from "./metrics.ts";
