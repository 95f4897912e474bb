"""One fault: undo the stage's work, run it with the fault, run it plainly, and compare with an undisturbed run."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from demo import settings
from demo.shell import Failed
from tests.faults import data
from tests.faults.actions import Action, action
from tests.faults.catalogue import ANY, FAILED, KILLED, OK, Fault
from tests.faults.host import Host
from tests.faults.journal import Entry
from tests.faults.playbook import Event, Playbook
from tests.faults.proxy import FaultyServer
from tests.faults.stages import BASE, GPU, STAGES, Stage
from tests.faults.state import State, differences, look

FOLDER = settings.REPOSITORY / ".cache" / "faults"
# Without a network apt tries for a quarter of an hour before it gives up.
IMPATIENCE = 'Acquire::Retries "0"; Acquire::http::Timeout "10";'


@dataclass
class Reference:
    """An undisturbed run of a stage: its tasks with their times, and the state that it left."""

    tasks: list[Event]
    seconds: float
    state: State


@dataclass
class Lab:
    """A host, what is known of undisturbed runs on it, and the proxy."""

    host: Host
    server: FaultyServer
    seed: int
    references: dict[tuple[str, str], Reference] = field(default_factory=dict)
    before: State = field(default_factory=dict)

    def prepare(self) -> None:
        """Make the host unless it is there, and put data on it."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / "logs").mkdir(exist_ok=True)
        self.host.make()
        self.host.shell(f"echo '{IMPATIENCE}' >/etc/apt/apt.conf.d/99-impatient")
        (FOLDER / f"{self.host.name}.yml").write_text(
            yaml.safe_dump({"annotation_servers": {"hosts": {self.host.name: self._variables()}}})
        )
        seen = self.look()
        if data.lost(self.host, seen, seen):  # not there yet
            if self.host == GPU:
                self._plug_cards_in()
            data.write(self.host)
            seen = self.look()
        if missing := data.lost(self.host, seen, seen):
            raise Failed(f"The data to watch could not be written on {self.host.name}: {', '.join(missing)}")
        self.before = seen

    def _variables(self) -> dict[str, Any]:
        report = str(FOLDER / f"{self.host.name}.html")
        return {**self.host.variables(), "__demo_project": str(settings.REPOSITORY), "verify_report": report}

    def _plug_cards_in(self) -> None:
        """Two cards, the packages for them, and the driver, with which a stage begins that has to do the rest."""
        for path in ("tests/faults/gpu.yml", "playbooks/gpu.yml"):
            run = self.playbook(STAGES["gpu"], "", f"{Path(path).stem}-{Path(path).parts[0]}.log")
            run.paths = [path]
            if run.run().status:
                raise Failed(f"{path} {run.end()}: {run.complaints()} ({run.log})")

    def again(self) -> None:
        """Make the host anew: a fault left it in a state of which nobody knows what follows."""
        self.host.remove()
        self.references.clear()
        self.prepare()

    def look(self) -> State:
        """Look at the host, once nothing is under way on it."""
        return look(self.host, *data.FOLDERS[self.host.image])

    def playbook(
        self, stage: Stage, undo: str, log: str, on_task: Callable[[Playbook, int], None] | None = None
    ) -> Playbook:
        """A run of one stage on the host, or of the part of it that was undone."""
        inventories = [settings.REPOSITORY / "inventories" / "demo", FOLDER / f"{self.host.name}.yml"]
        paths, variables = [f"playbooks/{name}" for name in stage.playbooks], dict(stage.variables)
        tags = stage.tags.get(undo, "")
        run = Playbook(inventories, paths, self.host.name, variables, FOLDER / "logs" / log, tags)
        if on_task:
            run.on_task = on_task
        return run

    def reference(self, name: str, undo: str) -> Reference:
        """An undisturbed run after the same part of the stage's work was undone."""
        if (name, undo) not in self.references:
            stage = STAGES[name]
            if undo and self.host == BASE and not any(known == name for known, _ in self.references):
                self._run_plainly(name, "", "first")  # only what was done can be undone in part
            self.host.shell(stage.undo[undo])
            run = self._run_plainly(name, undo, "undisturbed")
            self.references[name, undo] = Reference(run.tasks(), run.seconds, self.look())
        return self.references[name, undo]

    def _run_plainly(self, name: str, undo: str, word: str) -> Playbook:
        run = self.playbook(STAGES[name], undo, f"{name}-{undo or 'all'}-{word}.log").run()
        if run.status:
            raise Failed(f"The {word} run of {name} {undo} {run.end()}: {run.complaints()} ({run.log})")
        return run


def place(fault: Fault, reference: Reference, seed: int) -> tuple[int, float | None]:
    """Where a fault strikes: before which task, and how many seconds after that one began; None for at once.

    Raises Failed when the stage has no such task.
    """
    draw = random.Random(f"{seed} {fault.id}")
    tasks = reference.tasks
    if fault.at:
        number = next((n for n, task in enumerate(tasks) if short(task.name).startswith(fault.at)), -1)
        if number < 0:
            raise Failed(f"The undisturbed run of {fault.stage} {fault.undo} has no task '{fault.at}...'")
        end = tasks[number + 1].at if number + 1 < len(tasks) else reference.seconds
        return number, draw.uniform(0.2, 0.8) * (end - tasks[number].at) if fault.when == "within" else None
    if fault.when == "within":
        moment = draw.uniform(tasks[0].at, tasks[-1].at)
        return 0, moment - tasks[0].at
    return draw.randrange(1, len(tasks)), None


def short(name: str) -> str:
    """A task's name without its role."""
    return name.split(" : ", 1)[-1]


def disturb(lab: Lab, fault: Fault, reference: Reference, act: Action, log: str, haste: float = 1) -> Playbook:
    """Run the stage with the fault; `haste` is what to multiply the moment with at which it strikes."""
    timers: list[threading.Timer] = []
    if not fault.moment:
        act.strike(None)
        return lab.playbook(STAGES[fault.stage], fault.undo, log).run()
    number, delay = place(fault, reference, lab.seed)
    # Boundaries drawn by seed are counted; a task that is named is waited for by its name.
    wanted = short(reference.tasks[number].name)

    def on_task(run: Playbook, count: int) -> None:
        if timers or (short(run.tasks()[-1].name) != wanted if fault.at else count != number):
            return
        timers.append(threading.Timer((delay or 0) * haste, act.strike, [run]))
        if delay is None:
            timers[0].run()
        else:
            timers[0].start()

    run = lab.playbook(STAGES[fault.stage], fault.undo, log, on_task).run()
    for timer in timers:
        timer.cancel()
        if timer.ident:
            timer.join()
    return run


def as_expected(fault: Fault, run: Playbook) -> bool:
    """Whether a disturbed run ended as the fault lets it."""
    ends = {KILLED: run.status == -9, OK: run.status == 0, FAILED: (run.status or 0) > 0, ANY: (run.status or 0) >= 0}
    return ends[fault.ends]


def attempt(lab: Lab, fault: Fault) -> Entry:
    """Try one fault."""
    stage, reference = STAGES[fault.stage], lab.reference(fault.stage, fault.undo)
    log = "".join(letter if letter.isalnum() else "-" for letter in fault.id)[:120]
    entry = Entry(fault.id, fault.stage, lab.seed)
    # A run that is quicker than the undisturbed one may be over before the moment comes.
    for haste in (1, 0.5, 0.2) if fault.when == "within" else (1,):
        lab.host.shell(stage.undo[fault.undo])
        act = action(fault, lab.host, lab.server)
        try:
            run = disturb(lab, fault, reference, act, f"{log}-disturbed.log", haste)
        finally:
            act.lift()
        entry.fired, entry.end, entry.expected = act.proof(run), run.end(), as_expected(fault, run)
        if entry.fired:
            break
    healing = lab.playbook(stage, fault.undo, f"{log}-healing.log").run()
    entry.healing, entry.seconds = healing.end(), round(healing.seconds, 1)
    state = lab.look()
    entry.differences = differences(reference.state, state)
    entry.lost = data.lost(lab.host, lab.before, state)
    if healing.status:
        entry.differences.insert(0, healing.complaints()[:400])
    return entry


def logs() -> Path:
    """Where the output of all runs is."""
    return FOLDER / "logs"
