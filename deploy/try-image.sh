#!/usr/bin/env bash
# Build the image from the Containerfile and run it as deploy/ does: read-only, as user 65532, without capabilities; ask
# it for two responses, the second of them a stream that continues the first, read its metrics, and stop it.
# Needs root on Debian. No registry of images: the base is made with debootstrap. `make try-image` runs it.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'try-image: %s\n' "$*" >&2; exit 1; }

((EUID == 0)) || fail "needs root"
command -v buildah >/dev/null && command -v debootstrap >/dev/null || {
    say "apt-get install buildah debootstrap"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah debootstrap
}

work=$(mktemp -d)
export STORAGE_DRIVER=vfs
store=(--root "$work/storage" --runroot "$work/run")
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    wait || true
    buildah "${store[@]}" umount -a >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT

say "a base of Debian with Python (some minutes)"
debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/base" >"$work/log" 2>&1 ||
    fail "debootstrap: $(tail -1 "$work/log")"
container=$(buildah "${store[@]}" from scratch)
buildah "${store[@]}" add -q "$container" "$work/base" / >/dev/null
buildah "${store[@]}" commit -q "$container" localhost/python-base >/dev/null

say "the image"
# The build reaches the package index as this machine does.
given=()
for path in /etc/pip.conf "$HOME/.config/pip/pip.conf" /etc/ssl /usr/local/share/ca-certificates; do
    [ ! -e "$path" ] || given+=(--volume "$path:$path:ro")
done
buildah "${store[@]}" bud --isolation chroot --pull-never --build-arg BASE=localhost/python-base "${given[@]}" \
    -t localhost/responses-adapter -f Containerfile . >"$work/log" 2>&1 || fail "build: $(tail -5 "$work/log")"
buildah "${store[@]}" images

say "a read-only run as user 65532 without capabilities"
container=$(buildah "${store[@]}" from localhost/responses-adapter)
root=$(buildah "${store[@]}" mount "$container")
port=$((20000 + RANDOM % 10000))
cat >"$work/run.sh" <<RUN
mount --bind "$root" "$root"
mount -o remount,ro,bind "$root"
for path in tmp data dev/shm; do mount -t tmpfs -o uid=65532,gid=65532,mode=700 tmpfs "$root/\$path"; done
mount -t proc proc "$root/proc"
exec chroot "$root" setpriv --reuid 65532 --regid 65532 --clear-groups --bounding-set -all --inh-caps -all \\
    --no-new-privs env -i HOME=/ PATH=/opt/responses-adapter/bin:/usr/bin:/bin ADAPTER_STORE=sqlite:////data/adapter.db \\
    ADAPTER_BIND=127.0.0.1:$port ADAPTER_ADMIN_BIND=127.0.0.1:$((port + 1)) responses-adapter serve
RUN
unshare --mount bash "$work/run.sh" >"$work/log" 2>&1 &
server=$!
url=http://127.0.0.1:$port
ask() { curl -sSf -m 10 "$url/v1/responses" -H 'Content-Type: application/json' -d "$1"; }
for _ in $(seq 60); do
    curl -sf -m 2 "$url/readyz" >/dev/null && break
    kill -0 "$server" 2>/dev/null || fail "it ended: $(tail -3 "$work/log")"
    sleep 0.5
done
first=$(ask '{"model": "demo", "input": "Hello"}' | grep -o '"id":"resp_[^"]*"' | head -1 | cut -d'"' -f4)
[ -n "$first" ] || fail "no response"
ask "{\"model\": \"demo\", \"input\": \"More\", \"previous_response_id\": \"$first\", \"stream\": true}" |
    grep -q '"type":"response.completed"' || fail "the stream did not complete"
curl -sSf -m 10 "http://127.0.0.1:$((port + 1))/metrics" | grep 'responses_total{'
grep CapEff "/proc/$server/status" | grep -q 0000000000000000 || fail "it has capabilities"

kill "$server"
wait "$server" || fail "it ended with $? after SIGTERM"
server=
say "the image works"
