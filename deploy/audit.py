"""Look the packages of .venv up among known vulnerabilities: `make audit`.

pip-audit does it, in an environment of its own. It ends well, too, when the service that it asks knows no package at
all; here that is a failure, because nothing was looked up. Exit code 0: nothing is known; 1: there are vulnerabilities;
2: not all could be looked up. Arguments go to pip-audit.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PACKAGES = Path(__file__).parents[1] / ".venv/bin/python"
INSTEAD = "Run it where that service can be reached, or ask another: make audit ARGS='--vulnerability-service osv'"


def audit(arguments: list[str]) -> tuple[int, list[str]]:
    """Return the exit code and what to print."""
    with TemporaryDirectory() as folder:
        tools, frozen, found = (Path(folder, name) for name in ("tools", "requirements.txt", "found.json"))
        frozen.write_text(output(PACKAGES, "-m", "pip", "freeze", "--exclude-editable").stdout)
        venv.create(tools, with_pip=True)
        installed = output(tools / "bin/pip", "install", "--quiet", "pip-audit")
        if installed.returncode:
            return 2, [f"audit: pip-audit cannot be installed: {last_line(installed.stderr)}"]
        asked = output(
            tools / "bin/pip-audit", "--disable-pip", "--no-deps", "--progress-spinner=off", "--format=json",
            f"--requirement={frozen}", f"--output={found}", *arguments,
        )  # fmt: skip
        if not found.exists():
            return 2, [f"audit: the advisories cannot be asked: {last_line(asked.stderr)}. {INSTEAD}"]
        return judge(json.loads(found.read_text())["dependencies"])


def judge(packages: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """Return the exit code and what to print, for what pip-audit has found out about each package."""
    lines = [
        f"{one['name']} {one['version']}: {known['id']}, fixed in {', '.join(known['fix_versions']) or 'no version'}"
        for one in packages
        for known in one.get("vulns", ())
    ]
    skipped = [one["skip_reason"] for one in packages if "skip_reason" in one]
    if skipped:
        return 2, [
            *lines, f"audit: {len(skipped)} of {len(packages)} packages were not looked up: {skipped[0]}. {INSTEAD}",
        ]  # fmt: skip
    if lines:
        return 1, lines
    return 0, [f"audit: no vulnerability is known of {len(packages)} packages."]


def output(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


def last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


if __name__ == "__main__":
    code, lines = audit(sys.argv[1:])
    print("\n".join(lines), file=sys.stderr if code else sys.stdout)
    sys.exit(code)
