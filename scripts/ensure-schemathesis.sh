#!/usr/bin/env bash
# ensure-schemathesis.sh DIR: sees to it that DIR is a Python environment with schemathesis, which tests the manager's API
# against its document. In it is what schemathesis-requirements.txt pins, checked by hash, and nothing else.
# stdout: progress lines. On failure the last two lines of stderr are what is wrong and "remedy: ...".
set -euo pipefail
unset CDPATH PYTHONHOME PYTHONPATH

here=${BASH_SOURCE[0]%/*}
if [ "$here" = "${BASH_SOURCE[0]}" ]; then here=.; fi
readonly REQUIREMENTS=$here/schemathesis-requirements.txt

die() { # WHAT REMEDY
    printf '%s\nremedy: %s\n' "$1" "$2" >&2
    exit 1
}

if [ "$#" -ne 1 ] || [ -z "$1" ]; then
    die "ensure-schemathesis.sh takes one folder" "scripts/ensure-schemathesis.sh .mcp/tools/schemathesis"
fi
dir=$1
# Written when all is there: an environment without it is half made, one with another text is of other versions.
stamp=$dir/requirements.txt

is_there() {
    cmp -s "$REQUIREMENTS" "$stamp" && "$dir/bin/schemathesis" --version >/dev/null 2>&1
}

if is_there; then exit 0; fi
# Making the environment empties the folder.
if [ -n "$(ls -A "$dir" 2>/dev/null)" ] && [ ! -e "$dir/pyvenv.cfg" ]; then
    die "$dir holds something else than a Python environment" "name another folder, or remove this one"
fi

# Debian's Python comes without what makes environments.
has_venv() { python3 -c 'import ensurepip, venv' >/dev/null 2>&1; }
if ! has_venv; then "$here/ensure-package.sh" python3 python3-venv; fi
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    die "python3 is $version, schemathesis needs 3.11 or newer" "put a newer python3 before it on PATH"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

echo "installing schemathesis with pip (once)..."
# Ready-made packages only: nothing of what is fetched runs while it is installed.
if ! { python3 -m venv --clear "$dir" &&
    "$dir/bin/python" -m pip install --require-hashes --only-binary :all: --no-input --quiet \
        --disable-pip-version-check --requirement "$REQUIREMENTS"; } </dev/null >"$log" 2>&1; then
    tail -n 10 "$log" >&2
    die "pip could not install schemathesis" \
        "mend what pip names above (PIP_INDEX_URL chooses another registry), then run this again"
fi
cp "$REQUIREMENTS" "$stamp"
