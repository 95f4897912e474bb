"""Remembers which key was given to a service that never says which key it has.

Kept as a salted, slow hash (PBKDF2) in a file of the host: enough to notice another key, useless to find one.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path

ROUNDS = 100_000


def _digest(salt: str, parts: tuple[str, ...]) -> str:
    return hashlib.pbkdf2_hmac("sha256", "\0".join(parts).encode(), bytes.fromhex(salt), ROUNDS).hex()


def _load(path: Path) -> dict[str, dict[str, str]]:
    """Return what is remembered; a damaged file counts as nothing, which only makes the key be given again."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def matches(path: Path, name: str, *parts: str) -> bool:
    """Tell whether exactly these parts were remembered under a name."""
    known = _load(path).get(name, {})
    return bool(known) and secrets.compare_digest(known.get("digest", ""), _digest(known.get("salt", ""), parts))


def remember(path: Path, name: str, *parts: str) -> None:
    """Remember these parts under a name, instead of what was there."""
    salt = secrets.token_hex(16)
    _store(path, {**_load(path), name: {"salt": salt, "digest": _digest(salt, parts)}})


def forget(path: Path, name: str) -> None:
    """Remember nothing under a name."""
    content = _load(path)
    if content.pop(name, None):
        _store(path, content)


def _store(path: Path, content: dict[str, dict[str, str]]) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        json.dump(content, handle, indent=1)
    new.replace(path)
