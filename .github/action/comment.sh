#!/usr/bin/env bash
# Keeps one comment on the pull request up to date. It is found by its first line and its
# author, because anybody can write that line. A pull request from a fork may not
# comment: then the summary of the run is what is left, and the job is not red for it.
set -euo pipefail

body="$FOLDER/perf_results.md"
if [ ! -f "$body" ]; then
    echo "no comment: the run wrote no $body"
    exit 0
fi
comments="repos/$GITHUB_REPOSITORY/issues"
find='.[] | select(.user.login == "github-actions[bot]")
    | select(.body | startswith("<!-- portcullis -->")) | .id'
write() {
    local id
    id=$(gh api --paginate "$comments/$NUMBER/comments" --jq "$find" | head -n 1) || return
    if [ -n "$id" ]; then
        gh api -X PATCH "$comments/comments/$id" -F "body=@$body" --silent
    else
        gh api "$comments/$NUMBER/comments" -F "body=@$body" --silent
    fi
}
if ! write; then
    echo "::notice title=Portcullis::no right to comment on this pull request: see the summary"
fi
