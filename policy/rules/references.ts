import type { Reference } from "../core/model";

/** An item of the CIS Docker Benchmark. */
export function cis(item: string): Reference {
    return { name: "CIS Docker Benchmark", version: "1.6.0", item };
}

/** A risk of the OWASP MCP Top 10. */
export function owaspMcp(number: number): Reference {
    const item = `MCP${String(number).padStart(2, "0")}:2025`;
    return { name: "OWASP MCP Top 10", version: "2025 (beta)", item };
}
