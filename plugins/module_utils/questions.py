"""Questions to a host that may be half broken: each has a time limit, and none can hold up the others."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils.nuclio_cli import Answer

Ask = Callable[..., Answer]

NOT_THERE, TOO_LATE = 127, 124


def ask(command: Sequence[str], timeout: float = 10, folder: str = "/") -> Answer:
    """Run a command in a folder and return what it says; 127: there is no such program, 124: it took too long."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            cwd=folder,
        )
    except OSError as problem:
        return Answer(NOT_THERE, "", f"{command[0]}: {problem.strerror}")
    except subprocess.TimeoutExpired:
        return Answer(TOO_LATE, "", f"{command[0]} gave no answer within {timeout:.0f} s")
    return Answer(done.returncode, done.stdout, done.stderr)


def together(
    questions: Mapping[str, Callable[[], Any]], timeout: float, unanswered: dict[str, str] | None = None
) -> dict[str, Any]:
    """Ask all at the same time and return the answers by name; None for those that took too long or failed.

    A question that hangs for ever, such as one about a network share whose server is gone, is left behind: its thread
    ends with the program. Why something was not answered is noted in ``unanswered``.
    """
    answers: dict[str, Any] = dict.fromkeys(questions)
    missing = dict.fromkeys(questions, f"no answer within {timeout:.0f} s")

    def put(name: str, question: Callable[[], Any]) -> None:
        try:
            answers[name] = question()
            del missing[name]
        except Exception as problem:  # one part that cannot be had must not take the others with it
            missing[name] = f"{type(problem).__name__}: {problem}"

    threads = [threading.Thread(target=put, args=item, daemon=True) for item in questions.items()]
    for thread in threads:
        thread.start()
    end = time.monotonic() + timeout
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    if unanswered is not None:
        unanswered |= missing
    return dict(answers)
