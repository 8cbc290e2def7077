//! A workflow of GitHub Actions that runs the job for each pull request.

use super::{Chosen, quoted};

/// Its path in a repository.
pub const WORKFLOW: &str = ".github/workflows/performance.yml";

/// Its text. Actions are fixed by their commit, and the job may only read.
pub fn workflow(chosen: &Chosen) -> String {
    let oldest = chosen.python.as_deref().unwrap_or_default();
    // A Python that every supported Django runs on, unless the project needs a newer one.
    let python = if newer_than_twelve(oldest) { oldest } else { "3.12" };
    TEXT.replace("PYTHON", &quoted(python))
}

fn newer_than_twelve(version: &str) -> bool {
    let minor = version.strip_prefix("3.").and_then(|minor| minor.parse::<u32>().ok());
    minor.is_some_and(|minor| minor > 12)
}

const TEXT: &str = "# Written by `portcullis init`.
name: performance
on:
  push:
    branches: [main, master]
  pull_request:
permissions:
  contents: read
jobs:
  performance:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          persist-credentials: false
          fetch-depth: 0
      - uses: actions/setup-python@a26af69be951a213d495a4c3e4e4022e16d87065 # v5.6.0
        with:
          python-version: PYTHON
      - uses: actions/cache@5a3ec84eff668545956fd18022155c47e93e2684 # v4.2.3
        with:
          path: ~/.cache/portcullis
          key: portcullis-${{ runner.os }}-${{ github.run_id }}-${{ github.run_attempt }}
          restore-keys: portcullis-${{ runner.os }}-
      - run: pip install portcullis-perf
      - run: portcullis perf --out perf-results
      - uses: actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2
        if: always()
        with:
          name: performance-results
          path: perf-results
";
