#!/usr/bin/env bash
# Build wheel and sdist into dist/, check their metadata, install the wheel into an environment of its own, list the
# parts of that environment (an SBOM, CycloneDX), serve from it in an empty home, and write the hashes.
# `make release` runs it; it needs a package index.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'release: %s\n' "$*" >&2; exit 1; }

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
"$work/tools/bin/pip" install --quiet build twine cyclonedx-bom

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

say "an environment of its own, and its parts"
"${PYTHON:-python3}" -m venv "$work/env"
"$work/env/bin/pip" install --quiet "$wheel[postgres,redis]"
"$work/tools/bin/cyclonedx-py" environment "$work/env/bin/python" --output-format JSON -o dist/sbom.cdx.json
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
