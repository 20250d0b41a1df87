#!/usr/bin/env bash
# preview.sh graph BASE | engine | drift: a preview for people in preview-<kind>.md, and in the run's summary if there
# is one. `graph` compares the program with BASE; `engine` and `drift` ask the engine and read what runs anew. With
# `drift` a difference is no failure but the output `drift`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

kind=$1
file=preview-$kind.md
options=()
case "$kind" in
    graph) options=(--base "$2") ;;
    engine) options=(--refresh) ;;
    drift) options=(--refresh --expect-no-changes) ;;
    *) echo "preview.sh: $kind: neither graph, engine nor drift" >&2 && exit 2 ;;
esac

code=0
./mcp preview --format markdown "${options[@]}" >"$file" || code=$?
# A preview that did not come about is a failure of the run, never "no drift".
[ -s "$file" ] || { echo "preview.sh: there is no preview" >&2 && exit "$((code == 0 ? 1 : code))"; }
cat "$file" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
if [ "$kind" = drift ]; then
    echo "drift=$([ "$code" -eq 0 ] && echo no || echo yes)" >>"${GITHUB_OUTPUT:-/dev/stdout}"
    code=0
fi
exit "$code"
