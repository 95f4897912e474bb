"""Reading the tasks of roles and playbooks, for tests about all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


def flat(content: Any) -> list[dict[str, Any]]:
    """Return all tasks of a file's content, those in blocks too."""
    found = []
    for task in content or []:
        found.append(task)
        for key in ("block", "rescue", "always"):
            found += flat(task.get(key))
    return found


def read(path: Path) -> list[dict[str, Any]]:
    """Return all tasks of a file."""
    return flat(yaml.safe_load(path.read_text()))
