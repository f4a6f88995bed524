"""The map of each package at the top of its `__init__.py` passes every file and folder beside it."""

from pathlib import Path
from types import ModuleType

import pytest

import adapter
import translators


@pytest.mark.parametrize("package", [translators, adapter], ids=lambda package: package.__name__)
def test_the_package_names_each_of_its_files(package: ModuleType) -> None:
    assert package.__file__ is not None
    assert package.__doc__ is not None
    here = Path(package.__file__).parent
    files = {path.name for path in here.glob("*.py")} - {"__init__.py"}
    packages = {f"{path.parent.name}/" for path in here.glob("*/__init__.py")}
    assert [name for name in sorted(files | packages) if f"`{name}`" not in package.__doc__] == []
