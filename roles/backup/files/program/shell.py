"""Commands, and what to say when one fails."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
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
        raise _failure(command, done.returncode, said + done.stderr.decode(errors="replace"))
    return said


def follow(
    command: Sequence[str],
    see: Callable[[str], None],
    *,
    env: Mapping[str, str],
    accept: Sequence[int] = (0,),
    limit: float | None = None,
) -> None:
    """Run a command that takes long, and hand over each line that it prints when it comes.

    Args:
        command: program and arguments; no shell.
        see: takes the lines.
        env: variables besides this process's own.
        accept: exit statuses that are no failure.
        limit: seconds after which it is killed.

    Raises:
        Failure: with the end of what it said.
    """
    line = ""
    late = threading.Event()
    with tempfile.TemporaryFile("w+", errors="replace") as complaints:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=complaints, env=os.environ | dict(env), text=True, errors="replace"
        ) as process:

            def end() -> None:
                late.set()
                process.kill()

            clock = threading.Timer(threading.TIMEOUT_MAX if limit is None else limit, end)
            clock.daemon = True
            clock.start()
            for line in process.stdout or ():
                see(line)
            process.wait()
            clock.cancel()
        if late.is_set():
            raise Failure(f"'{' '.join(command[:4])} ...' was not done after {limit:.0f} s, and was ended.")
        if process.returncode not in accept:
            complaints.seek(0)
            raise _failure(command, process.returncode, line + complaints.read())


def _failure(command: Sequence[str], status: int, said: str) -> Failure:
    complaint = "\n".join(said.strip().splitlines()[-8:])
    return Failure(f"'{' '.join(command[:4])} ...' ended with {status}:\n{complaint}")
