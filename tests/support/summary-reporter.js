const { writeFileSync } = require("node:fs");

/**
 * Jest reporter of counts: to the file MCP_TEST_COUNTS when `./mcp test` adds up several runners, else as the
 * closing line `N passed, N failed, N skipped` after the names of what was skipped.
 */
class SummaryReporter {
    onRunComplete(_contexts, results) {
        const skipped = results.testResults.flatMap((file) =>
            file.testResults
                .filter((test) => test.status === "pending" || test.status === "todo")
                .map((test) => test.fullName),
        );
        // A file that could not even be loaded has no tests to count: it is a failure all the same.
        const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
        const counts = { passed: results.numPassedTests, failed, skipped };
        if (process.env.MCP_TEST_COUNTS) {
            writeFileSync(process.env.MCP_TEST_COUNTS, JSON.stringify(counts));
            return;
        }
        const lines = skipped.map((name) => `skipped: ${name}`);
        lines.push(`${counts.passed} passed, ${failed} failed, ${skipped.length} skipped`);
        process.stdout.write(`${lines.join("\n")}\n`);
    }
}

module.exports = SummaryReporter;
