/** node:test reporter: one JSON object of counts, for `./mcp test` to add up. Suites are not counted, tests are. */
export default async function* counts(source) {
    let passed = 0;
    let failed = 0;
    const skipped = [];
    for await (const { type, data } of source) {
        if (type !== "test:pass" && type !== "test:fail") continue;
        if (data.details?.type === "suite") continue;
        if (data.skip !== undefined || data.todo !== undefined) skipped.push(data.name);
        else if (type === "test:pass") passed += 1;
        else failed += 1;
    }
    yield JSON.stringify({ passed, failed, skipped });
}
