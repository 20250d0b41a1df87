#!/bin/sh
# Entry of the locally built orchestrator base; same contract as upstream docker:dind for what this stack uses:
# arguments are dockerd flags, TLS material lies in $DOCKER_TLS_CERTDIR/server, and the plain API never opens
# unless a flag asks for it.
set -eu

certs=${DOCKER_TLS_CERTDIR:?DOCKER_TLS_CERTDIR names the folder of the TLS material}/server
openssl verify -CAfile "$certs/ca.pem" "$certs/cert.pem"

# A killed daemon leaves pid files behind, and a stale one keeps the next start from coming up.
find /run /var/run -iname 'docker*.pid' -delete 2>/dev/null || true
find /run /var/run -iname 'container*.pid' -delete 2>/dev/null || true

# cgroup v2: processes must leave the root group before controllers can be handed down.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    mkdir -p /sys/fs/cgroup/init
    xargs -rn1 </sys/fs/cgroup/cgroup.procs >/sys/fs/cgroup/init/cgroup.procs || true
    sed -e 's/ / +/g' -e 's/^/+/' </sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
fi
# What the daemon expects to see when it runs inside a container.
export container=docker
if [ -d /sys/kernel/security ] && ! mountpoint -q /sys/kernel/security; then
    mount -t securityfs none /sys/kernel/security 2>/dev/null || true
fi

exec /usr/bin/tini -- dockerd \
    --host=unix:///var/run/docker.sock \
    --host=tcp://0.0.0.0:2376 \
    --tlsverify --tlscacert "$certs/ca.pem" --tlscert "$certs/cert.pem" --tlskey "$certs/key.pem" \
    "$@"
