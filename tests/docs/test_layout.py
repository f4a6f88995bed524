"""Folders and modules of the packages stay small enough to be read at once."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_ENTRIES = 17
"""Modules and folders of one folder, `translators/` itself being the largest; `__init__.py`, `__main__.py` and
markers aside."""
MAX_LINES = 410

FOLDERS = {
    str(path.parent.relative_to(ROOT)): path.parent
    for package in ("adapter", "translators")
    for path in sorted(ROOT.glob(f"{package}/**/__init__.py"))
}


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_a_folder_is_small(folder: Path) -> None:
    modules = {path.name for path in folder.glob("*.py") if not path.name.startswith("__")}
    folders = {path.parent.name for path in folder.glob("*/*.py")}
    assert len(modules | folders) <= MAX_ENTRIES, "group what belongs together in a folder"


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_a_module_is_short(folder: Path) -> None:
    lines = {path.name: path.read_text().count("\n") for path in folder.glob("*.py")}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}
