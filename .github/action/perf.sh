#!/usr/bin/env bash
# Runs the job. The program itself writes the summary, the annotations and the outputs.
set -euo pipefail

flags=()
read -r -a flags <<<"$ARGUMENTS" || true
case "$AGAINST" in
auto)
    if [ "$GITHUB_EVENT_NAME" = pull_request ]; then
        # A shallow checkout lacks the commit at which the branch began.
        if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
            git fetch --quiet --unshallow origin || true
        fi
        git fetch --quiet origin "$GITHUB_BASE_REF" || true
        flags+=(--against merge-base)
    fi
    ;;
"") ;;
*) flags+=(--against "$AGAINST") ;;
esac

# Outside the checkout, and known before the run: the next steps need it after any end.
folder="$RUNNER_TEMP/portcullis-results"
echo "folder=$folder" >>"$GITHUB_OUTPUT"
exec "$PROGRAM" perf --out "$folder" "${flags[@]}"
