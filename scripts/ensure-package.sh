#!/usr/bin/env bash
# ensure-package.sh NAME...: sees to it that a command or an installed Debian package of each name is there.
# stdout: progress lines. On failure the last two lines of stderr are what is wrong and "remedy: ...".
set -euo pipefail

root=${MCP_TEST_ROOT:-} # tests only: stands before every absolute path
PATH=$PATH:$root/usr/local/sbin:$root/usr/sbin:$root/sbin

die() { # WHAT REMEDY
    printf '%s\nremedy: %s\n' "$1" "$2" >&2
    exit 1
}

missing=()
for name in "$@"; do
    if command -v "$name" >/dev/null; then continue; fi
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null) || state=
    if [ "$state" != installed ]; then missing+=("$name"); fi
done
if [ "${#missing[@]}" -eq 0 ]; then exit 0; fi

if ! { command -v apt-get && command -v dpkg; } >/dev/null; then
    die "not installed: ${missing[*]} (and this is not a Debian or Ubuntu system)" \
        "install ${missing[*]} with this system's package manager"
fi
[ "$(id -u)" -eq 0 ] ||
    die "not installed: ${missing[*]} (and only root can install packages)" \
        "sudo apt-get install --no-install-recommends ${missing[*]}"

log=$(mktemp)
policy=
trap 'rm -f "$log" ${policy:+"$policy"}' EXIT

# Outside systemd a package would start its service by a script of its own, with flags of its own.
init=
{ read -r init <"$root/proc/1/comm"; } 2>/dev/null || true
if [ "$init" != systemd ] && [ ! -e "$root/usr/sbin/policy-rc.d" ]; then
    policy=$root/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

install() {
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "${missing[@]}" </dev/null >"$log" 2>&1
}

echo "installing ${missing[*]} with apt-get..."
# Package lists may be absent or stale; only a failure tells.
if install; then exit 0; fi
if apt-get update </dev/null >"$log" 2>&1 && install; then exit 0; fi
tail -n 10 "$log" >&2
die "apt-get could not install ${missing[*]}" \
    "mend what apt-get names above, or run: apt-get update && apt-get install ${missing[*]}"
