#!/usr/bin/env bash
# comment.sh NAME: makes the artifact NAME (a Markdown file NAME.md) the pull request's one comment of that name.
# PULL_REQUEST is its number.
set -euo pipefail

name=$1
marker="<!-- mcp:$name -->"
body=$(mktemp)
trap 'rm -f "$body"' EXIT

"$(dirname "${BASH_SOURCE[0]}")/artifact.sh" "$name"
# A comment holds 65536 characters.
{ printf '%s\n' "$marker" && head -c 60000 "$name.md"; } >"$body"
if [ "$(wc -c <"$name.md")" -gt 60000 ]; then
    printf '\n\n(cut; the whole text is the artifact %s of this run)\n' "$name" >>"$body"
fi

comments=repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
id=$(gh api --paginate "$comments" \
    --jq ".[] | select(.user.type == \"Bot\" and (.body | startswith(\"$marker\"))) | .id" | head -n 1)
if [ -n "$id" ]; then
    gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$body" --silent
else
    gh api --method POST "$comments" --field "body=@$body" --silent
fi
