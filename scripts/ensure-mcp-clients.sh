#!/usr/bin/env bash
# ensure-mcp-clients.sh DIR: sees to it that DIR/python has the official Python SDK and DIR/inspector the inspector, as
# scripts/mcp-clients pins them, by hash. The gateway's tests put both before it.
# stdout: progress lines. On failure the last two lines of stderr are what is wrong and "remedy: ...".
set -euo pipefail
unset CDPATH PYTHONHOME PYTHONPATH

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
readonly PYTHON=$1/python INSPECTOR=$1/inspector
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# The copied pins are the stamp: written when all is there, and of the versions that are there.
if ! cmp -s "$PINS/requirements.txt" "$PYTHON/requirements.txt"; then
    # Debian's Python comes without what makes environments.
    if ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
        "$here/ensure-package.sh" python3 python3-venv
    fi
    echo "installing the MCP SDK for Python with pip (once)..."
    rm -rf "$PYTHON"
    # Ready-made packages only: nothing of what is fetched runs while it is installed.
    if ! { python3 -m venv "$PYTHON" &&
        "$PYTHON/bin/python" -m pip install --require-hashes --only-binary :all: --no-input --quiet \
            --disable-pip-version-check --requirement "$PINS/requirements.txt"; } </dev/null >"$log" 2>&1; then
        tail -n 10 "$log" >&2
        die "pip could not install the MCP SDK" \
            "mend what pip names above (PIP_INDEX_URL chooses another registry), then run this again"
    fi
    cp "$PINS/requirements.txt" "$PYTHON/requirements.txt"
fi

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
