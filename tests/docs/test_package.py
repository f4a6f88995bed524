"""The way of a request and of an answer, as the package tells it, passes every file."""

from pathlib import Path

import translators

HERE = Path(translators.__file__).parent


def test_the_package_names_each_of_its_files() -> None:
    files = {path.name for path in HERE.glob("*.py")} - {"__init__.py"}
    packages = {f"{path.parent.name}/" for path in HERE.glob("*/__init__.py")}
    assert translators.__doc__ is not None
    assert [name for name in sorted(files | packages) if f"`{name}`" not in translators.__doc__] == []
