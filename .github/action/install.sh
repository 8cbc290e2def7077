#!/usr/bin/env bash
# Installs the program into an environment of its own, which is not on the search path:
# the project's Python is the runner's.
set -euo pipefail

if [ -z "$PROGRAM" ]; then
    folder="$RUNNER_TEMP/portcullis"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check \
        "portcullis-perf${VERSION:+==$VERSION}"
    PROGRAM="$folder/bin/portcullis"
fi
"$PROGRAM" --version
echo "program=$PROGRAM" >>"$GITHUB_OUTPUT"
