#!/usr/bin/env bash
# ensure-python-env.sh DIR REQUIREMENTS WHAT [PROGRAM]: sees to it that DIR is a Python environment with what REQUIREMENTS
# pins, checked by hash, and nothing else. WHAT names it in messages; PROGRAM of it has to start (python).
# stdout: progress lines. On failure the last two lines of stderr are what is wrong and "remedy: ...".
set -euo pipefail
unset CDPATH PYTHONHOME PYTHONPATH

here=${BASH_SOURCE[0]%/*}
if [ "$here" = "${BASH_SOURCE[0]}" ]; then here=.; fi

die() { # WHAT REMEDY
    printf '%s\nremedy: %s\n' "$1" "$2" >&2
    exit 1
}

if [ "$#" -lt 3 ] || [ "$#" -gt 4 ] || [ -z "$1" ] || [ -z "$2" ] || [ -z "$3" ]; then
    die "ensure-python-env.sh takes a folder, a file of requirements and a name" \
        "scripts/ensure-python-env.sh .mcp/tools/schemathesis scripts/schemathesis-requirements.txt schemathesis"
fi
readonly DIR=$1 REQUIREMENTS=$2 WHAT=$3 PROGRAM=${4:-python}
# Written when all is there: an environment without it is half made, one with another text is of other versions.
readonly STAMP=$DIR/requirements.txt

# Its Python may be gone with an upgrade of the system, and with it what runs by it.
is_there() {
    cmp -s "$REQUIREMENTS" "$STAMP" && "$DIR/bin/$PROGRAM" --version >/dev/null 2>&1
}

if is_there; then exit 0; fi
# Making the environment empties the folder.
if [ -n "$(ls -A "$DIR" 2>/dev/null)" ] && [ ! -e "$DIR/pyvenv.cfg" ]; then
    die "$DIR holds something else than a Python environment" "name another folder, or remove this one"
fi

# Debian's Python comes without what makes environments.
has_venv() { python3 -c 'import ensurepip, venv' >/dev/null 2>&1; }
if ! has_venv; then "$here/ensure-package.sh" python3 python3-venv; fi
version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    die "python3 is $version, $WHAT needs 3.11 or newer" "put a newer python3 before it on PATH"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

echo "installing $WHAT with pip (once)..."
# Ready-made packages only: nothing of what is fetched runs while it is installed.
if ! { python3 -m venv --clear "$DIR" &&
    "$DIR/bin/python" -m pip install --require-hashes --only-binary :all: --no-input --quiet \
        --disable-pip-version-check --requirement "$REQUIREMENTS"; } </dev/null >"$log" 2>&1; then
    tail -n 10 "$log" >&2
    die "pip could not install $WHAT" \
        "mend what pip names above (PIP_INDEX_URL chooses another registry), then run this again"
fi
cp "$REQUIREMENTS" "$STAMP"
