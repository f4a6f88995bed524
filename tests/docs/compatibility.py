"""The tables in docs/compatibility.md, made from the policy.

`python -m tests.docs.compatibility` rewrites them between the two marks; the rest of the page is written by hand.
"""

from collections.abc import Mapping
from pathlib import Path

from translators import policy
from translators.policy import Row
from translators.policy.row import CLASSES

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
BEGIN = "<!-- policy: written by python -m tests.docs.compatibility -->\n"
END = "<!-- end of policy -->\n"

SECTIONS: dict[str, Mapping[str, Row]] = {
    "Fields of a request": policy.FIELDS,
    "Types of `text.format`": policy.FORMATS,
    "Values of `include`": policy.INCLUDES,
    "Input items": policy.INPUT_ITEMS,
    "Content parts": policy.CONTENT_PARTS,
    "Tools": policy.TOOLS,
    "Forms of `tool_choice`": policy.TOOL_CHOICES,
    "Items of an answer": policy.OUTPUT_ITEMS,
    "Events of a stream": policy.EVENTS,
}


def tables() -> str:
    classes = "".join(f"| {name} | {meaning} |\n" for name, meaning in CLASSES.items())
    return f"| class | meaning |\n|---|---|\n{classes}" + "".join(
        f"\n## {title}\n\n| name | class | treatment |\n|---|---|---|\n{_rows(table)}"
        for title, table in SECTIONS.items()
    )


def _rows(table: Mapping[str, Row]) -> str:
    return "".join(f"| `{name}` | {row.becomes} | {row.says} |\n" for name, row in table.items())


def render(page: str) -> str:
    """Return the page with current tables."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + tables() + END + after


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
