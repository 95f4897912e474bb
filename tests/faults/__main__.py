"""Fault injection: python -m tests.faults tries the whole catalogue, and goes on where an earlier start stopped."""

import argparse
import sys
import time
from itertools import groupby
from pathlib import Path

from demo import mirror
from demo.shell import Failed
from tests.faults import journal
from tests.faults.catalogue import FAULTS, SHORT, Fault
from tests.faults.proxy import proxy
from tests.faults.stages import STAGES
from tests.faults.trial import FOLDER, Lab, attempt, logs


def main() -> int:
    """Try faults, and show the table."""
    parser = argparse.ArgumentParser(prog="tests.faults", description=__doc__)
    parser.add_argument("--short", action="store_true", help="only the few that make test tries")
    parser.add_argument("--stage", action="append", default=[], help="only this stage; may be given again")
    parser.add_argument("--only", default="", help="only faults with these words")
    parser.add_argument("--each", type=int, default=1000, help="only so many of every stage, the first ones")
    parser.add_argument("--seed", type=int, default=1, help="draws the places that are not named (default 1)")
    parser.add_argument("--retry", action="store_true", help="try again what did not fire or did not heal")
    parser.add_argument("--anew", action="store_true", help="forget what was tried under this seed")
    parser.add_argument("--list", action="store_true", help="only show the faults")
    parser.add_argument("--table", action="store_true", help="only show the table of what was tried")
    parser.add_argument("--keep", action="store_true", help="keep the hosts at the end")
    told = parser.parse_args()
    faults = chosen(SHORT if told.short else FAULTS, told.stage, told.only, told.each)
    path = FOLDER / f"{'short' if told.short else 'long'}-{told.seed}.jsonl"
    if told.list:
        print("\n".join(fault.id for fault in faults))
        return 0
    if told.anew:
        path.unlink(missing_ok=True)
    done = {} if told.table else journal.latest(journal.read(path), told.seed)
    left = [f for f in faults if f.id not in done or (told.retry and not done[f.id].good)]
    if not told.table:
        print(f"{len(faults)} faults, {len(faults) - len(left)} of them tried before; logs are in {logs()}", flush=True)
        if not mirror.runs():
            mirror.up()
        with proxy() as server:
            for host, some in groupby(left, lambda fault: STAGES[fault.stage].host):
                try_all(Lab(host, server, told.seed), list(some), path)
                if not told.keep:
                    host.remove()
    tried = journal.latest(journal.read(path), told.seed)
    shown = [tried[fault.id] for fault in faults if fault.id in tried]
    print(journal.table(shown))
    return 0 if len(shown) == len(faults) and all(entry.good for entry in shown) else 1


def chosen(faults: list[Fault], stages: list[str], words: str, each: int) -> list[Fault]:
    """The faults that are asked for."""
    of_stage = [list(some) for _, some in groupby(faults, lambda fault: fault.stage)]
    first = [fault for some in of_stage for fault in some[:each]]
    return [fault for fault in first if (not stages or fault.stage in stages) and words in fault.id]


def try_all(lab: Lab, faults: list[Fault], path: Path) -> None:
    """Try faults on one host, each on what the one before has left, which is proven to be the undisturbed state."""
    lab.prepare()
    broken: set[tuple[str, str]] = set()  # what cannot even be run undisturbed
    for number, fault in enumerate(faults, 1):
        started = time.monotonic()
        if (fault.stage, fault.undo) in broken:
            continue
        try:
            entry = attempt(lab, fault)
        except Failed as error:
            print(f"{fault.id}\n   cannot be tried: {error}", flush=True)
            broken.add((fault.stage, fault.undo))
            lab.again()
            continue
        journal.write(path, entry)
        verdict = "healed" if entry.good else "NOT as it must be"
        took = time.monotonic() - started
        said = f"{entry.fired or 'did NOT fire'}; {entry.end}; {verdict}, {took:.0f} s"
        print(f"{number}/{len(faults)} {fault.id}\n   {said}", flush=True)
        for line in [*entry.lost, *entry.differences][:6]:
            print(f"   - {line}", flush=True)
        if not entry.healed:
            lab.again()


if __name__ == "__main__":
    sys.exit(main())
