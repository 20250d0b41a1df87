#!/usr/bin/env bash
# artifact.sh NAME: fetches the artifact of that name of this workflow run into the current folder.
set -euo pipefail
exec gh run download "$GITHUB_RUN_ID" --repo "$GITHUB_REPOSITORY" --name "$1"
