"""Commands, and what to say when one fails."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class Failure(Exception):
    """Something that a person must see to; the message says what and how."""


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    out: Path | None = None,
    feed: Path | None = None,
    accept: Sequence[int] = (0,),
) -> str:
    """Run a command and return what it prints.

    Args:
        command: program and arguments; no shell.
        env: variables besides this process's own.
        out: file that takes its output instead.
        feed: file that it reads from.
        accept: exit statuses that are no failure.

    Raises:
        Failure: with the end of what it said.
    """
    source = feed.open("rb") if feed else subprocess.DEVNULL
    target = out.open("wb") if out else subprocess.PIPE
    try:
        done = subprocess.run(
            command, stdin=source, stdout=target, stderr=subprocess.PIPE, env=os.environ | dict(env or {}), check=False
        )
    except FileNotFoundError as missing:
        raise Failure(f"{command[0]} is not installed.") from missing
    finally:
        for file in (source, target):
            if not isinstance(file, int):
                file.close()
    said = (done.stdout or b"").decode(errors="replace")
    if done.returncode not in accept:
        complaint = "\n".join((said + done.stderr.decode(errors="replace")).strip().splitlines()[-8:])
        raise Failure(f"'{' '.join(command[:4])} ...' ended with {done.returncode}:\n{complaint}")
    return said
