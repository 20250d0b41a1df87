#!/usr/bin/env bash
# ensure-mcp-clients.sh DIR: sees to it that DIR/python has the official Python SDK and DIR/inspector the inspector, as
# scripts/mcp-clients pins them, by hash. The gateway's tests put both before it.
# stdout: progress lines. On failure the last two lines of stderr are what is wrong and "remedy: ...".
set -euo pipefail
unset CDPATH

here=${BASH_SOURCE[0]%/*}
if [ "$here" = "${BASH_SOURCE[0]}" ]; then here=.; fi
readonly PINS=$here/mcp-clients

die() { # WHAT REMEDY
    printf '%s\nremedy: %s\n' "$1" "$2" >&2
    exit 1
}

if [ "$#" -ne 1 ] || [ -z "$1" ]; then
    die "ensure-mcp-clients.sh takes one folder" "scripts/ensure-mcp-clients.sh .mcp/tools/mcp-clients"
fi
readonly INSPECTOR=$1/inspector
log=$(mktemp)
trap 'rm -f "$log"' EXIT

"$here/ensure-python-env.sh" "$1/python" "$PINS/requirements.txt" "the MCP SDK for Python"

# The copied lock is the stamp: written when all is there, and of the versions that are there.
if ! cmp -s "$PINS/package-lock.json" "$INSPECTOR/installed.json"; then
    echo "installing the MCP inspector with npm (once)..."
    rm -rf "$INSPECTOR"
    mkdir -p "$INSPECTOR"
    cp "$PINS/package.json" "$PINS/package-lock.json" "$INSPECTOR/"
    if ! (cd "$INSPECTOR" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) \
        </dev/null >"$log" 2>&1; then
        tail -n 10 "$log" >&2
        die "npm could not install the MCP inspector" "mend what npm names above, then run this again"
    fi
    cp "$PINS/package-lock.json" "$INSPECTOR/installed.json"
fi
