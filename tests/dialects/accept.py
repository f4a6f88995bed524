"""Write the golden files from what the code does now: `python -m tests.dialects.accept`.

A golden that breaks a rule of its provider is not written. What changed is for a person to read (`git diff
tests/dialects`) and to compare with the provider's documentation.
"""

import json
import sys

from tests.dialects.case import ROOT, golden
from tests.support.judges.provider_rules import refusals
from translators.dialects.presets import PRESETS


def accept() -> None:
    """Write the file of each preset; remove those of presets that are no more; exit with the rules that are broken."""
    for file in (ROOT / "goldens").glob("*.json"):
        if file.stem not in PRESETS:
            file.unlink()
    broken = []
    for name, dialect in PRESETS.items():
        made = golden(dialect)
        wrong = [
            f"{name}, {case}: {rule}"
            for case, became in made.items()
            if "chat" in became
            for rule in refusals(name, became["chat"])
        ]
        broken += wrong
        if not wrong:
            (ROOT / "goldens" / f"{name}.json").write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    sys.exit("\n".join(broken) or None)


if __name__ == "__main__":
    accept()
