"""Asks PyPI's advisory database about every pinned Python package: control node, tests, models' image.

Ends with 0 when all were asked about and none has a known weakness, with 1 when one has, and with 75 when it could not
ask: pip-audit itself calls that success.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LISTS = (
    "requirements-dev.txt",  # holds requirements.txt
    "functions/sam2/nuclio/build/requirements.txt",
    "functions/sam2/nuclio/build/requirements-sam2.txt",
)
COULD_NOT_ASK = 75
PATIENCE = 180  # seconds for one list


def judge(answer: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return what pip-audit found, a line each, and the packages that it could not ask about."""
    packages = answer["dependencies"]
    found = [
        f"{package['name']} {package['version']}: {weakness['id']}, mended in {weakness['fix_versions']}"
        for package in packages
        for weakness in package.get("vulns") or []
    ]
    return found, [package["name"] for package in packages if "skip_reason" in package]


def ask(path: Path) -> Mapping[str, Any] | None:
    """Run pip-audit over one list; None when it got no answer at all."""
    options = ["--disable-pip", "--no-deps", "--format=json", "--progress-spinner=off", "--timeout=5"]
    command = ["pip-audit", *options, f"--requirement={path}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        return dict(json.loads(done.stdout))
    except (OSError, subprocess.TimeoutExpired, ValueError) as problem:
        print(f"pip-audit gave no answer: {problem}", file=sys.stderr)
        return None


def main() -> int:
    """Ask, and say what came out."""
    status = 0
    for name in LISTS:
        answer = ask(ROOT / name)
        found, silent = judge(answer) if answer else ([], ["any package"])
        for line in found:
            print(f"{name}: {line}")
        if silent:
            more = f" and {len(silent) - 3} more" if len(silent) > 3 else ""
            print(f"{name}: COULD NOT ASK about {', '.join(silent[:3])}{more}")
        elif not found:
            print(f"{name}: no known weakness")
        if found:
            status = 1
        elif silent and status == 0:
            status = COULD_NOT_ASK
    return status


if __name__ == "__main__":
    sys.exit(main())
