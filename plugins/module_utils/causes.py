"""What is wrong with an annotation server: causes, most fundamental first, and what each of them explains.

Probes (``cause_facts``) look at the server and return facts: plain values that can be written down as JSON. Rules
(``cause_rules_*``) are pure functions from facts to causes. Here is what both share: a cause, and how causes are put in
order, so that what only follows from another cause is not listed as one of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

Facts = dict[str, Any]

#: What evidence says in its own words, whoever says it. A cause that such a sign points to explains it ("sign:NAME").
SIGNS = {
    "no_space": re.compile(
        r"(?i)no space left|disk (?:is )?full|disk usage|could not extend file|ENOSPC|quota exceeded"
    ),
    "killed": re.compile(r"(?i)out of memory: kill|oom-?kill|killed by the kernel"),
    "dependency": re.compile(r"(?i)dependency failed"),
    "skew": re.compile(r"(?i)RequestTimeTooSkewed|not yet valid|time .{0,20}too (?:large|skewed)"),
    "port_taken": re.compile(r"(?i)port is already allocated|listen tcp\S* .*address already in use"),
    "address_taken": re.compile(r"(?i)^(?!.*listen tcp).*address already in use"),
    "old_client": re.compile(r"(?i)client version \S+ is too old"),
    "no_mount_source": re.compile(r"(?i)bind source path does not exist"),
    "no_gpu": re.compile(r"(?i)could not select device driver|nvidia-container-cli|failed to initialize nvml|no cuda"),
}
#: Evidence is for people: a line, not a page.
LONGEST = 240


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong."""

    #: ``what.kind`` or ``what.kind.which``, for example ``container.stopped.nuclio``.
    key: str
    #: What is wrong, a sentence.
    problem: str
    #: Where it was seen, each with its source first, for example ``docker ps: nuclio exited``.
    evidence: tuple[str, ...]
    #: What to do, a sentence with a command.
    cure: str
    #: What people notice, a sentence. Empty when the problem itself says it.
    effect: str = ""
    #: Patterns of keys of other causes that only follow from this one, and ``sign:NAME`` for what their evidence says.
    explains: tuple[str, ...] = ()
    #: Whether everything still works, and this will do harm later.
    risk: bool = False

    def signs(self) -> set[str]:
        """Return the signs that its evidence shows."""
        said = "\n".join(self.evidence)
        return {f"sign:{name}" for name, pattern in SIGNS.items() if pattern.search(said)}

    def is_explained_by(self, other: Cause) -> bool:
        """Tell whether this follows from another cause."""
        names = {self.key, *self.signs()}
        return self.key != other.key and any(fnmatchcase(n, pattern) for n in names for pattern in other.explains)


@dataclass(frozen=True)
class Finding:
    """A cause that stands for itself, and the problems that follow from it."""

    cause: Cause
    consequences: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for a module's answer."""
        return {**asdict(self.cause), "consequences": list(self.consequences), "evidence": list(self.cause.evidence)}


Rule = Callable[[Facts], Iterable[Cause]]


def find(facts: Facts, rules: Sequence[Rule]) -> list[Finding]:
    """Return what is wrong, most fundamental first: in the order of the rules, and what only threatens at the end."""
    found = [cause for rule in rules for cause in rule(facts)]
    root = {cause.key: _root(cause, found) for cause in found}
    kept = sorted((cause for cause in found if root[cause.key] is cause), key=lambda cause: cause.risk)
    return [
        Finding(cause, tuple(other.problem for other in found if other is not cause and root[other.key] is cause))
        for cause in kept
    ]


def _root(cause: Cause, found: Sequence[Cause]) -> Cause:
    """Return what a cause follows from in the end; itself if from nothing. Of two that explain each other the first."""
    seen = [cause]
    while True:
        place = found.index(seen[-1])
        further = next(
            (
                other
                for i, other in enumerate(found)
                if seen[-1].is_explained_by(other) and not (other.is_explained_by(seen[-1]) and i > place)
            ),
            None,
        )
        if further is None or further in seen:
            return seen[-1]
        seen.append(further)


def line(text: str) -> str:
    """Return a text as one line of evidence."""
    short = " ".join(text.split())
    return short if len(short) <= LONGEST else short[: LONGEST - 1] + "…"


def in_words(findings: Sequence[Finding]) -> list[str]:
    """Return what is wrong as lines for people."""
    wrong = [finding for finding in findings if not finding.cause.risk]
    lines = [] if wrong else ["Nothing found wrong."]
    for number, finding in enumerate(findings, 1):
        cause = finding.cause
        if cause.risk and number == len(wrong) + 1:
            lines += ["", "Not wrong now, and worth knowing:"]
        lines += ["", f"{number}. {cause.problem}"]
        lines += [f"   seen:    {each}" for each in cause.evidence]
        lines += [f"   effect:  {cause.effect}"] if cause.effect else []
        lines += [f"   follows: {each}" for each in finding.consequences]
        lines += [f"   cure:    {cause.cure}"]
    return lines[1:] if lines and not lines[0] else lines
