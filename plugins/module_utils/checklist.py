"""The result of looking at a server: one entry per check, in groups, with what to do about it.

A check is a function that returns its detail line, or raises :class:`CheckFailed`, :class:`CheckWarning` or
:class:`CheckSkipped`. :class:`Checklist` runs them in order, times them and goes on after a failure, so that one run
tells everything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

UNEXPECTED = "This may be a fault of the check itself: run playbooks/diagnose.yml and report it."
STATES = ("ok", "warning", "failed", "skipped")


class CheckFailed(Exception):
    """A check found a fault. ``cure`` says in a sentence what the person should do."""

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(problem)
        self.cure = cure


class CheckWarning(CheckFailed):
    """Everything works now, but something should be looked at soon. It fails nothing."""


class CheckSkipped(Exception):
    """A check does not apply here, and the message says why. It never counts as passed."""


@dataclass
class Check:
    """One line of the result."""

    name: str
    title: str
    state: str
    detail: str
    cure: str = ""
    seconds: float = 0.0
    group: str = ""


@dataclass
class Checklist:
    """The results so far, in the order in which the checks ran."""

    checks: list[Check] = field(default_factory=list)
    group: str = ""  # of the checks that follow

    def run(self, name: str, title: str, check: Callable[..., str], *arguments: Any) -> bool:
        """Run one check and tell whether what it asks for works (a warning works, too).

        Whatever goes wrong in it is a failed check, so that the others still run.
        """
        started = time.monotonic()
        cure = ""
        try:
            state, detail = "ok", check(*arguments)
        except CheckSkipped as reason:
            state, detail = "skipped", str(reason)
        except CheckWarning as problem:
            state, detail, cure = "warning", str(problem), problem.cure
        except Exception as problem:
            state, detail = "failed", str(problem)
            cure = getattr(problem, "cure", "")
            if not cure:
                detail, cure = f"unexpected: {type(problem).__name__}: {problem}", UNEXPECTED
        seconds = round(time.monotonic() - started, 3)
        self.checks.append(Check(name, title, state, detail, cure, seconds, self.group))
        return state in ("ok", "warning")

    def skip(self, name: str, title: str, reason: str) -> None:
        """Note a check that cannot run because an earlier one failed."""
        self.checks.append(Check(name, title, "skipped", reason, group=self.group))

    @property
    def failed(self) -> list[Check]:
        """The checks that found a fault."""
        return [check for check in self.checks if check.state == "failed"]

    def summary(self) -> dict[str, int]:
        """Return how many checks ended in which state."""
        return {state: sum(check.state == state for check in self.checks) for state in STATES}

    @property
    def state(self) -> str:
        """The worst state: ``failed``, ``warning`` or ``ok``."""
        found = {check.state for check in self.checks}
        return next((state for state in ("failed", "warning") if state in found), "ok")

    def as_dicts(self) -> list[dict[str, Any]]:
        """The results as plain values, for a module's answer."""
        return [asdict(check) for check in self.checks]
