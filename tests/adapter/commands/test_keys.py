"""`keys create`: what it prints for the configuration file is taken as it is."""

import re
import subprocess
import sys
from pathlib import Path

from adapter.settings.caller_keys import digest_of
from adapter.settings.sources import load_settings
from tests.adapter.commands.test_cli import run

PAGE = Path(__file__).parents[3] / "docs" / "keys.md"


def test_the_keys_of_a_team_are_made_as_the_page_says(tmp_path: Path) -> None:
    (loop,) = re.findall(r"^```sh\n(umask.*?)^```$", PAGE.read_text(), re.M | re.S)
    file = tmp_path / "adapter.toml"
    file.write_text(run("config", "init", "-").stdout)
    loop = loop.replace("responses-adapter", f"{sys.executable} -m adapter.cli")
    loop = loop.replace("adapter.toml", str(file)).replace('>"', f'>"{tmp_path}/')
    root, environ = Path(__file__).parents[3], {"PATH": "/usr/bin:/bin"}
    subprocess.run(["sh", "-euc", loop], check=True, cwd=root, env=environ, timeout=60)
    made = {key.name: key for key in load_settings({"config": str(file)}, {}).keys}
    assert made.keys() == {"ada", "bob", "cyd"}
    for name, key in made.items():
        assert (key.requests_per_minute, key.tokens_per_day) == (60, 2_000_000)
        assert key.digests == {digest_of((tmp_path / f"{name}.key").read_text().strip())}
        assert (tmp_path / f"{name}.key").stat().st_mode & 0o777 == 0o600


def test_a_key_that_the_file_has_gets_both_hashes(tmp_path: Path) -> None:
    file = tmp_path / "adapter.toml"
    first = run("keys", "create", "search", "--concurrent", "8")
    file.write_text(first.stderr)
    second = run("keys", "create", "search", "--config", str(file))
    assert "has a key search" in second.stderr
    (line,) = re.findall("^# (hashes = .*)$", second.stderr, re.M)
    file.write_text(re.sub("^hash = .*$", line, first.stderr, flags=re.M) + second.stderr)
    (key,) = load_settings({"config": str(file)}, {}).keys
    assert key.digests == {digest_of(one.stdout.strip()) for one in (first, second)}
    assert key.concurrent == 8
