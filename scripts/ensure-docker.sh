#!/usr/bin/env bash
# Sees to it that a Docker daemon answers on this host's socket: installs and starts one where that is ours to do.
# stdout: progress lines. On failure the last two lines of stderr are what is wrong and "remedy: ...".
set -euo pipefail
unset DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH CDPATH

here=${BASH_SOURCE[0]%/*}
if [ "$here" = "${BASH_SOURCE[0]}" ]; then here=.; fi
root=${MCP_TEST_ROOT:-} # tests only: stands before every absolute path
PATH=$PATH:$root/usr/local/sbin:$root/usr/sbin:$root/sbin

readonly SOCKET=$root/var/run/docker.sock
readonly LOG=$root/var/log/dockerd-mcp.log
readonly WRAPPER=$root/usr/local/lib/mcp/mcp-runc
readonly OLDEST_API=41 # of major version 1: Docker 20.10
readonly INSTALL="install Docker Engine 20.10 or newer"
readonly PATIENCE=60 # seconds

die() { # WHAT REMEDY
    printf '%s\nremedy: %s\n' "$1" "$2" >&2
    exit 1
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# The daemon's answer to GET PATH. No Docker client needed: curl, or the Node that runs the command line anyway.
api() { # PATH
    if command -v curl >/dev/null; then
        curl -q --silent --fail --noproxy '*' --max-time 10 --unix-socket "$SOCKET" "http://localhost$1"
    else
        node -e '
            const [socketPath, path] = process.argv.slice(1);
            const request = require("node:http").get({ socketPath, path, timeout: 10000 }, (answer) => {
                process.exitCode = answer.statusCode === 200 ? 0 : 1;
                answer.pipe(process.stdout);
            });
            request.on("timeout", () => request.destroy());
            request.on("error", () => { process.exitCode = 1; });
        ' "$SOCKET" "$1"
    fi 2>/dev/null
}

version=
answers() { version=$(api /version); }

# Process id in FILE, if that process lives and is called NAME. Reads only: usable without rights on the process.
process_of() { # FILE NAME
    local id='' name=''
    if [ ! -r "$1" ]; then return 1; fi
    read -r id <"$1" || true # dockerd writes no newline
    if [ -z "$id" ] || [ ! -r "$root/proc/$id/comm" ]; then return 1; fi
    read -r name <"$root/proc/$id/comm" || true
    [ "$name" = "$2" ] && echo "$id"
}

# Whether the process may never have CAP_SYS_RESOURCE: bit 24 of its bounding set (linux/capability.h).
lacks_sys_resource() { # PROCESS
    local key value
    if [ ! -r "$root/proc/$1/status" ]; then return 1; fi
    while read -r key value; do
        if [ "$key" = CapBnd: ]; then
            [ $(((16#$value >> 24) & 1)) -eq 0 ]
            return
        fi
    done <"$root/proc/$1/status"
    return 1
}

# Refuses a daemon that answers but would not do.
check_daemon() {
    local daemon
    [[ $version =~ \"ApiVersion\"[[:space:]]*:[[:space:]]*\"([0-9]+)\.([0-9]+)\" ]] ||
        die "what answers on $SOCKET is not a Docker daemon" "$INSTALL"
    if [ "${BASH_REMATCH[1]}" -eq 1 ] && [ "${BASH_REMATCH[2]}" -lt "$OLDEST_API" ]; then
        die "the Docker daemon is too old: it speaks API 1.${BASH_REMATCH[2]}, 1.$OLDEST_API is needed" "$INSTALL"
    fi
    # What counts is the daemon's own bounding set; seen from inside a container there is none to look at.
    daemon=$(process_of "$root/var/run/docker.pid" dockerd) || return 0
    if lacks_sys_resource "$daemon" && [[ $(api /info) =~ \"DefaultRuntime\"[[:space:]]*:[[:space:]]*\"runc\" ]]; then
        die "the running Docker daemon has no CAP_SYS_RESOURCE, and plain runc cannot start privileged containers so" \
            "stop that daemon and run \`./mcp up\` again, which starts one with the runtime that can"
    fi
}

wait_for_daemon() { # PROCESS
    local deadline=$((SECONDS + PATIENCE))
    while [ "$SECONDS" -lt "$deadline" ]; do
        if answers; then return 0; fi
        if [ -n "$1" ] && ! kill -0 "$1" 2>/dev/null; then break; fi
        sleep 0.2
    done
    answers
}

start_by_systemd() {
    local output
    echo "starting Docker (systemctl start docker)..."
    output=$(systemctl start docker 2>&1) || {
        printf '%s\n' "$output" | tail -n 10 >&2
        die "systemd could not start Docker" "mend what \`journalctl -u docker\` shows, then run again"
    }
    wait_for_daemon '' || die "Docker was started, and does not answer on $SOCKET" \
        "look at \`journalctl -u docker\` and at \"hosts\" in /etc/docker/daemon.json"
}

# A crash leaves these behind; a process of another name under the same id would keep the daemon from starting.
drop_stale_pid_files() {
    local run=$root/var/run
    process_of "$run/docker.pid" dockerd >/dev/null || rm -f "$run/docker.pid"
    process_of "$run/docker/containerd/containerd.pid" containerd >/dev/null ||
        rm -f "$run/docker/containerd/containerd.pid"
}

start_by_hand() {
    local process flags=()
    drop_stale_pid_files
    if process=$(process_of "$root/var/run/docker.pid" dockerd); then
        echo "waiting for the Docker daemon that is running (process $process)..."
        wait_for_daemon "$process" || die "the Docker daemon (process $process) runs but does not answer on $SOCKET" \
            "look at its log, or stop it and run again"
        return
    fi
    if lacks_sys_resource self; then
        # A copy, so that the daemon outlives the project folder.
        mkdir -p "${WRAPPER%/*}"
        cp "$here/../images/orchestrator/mcp-runc" "$WRAPPER.new"
        chmod 755 "$WRAPPER.new"
        mv "$WRAPPER.new" "$WRAPPER"
        flags=(--add-runtime "mcp-runc=$WRAPPER" --default-runtime mcp-runc)
    fi
    echo "starting the Docker daemon (log: $LOG)..."
    # In a session of its own, and without the lock: it stays when this script and its terminal go.
    (
        cd /
        umask 022
        export MCP_PIDS_LIMIT=0 # the wrapper's bound on processes is for the containers inside, not for the host's
        exec setsid nohup dockerd ${flags[@]+"${flags[@]}"} </dev/null >"$LOG" 2>&1 9>&-
    ) &
    process=$!
    if wait_for_daemon "$process"; then return 0; fi
    tail -n 12 "$LOG" >&2
    if kill -0 "$process" 2>/dev/null; then
        die "the Docker daemon (process $process) did not answer within $PATIENCE s" \
            "wait a little and run again; its log is $LOG"
    fi
    die "the Docker daemon could not start" "mend what it names above (log: $LOG), then run again"
}

if answers; then
    check_daemon
    exit 0
fi

if [ "${1:-}" = --check ]; then die "no Docker daemon answers on $SOCKET" "./mcp up, which starts one"; fi
[ "$(uname -s)" = Linux ] || die "no Docker daemon answers on $SOCKET" "start Docker, or $INSTALL"
if [ -S "$SOCKET" ] && [ ! -w "$SOCKET" ]; then
    user=$(id -un 2>/dev/null) || user="#$(id -u)"
    die "$user may not use $SOCKET" "sudo usermod -aG docker $user, then log in again; or run with sudo"
fi

init=
{ read -r init <"$root/proc/1/comm"; } 2>/dev/null || true
if is_root; then
    # One at a time: two first starts at once must not both install and start.
    exec 9>"$root/var/run/mcp-docker.lock"
    if command -v flock >/dev/null; then flock 9; fi
    if answers; then
        check_daemon
        exit 0
    fi
fi

if ! command -v dockerd >/dev/null; then
    if ! { command -v apt-get && command -v dpkg; } >/dev/null; then die "Docker is not installed" "$INSTALL"; fi
    is_root || die "Docker is not installed" "sudo ./mcp up (installs it), or sudo apt-get install docker.io"
    "$here/ensure-package.sh" docker.io iptables ca-certificates 9>&-
elif ! is_root; then
    if [ "$init" = systemd ]; then start="sudo systemctl start docker"; else start="sudo ./mcp up"; fi
    die "Docker is installed, but its daemon is not running" "$start"
fi

if [ "$init" = systemd ] && ! lacks_sys_resource self; then start_by_systemd; else start_by_hand; fi
check_daemon
