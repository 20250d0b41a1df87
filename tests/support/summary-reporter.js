/** Jest reporter: names what was skipped, then the one closing line, `N passed, N failed, N skipped`. */
class SummaryReporter {
    onRunComplete(_contexts, results) {
        const skipped = results.testResults.flatMap((file) =>
            file.testResults.filter((test) => test.status === "pending" || test.status === "todo").map((test) => test.fullName),
        );
        const lines = skipped.map((name) => `skipped: ${name}`);
        // A file that could not even be loaded has no tests to count: it is a failure all the same.
        const broken = results.numRuntimeErrorTestSuites;
        const failed = results.numFailedTests + broken;
        lines.push(`${results.numPassedTests} passed, ${failed} failed, ${skipped.length} skipped`);
        process.stdout.write(`${lines.join("\n")}\n`);
    }
}

module.exports = SummaryReporter;
