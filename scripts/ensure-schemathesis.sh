#!/usr/bin/env bash
# ensure-schemathesis.sh DIR: sees to it that DIR is a Python environment with schemathesis, which tests the manager's API
# against its document. In it is what schemathesis-requirements.txt pins, checked by hash, and nothing else.
# stdout: progress lines. On failure the last two lines of stderr are what is wrong and "remedy: ...".
set -euo pipefail
unset CDPATH

here=${BASH_SOURCE[0]%/*}
if [ "$here" = "${BASH_SOURCE[0]}" ]; then here=.; fi

if [ "$#" -ne 1 ] || [ -z "$1" ]; then
    printf '%s\nremedy: %s\n' "ensure-schemathesis.sh takes one folder" \
        "scripts/ensure-schemathesis.sh .mcp/tools/schemathesis" >&2
    exit 1
fi
exec "$here/ensure-python-env.sh" "$1" "$here/schemathesis-requirements.txt" schemathesis schemathesis
