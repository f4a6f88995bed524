"""The files of deploy/ and the Containerfile fit the settings, paths and limits of the adapter."""

import re
from pathlib import Path

import pytest

from adapter import create_app
from adapter.settings.settings import DESCRIPTIONS, Settings

ROOT = Path(__file__).parents[3]
FILES = [ROOT / "Containerfile", *sorted(path for path in (ROOT / "deploy").rglob("*") if path.is_file())]
VARIABLES = {of.variable for of in DESCRIPTIONS.values()}
GRACE = Settings().shutdown_grace


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    assert set(re.findall(r"ADAPTER_[A-Z_]+[A-Z]", path.read_text())) <= VARIABLES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_probes_are_paths_of_the_adapter(path: Path) -> None:
    paths = {rule.rule for rule in create_app(Settings(store="memory:", upstream_url="http://h/v1")).url_map.iter_rules()}
    assert set(re.findall(r"/(?:health|ready)z\b", path.read_text())) <= paths


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("compose.yaml", r"stop_grace_period: (\d+)s"),
        ("kubernetes/adapter.yaml", r"terminationGracePeriodSeconds: (\d+)"),
        ("responses-adapter.service", r"TimeoutStopSec=(\d+)"),
    ],
)
def test_a_stop_may_take_longer_than_the_grace_time(name: str, pattern: str) -> None:
    (seconds,) = re.findall(pattern, (ROOT / "deploy" / name).read_text())
    assert int(seconds) >= GRACE + 10


def test_the_image_has_what_the_package_needs() -> None:
    copied = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.M))
    assert copied == {"adapter", "translators", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"}
    text = (ROOT / "Containerfile").read_text()
    assert all(f"COPY {name} {name}" in text or f" {name} " in text for name in copied)
    assert re.search(r"^USER 65532:65532$", text, re.M)
    (port,) = re.findall(r"^EXPOSE (\d+)$", text, re.M)
    assert f"0.0.0.0:{port}" in text
    assert f"127.0.0.1:{port}/healthz" in text


def test_the_package_says_who_and_where() -> None:
    text = (ROOT / "setup.cfg").read_text()
    for member in ("author", "license", "keywords", "classifiers", "long_description"):
        assert re.search(rf"^{member} = ?", text, re.M), f"the package has no {member}"
