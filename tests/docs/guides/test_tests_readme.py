"""tests/README.md names what exists, and its worked example runs; the folders of tests stay small."""

import re
from pathlib import Path

from tests.support import chat
from tests.support.client import judged
from tests.support.servers.service import Service
from tests.support.servers.upstream import Gate, Upstream, stream

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()
MAX_ENTRIES = 16
USED_BY_THE_EXAMPLE = (Gate, Service, Upstream, chat, judged, stream)

(EXAMPLE,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)
exec(EXAMPLE)  # defines a test, which pytest runs like those below


def test_the_example_is_a_test_of_this_module() -> None:
    (name,) = re.findall(r"^def (test_\w+)", EXAMPLE, re.M)
    assert name in globals()


def test_every_family_is_in_the_table() -> None:
    families = {path.parent.name for path in ROOT.glob("*/*") if path.parent.name != "__pycache__"}
    assert set(re.findall(r"^\| `(\w+)/` \|", TEXT, re.M)) == families - {"support"}


def test_the_files_that_it_names_exist() -> None:
    named = re.findall(r"(?<=pytest )tests/[\w/.]+|(?<=python -m )tests[\w.]+", TEXT)
    assert len(named) == 6
    paths = [name if "/" in name else name.rstrip(".").replace(".", "/") + ".py" for name in named]
    assert [path for path in paths if not (ROOT.parent / path).exists()] == []


def test_folders_of_tests_are_small() -> None:
    grow_with_the_providers = {ROOT / "wire", ROOT / "wire" / "default", ROOT / "dialects" / "goldens"}
    for folder in {path.parent for path in ROOT.rglob("*.*")} - grow_with_the_providers:
        entries = [path for path in folder.iterdir() if path.name != "__pycache__"]
        assert len(entries) <= MAX_ENTRIES or "__pycache__" in folder.parts, folder
