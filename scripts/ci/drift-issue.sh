#!/usr/bin/env bash
# drift-issue.sh NAME: keeps one issue about drift: opened or updated with the artifact NAME while DRIFT is "yes",
# closed when it is "no".
set -euo pipefail

name=$1
title="What runs differs from the program"
number=$(gh issue list --repo "$GITHUB_REPOSITORY" --state open --label drift --limit 1 --json number --jq '.[].number')

if [ "$DRIFT" = no ]; then
    if [ -n "$number" ]; then
        gh issue close "$number" --repo "$GITHUB_REPOSITORY" --comment "What runs is what the program says again."
    fi
    exit 0
fi

body=$(mktemp)
trap 'rm -f "$body"' EXIT
"$(dirname "${BASH_SOURCE[0]}")/artifact.sh" "$name"
head -c 60000 "$name.md" >"$body"
printf '\nPut right by `./mcp up`, or by changing the program to what runs.\n' >>"$body"
if [ -n "$number" ]; then
    gh issue edit "$number" --repo "$GITHUB_REPOSITORY" --body-file "$body"
else
    gh label create drift --repo "$GITHUB_REPOSITORY" --force --description "$title"
    gh issue create --repo "$GITHUB_REPOSITORY" --title "$title" --label drift --body-file "$body"
fi
