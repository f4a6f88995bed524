"""CONTRIBUTING.md names files and targets that exist, and its worked example runs."""

import re
from pathlib import Path

from tests.translators.to_responses import test_stream

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()


def test_every_path_exists() -> None:
    named = re.findall(r"(?<![\w/])((?:adapter|translators|tests|docs)/[\w./]*|[\w.]+\.(?:md|cfg)\b)", TEXT)
    assert len(set(named)) > 50
    assert [path for path in sorted(set(named)) if not (ROOT / path).exists()] == []


def test_every_module_it_runs_exists() -> None:
    modules = re.findall(r"python -m (tests[\w.]+)", TEXT)
    assert modules
    paths = {name: ROOT / name.replace(".", "/") for name in modules}
    assert [
        name for name, path in paths.items()
        if not path.with_name(f"{path.name}.py").is_file() and not (path / "__main__.py").is_file()
    ] == []  # fmt: skip


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"\bmake ([a-z-]+)\b(?! alone)", TEXT)) - {"alone"}
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.M))


def test_every_family_of_tests_is_named() -> None:
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/*.py")} | {"adapter", "translators"}
    (section,) = re.findall(r"^## Tests\n\n(.*?)\n\n", TEXT, re.M | re.S)
    assert folders - {"__pycache__", "support"} == set(re.findall(r"`tests/(\w+)`", section))


def test_the_worked_example_runs() -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)
    (name,) = re.findall(r"def (\w+)", example)
    assert hasattr(test_stream, name)
    scope = dict(vars(test_stream))
    exec(example, scope)
    scope[name]()
