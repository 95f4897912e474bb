"""What was tried, a JSON line each, so that a second start goes on where the first one stopped; and its table."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Entry:
    """One trial."""

    fault: str
    stage: str
    seed: int
    fired: str = ""  # how it is known; empty when it did not
    end: str = ""  # of the disturbed run
    expected: bool = False  # whether it could end so
    healing: str = ""  # how the plain run after it ended
    seconds: float = 0  # of the plain run
    differences: list[str] = field(default_factory=list)  # from the state of an undisturbed run
    lost: list[str] = field(default_factory=list)  # data that were there before

    @property
    def healed(self) -> bool:
        """Whether a plain run brought the state of an undisturbed one, with all data."""
        return self.healing == "ok" and not self.differences and not self.lost

    @property
    def good(self) -> bool:
        """Whether all is as it must be."""
        return bool(self.fired) and self.expected and self.healed


def read(path: Path) -> list[Entry]:
    """The entries so far; a line that was cut off with the run that wrote it is left out."""
    entries = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            entries.append(Entry(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return entries


def write(path: Path, entry: Entry) -> None:
    """Add an entry, on a line of its own even where the last one was cut off."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cut_off = path.exists() and path.read_bytes()[-1:] not in (b"", b"\n")
    with path.open("a") as journal:
        journal.write(("\n" if cut_off else "") + json.dumps(asdict(entry)) + "\n")


def latest(entries: Iterable[Entry], seed: int) -> dict[str, Entry]:
    """The last entry of each fault under a seed."""
    return {entry.fault: entry for entry in entries if entry.seed == seed}


def table(entries: Sequence[Entry]) -> str:
    """A Markdown table, with the counts below."""
    lines = [
        "| fault | proof that it fired | disturbed run | plain run | healed | what differed |",
        "|---|---|---|---|---|---|",
    ]
    for entry in entries:
        differed = [*(f"LOST {name}" for name in entry.lost), *entry.differences]
        shown = "; ".join(differed[:3]) + (f"; and {len(differed) - 3} more" if len(differed) > 3 else "")
        cells = [
            entry.fault,
            entry.fired or "did NOT fire",
            entry.end + ("" if entry.expected else " (NOT expected)"),
            f"{entry.healing}, {entry.seconds:.0f} s",
            "yes" if entry.healed else "NO",
            shown or "nothing",
        ]
        lines.append("| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |")
    fired = [entry for entry in entries if entry.fired]
    healed = [entry for entry in fired if entry.healed]
    seconds = sorted(entry.seconds for entry in healed)
    lines += ["", f"{len(entries)} faults tried, {len(fired)} fired, {len(healed)} healed by one plain run."]
    if seconds:
        lines.append(f"Healing took {seconds[len(seconds) // 2]:.0f} s in the middle, {seconds[-1]:.0f} s at most.")
    return "\n".join(lines)
