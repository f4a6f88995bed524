#!/usr/bin/env bash
# Deploy the adapter as docs/deployment.md says: PostgreSQL, two instances on it, nginx in front. Ask for a response, stop
# one instance hard, and continue the chain at the other; then the other way round. `make try-deploy` runs it.
# On Debian; installs nginx and PostgreSQL if they are missing (root or sudo; exit code 77: they cannot be had here). The
# instances run from the checkout's .venv.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'try-deploy: %s\n' "$*" >&2; exit 1; }
skip() { printf 'try-deploy: %s\n' "$*" >&2; exit 77; }

python=$PWD/.venv/bin/python
PATH=$PATH:/usr/sbin
((EUID != 0)) && as_root=(sudo) || as_root=()
newest() { find /usr/lib/postgresql -name "$1" -path '*/bin/*' 2>/dev/null | sort -V | tail -1; }
if ! command -v nginx >/dev/null || [ -z "$(newest initdb)" ]; then
    say "apt-get install nginx postgresql"
    "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends nginx-light postgresql >/dev/null ||
        skip "nginx and PostgreSQL cannot be installed"
fi

work=$(mktemp -d)
chmod 755 "$work"
base=$((20000 + RANDOM % 10000))
declare -A pids=()
finish() {
    local one
    for one in "${!pids[@]}"; do kill "${pids[$one]}" 2>/dev/null || true; done
    wait || true
    [ ! -f "$work/data/postmaster.pid" ] || "${as_postgres[@]}" "$(newest pg_ctl)" -D "$work/data" -m fast stop >/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

say "PostgreSQL"
# It does not run as root.
((EUID == 0)) && as_postgres=(setpriv --reuid postgres --regid postgres --clear-groups) || as_postgres=()
mkdir "$work/data" "$work/socket"
((EUID == 0)) && chown postgres:postgres "$work/data" "$work/socket"
"${as_postgres[@]}" "$(newest initdb)" -D "$work/data" -U adapter --auth trust -E UTF8 >"$work/initdb.log" 2>&1 ||
    fail "initdb: $(tail -2 "$work/initdb.log")"
"${as_postgres[@]}" "$(newest pg_ctl)" -D "$work/data" -w -o "-c listen_addresses=127.0.0.1 -p $base -k $work/socket" \
    -l "$work/socket/log" start >/dev/null || fail "PostgreSQL: $(tail -2 "$work/socket/log")"
"$(newest createdb)" -h 127.0.0.1 -p "$base" -U adapter adapter

say "a provider: the demo upstream"
"$python" -m adapter.demo --port $((base + 9)) >"$work/demo.log" 2>&1 &
pids[demo]=$!

say "two instances"
key=sk-try-deploy-0123456789
start() {
    mkdir -p "$work/$1"
    (cd "$work/$1" && exec env -i HOME="$work/$1" PATH="$PATH" PYTHONPATH="$OLDPWD" \
        ADAPTER_BIND="127.0.0.1:$2" ADAPTER_WORKERS=1 ADAPTER_UPSTREAM_URL="http://127.0.0.1:$((base + 9))/v1" \
        ADAPTER_STORE="postgresql+psycopg://adapter@127.0.0.1:$base/adapter" ADAPTER_API_KEYS="$key" \
        ADAPTER_SECRET_KEY=the-same-secret-for-all-instances-0123456789 \
        "$python" -m adapter serve) >"$work/$1.log" 2>&1 &
    pids[$1]=$!
}
await() {
    for _ in $(seq 150); do
        ! curl -sf -m 2 "http://127.0.0.1:$2/readyz" >/dev/null || return 0
        kill -0 "${pids[$1]}" 2>/dev/null || break
        sleep 0.2
    done
    fail "$1 is not ready: $(tail -3 "$work/$1.log")"
}
start one $((base + 1))
await one $((base + 1)) # the first instance makes the tables
start two $((base + 2))
await two $((base + 2))

say "nginx"
cat >"$work/nginx.conf" <<NGINX
daemon off;
pid $work/nginx.pid;
error_log $work/nginx.log;
events {}
http {
    client_body_temp_path $work/body;
    proxy_temp_path $work/proxy;
    fastcgi_temp_path $work/fastcgi;
    uwsgi_temp_path $work/uwsgi;
    scgi_temp_path $work/scgi;
$(sed -n '/^```nginx$/,/^```$/p' docs/deployment.md | sed '/^```/d; s/^/    /' |
    sed "s/127.0.0.1:8001/127.0.0.1:$((base + 1))/; s/127.0.0.1:8002/127.0.0.1:$((base + 2))/; s/listen 80;/listen 127.0.0.1:$((base + 3));/; s|/var/log/nginx|$work|")
}
NGINX
nginx -t -q -c "$work/nginx.conf" || fail "docs/deployment.md has a configuration that nginx refuses"
nginx -c "$work/nginx.conf" &
pids[nginx]=$!
url=http://127.0.0.1:$((base + 3))
for _ in $(seq 50); do ! curl -sf -m 2 "$url/readyz" >/dev/null || break; sleep 0.1; done

ask() { # nginx answers 502 to a request that it sends in the moment of the kill; as the SDKs do, curl tries again
    curl -sS -m 20 --retry 2 --retry-delay 1 -o "$work/answer" "$url/v1/responses" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' -d "$1" ||
        fail "no answer"
    grep -q '"status":"completed"' "$work/answer" || fail "not completed: $(cut -c1-300 "$work/answer") $(tail -3 "$work/nginx.log")"
    id=$(grep -o '"id":"resp_[^"]*"' "$work/answer" | head -1 | cut -d'"' -f4)
}
items() {
    curl -sS -m 10 "$url/v1/responses/$id/input_items?limit=100" -H "Authorization: Bearer $key" |
        grep -o '"type":"message"' | wc -l
}

say "the page at / names the address of nginx"
curl -sS -m 10 "$url/" | grep -qF " $url/v1" || fail "$(curl -sS -m 10 "$url/")"

say "a first answer, and one that continues it"
ask '{"model": "demo", "input": "Hello"}'
ask "{\"model\": \"demo\", \"input\": \"More\", \"previous_response_id\": \"$id\"}"
[ "$(items)" = 3 ] || fail "the chain has $(items) items, not 3"

say "an upload of 40 MB, and the id of its request in the log of nginx"
head -c 40000000 /dev/zero >"$work/large"
curl -sS -m 30 -D "$work/head" -o "$work/answer" "$url/v1/files" -H "Authorization: Bearer $key" -F purpose=user_data -F "file=@$work/large"
grep -q '"bytes":40000000' "$work/answer" || fail "not uploaded: $(cut -c1-300 "$work/answer")"
sent=$(tr -d '\r' <"$work/head" | sed -n 's/^x-request-id: //p')
grep -q "\"POST /v1/files HTTP/1.1\" 200 $sent\$" "$work/adapter.log" || fail "$(tail -2 "$work/adapter.log")"

turns=3
for gone in one two; do
    say "instance $gone is killed; the chain goes on"
    # shellcheck disable=SC2046 # one number for each worker
    kill -KILL "${pids[$gone]}" $(pgrep -P "${pids[$gone]}")
    wait "${pids[$gone]}" 2>/dev/null || true
    for _ in 1 2 3; do
        ask "{\"model\": \"demo\", \"input\": \"And more\", \"previous_response_id\": \"$id\"}"
        turns=$((turns + 2))
    done
    [ "$(items)" = "$turns" ] || fail "the chain has $(items) items, not $turns"
    [ "$gone" = one ] && port=$((base + 1)) || port=$((base + 2))
    start "$gone" "$port"
    await "$gone" "$port"
done
say "nothing was lost: a chain of $turns items over two instances that were killed"
