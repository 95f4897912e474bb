"""What a server is like, and in what two such pictures differ."""

import json
from pathlib import Path
from typing import Any

from tests.faults.host import Host

LOOK = Path(__file__).parent / "look.py"
State = dict[str, Any]


def look(host: Host, *folders: str) -> State:
    """Look at a host, once nothing is under way on it."""
    return json.loads(host.python(LOOK, *folders))


def differences(wanted: State, found: State) -> list[str]:
    """What is not as wanted, one line per thing."""
    lines = [f"{key} is missing" for key in wanted.keys() - found.keys()]
    lines += [f"{key} is there besides" for key in found.keys() - wanted.keys()]
    for key in wanted.keys() & found.keys():
        if wanted[key] != found[key]:
            lines.append(f"{key}: {_change(wanted[key], found[key])}")
    return sorted(lines)


def _change(wanted: Any, found: Any) -> str:
    """Two values in few words; of dictionaries only the fields that differ."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = [key for key in sorted({*wanted, *found}) if wanted.get(key) != found.get(key)]
        return "; ".join(f"{key} {_short(found.get(key))} instead of {_short(wanted.get(key))}" for key in keys)
    return f"{_short(found)} instead of {_short(wanted)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= 120 else text[:117] + "..."
