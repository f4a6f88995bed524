#!/usr/bin/env bash
# Build wheel and sdist into dist/, check their metadata, install the wheel into an environment of its own, list the
# parts of that environment (an SBOM, CycloneDX), serve from it in an empty home, and write the hashes.
# `make release` runs it. Exit code 77: it needs a package index, and there is none here.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'release: %s\n' "$*" >&2; exit 1; }
skip() { printf 'release: %s\n' "$*" >&2; exit 77; }

work=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    wait || true
    rm -rf "$work"
}
trap finish EXIT

say "the tools"
"${PYTHON:-python3}" -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet build twine cyclonedx-bom >"$work/log" 2>&1 ||
    skip "the tools cannot be installed: $(tail -1 "$work/log")"

say "wheel and sdist"
rm -rf dist
"$work/tools/bin/python" -m build --outdir dist . >"$work/log" 2>&1 || fail "$(tail -5 "$work/log")"
"$work/tools/bin/twine" check --strict dist/*
wheel=$(ls dist/*.whl)
"$work/tools/bin/python" -m zipfile -l "$wheel" >"$work/wheel"
tar tzf dist/*.tar.gz >"$work/sdist"
for name in adapter/api/about/openapi.json adapter/py.typed translators/py.typed; do
    grep -q "^$name " "$work/wheel" || fail "the wheel has no $name"
done
for name in docs/README.md tests/README.md deploy/compose.yaml Makefile LICENSE; do
    grep -q "^[^/]*/$name\$" "$work/sdist" || fail "the sdist has no $name"
done
tar xzOf dist/*.tar.gz --wildcards '*/PKG-INFO' --exclude '*.egg-info' >"$work/metadata"
for member in Summary Author License-Expression License-File Keywords 'Classifier: Typing ::' Requires-Python Description-Content-Type; do
    grep -q "^$member" "$work/metadata" || fail "the metadata has no $member"
done

say "an environment of its own, and its parts"
"${PYTHON:-python3}" -m venv "$work/env"
"$work/env/bin/pip" install --quiet "$wheel[postgres,redis]" >"$work/log" 2>&1 || fail "$(tail -1 "$work/log")"
"$work/tools/bin/cyclonedx-py" environment "$work/env/bin/python" --output-format JSON -o dist/sbom.cdx.json
"$work/env/bin/pip" list --format freeze 2>/dev/null | cut -d= -f1 | while read -r name; do
    grep -q "\"name\": \"$name\"" dist/sbom.cdx.json || fail "the SBOM does not name $name"
done
(cd dist && sha256sum -- * >SHA256SUMS)

say "a run in an empty home"
mkdir "$work/home"
cd "$work/home"
clean=(env -i HOME="$work/home" PATH="$work/env/bin:/usr/bin:/bin")
"${clean[@]}" python -m adapter --version
"${clean[@]}" python -m adapter serve --bind 127.0.0.1:0 --workers 1 >"$work/log" 2>&1 &
server=$!
for _ in $(seq 100); do
    url=$(grep -o 'http://127.0.0.1:[0-9]*/v1' "$work/log" | head -1) || true
    [ -z "$url" ] || ! curl -sf -m 2 "${url%/v1}/readyz" >/dev/null || break
    kill -0 "$server" 2>/dev/null || fail "it ended: $(tail -3 "$work/log")"
    sleep 0.2
done
curl -sSf -m 10 "$url/responses" -H 'Content-Type: application/json' -d '{"model": "demo", "input": "Hello"}' >"$work/answer"
grep -q '"status":"completed"' "$work/answer" || fail "no response: $(cat "$work/answer")"
curl -sSf -m 10 "${url%/v1}/openapi.json" >/dev/null
kill "$server"
wait "$server" || fail "it ended with $? after SIGTERM"
server=
cd - >/dev/null
say "dist/"
cat dist/SHA256SUMS
