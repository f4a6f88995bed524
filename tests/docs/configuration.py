"""The table of settings in docs/configuration.md, made from their descriptions.

`python -m tests.docs.configuration` rewrites it between its two marks; the rest of the page is written by hand.
"""

from pathlib import Path

from adapter.settings.description import Description
from adapter.settings.settings import DESCRIPTIONS

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
BEGIN = "<!-- settings: written by python -m tests.docs.configuration -->\n"
END = "<!-- end of settings -->\n"


def table() -> str:
    head = "| variable | flag | value | default | meaning |\n|---|---|---|---|---|\n"
    return head + "".join(map(_row, DESCRIPTIONS.values()))


def _row(of: Description) -> str:
    flag = "–" if of.secret else f"`{of.flag}`"
    default = of.format(of.default)
    shown = f"`{default}`" if default else "unset"
    return f"| `{of.variable}` | {flag} | {of.kind.expects} | {shown} | {of.help} |\n"


def render(page: str) -> str:
    """Return the page with a current table."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
