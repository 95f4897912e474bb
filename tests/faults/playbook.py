"""One run of ansible-playbook that can be watched task by task, stopped between two tasks, and killed."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo import settings
from demo.shell import docker_environment

TIMEOUT = 900


@dataclass
class Event:
    """What the callback told: task, ok, skipped, failed, ignored or unreachable; `at` are seconds from the start."""

    kind: str
    name: str
    at: float
    message: str = ""
    path: str = ""


@dataclass
class Playbook:
    """A run; `on_task` is called between two tasks, with the number of the one that comes, from 0."""

    inventories: list[Path]
    paths: Sequence[str]
    limit: str
    variables: dict[str, Any]
    log: Path
    tags: str = ""
    on_task: Callable[["Playbook", int], None] = lambda run, number: None
    events: list[Event] = field(default_factory=list)
    status: int | None = None
    seconds: float = 0
    _process: subprocess.Popen | None = None

    def run(self) -> "Playbook":
        """Run it to whatever end."""
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder, self.log.open("w") as log:
            path = str(Path(folder) / "events")
            with socket.socket(socket.AF_UNIX) as door:
                door.bind(path)
                door.listen(1)
                door.settimeout(60)
                self._process = subprocess.Popen(
                    self._command(),
                    cwd=settings.REPOSITORY,
                    env=_environment(path),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # so that it can be killed with all that it started
                )
                listener = threading.Thread(target=self._listen, args=(door, started), daemon=True)
                listener.start()
                try:
                    self.status = self._process.wait(TIMEOUT)
                except subprocess.TimeoutExpired:
                    self.kill()
                    self.status = self._process.wait()
                listener.join(60)
        self.seconds = time.monotonic() - started
        return self

    def kill(self) -> None:
        """SIGKILL for ansible-playbook and its workers, as when the control node loses its power."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)

    def tasks(self) -> list[Event]:
        """The tasks that began, in order."""
        return [event for event in self.events if event.kind == "task"]

    def end(self) -> str:
        """How it ended, in words."""
        if self.status == 0:
            return "ok"
        last = self.tasks()[-1].name if self.tasks() else "the start"
        if self.status is not None and self.status < 0:
            return f"killed at '{last}'"
        bad = [event for event in self.events if event.kind in ("failed", "unreachable")]
        return f"{bad[-1].kind} at '{bad[-1].name}'" if bad else f"ended with {self.status} at '{last}'"

    def complaints(self) -> str:
        """The messages of what failed."""
        return "\n".join(event.message for event in self.events if event.kind in ("failed", "unreachable", "ignored"))

    def _command(self) -> list[str]:
        inventories = [word for path in self.inventories for word in ("-i", str(path))]
        variables = ["-e", json.dumps(self.variables)] if self.variables else []
        tags = ["--tags", self.tags] if self.tags else []
        return [
            ".venv/bin/ansible-playbook", *inventories, "--limit", self.limit, *self.paths, *tags, *variables
        ]  # fmt: skip

    def _listen(self, door: socket.socket, started: float) -> None:
        try:
            line, _ = door.accept()
        except OSError:
            return  # it did not get as far as its callbacks
        number = 0
        with line, line.makefile("rw") as stream:
            try:
                for text in stream:
                    told = json.loads(text)
                    event = Event(at=time.monotonic() - started, **told)
                    self.events.append(event)
                    if event.kind == "task":
                        self.on_task(self, number)
                        number += 1
                        stream.write("\n")
                        stream.flush()
            except (OSError, ValueError):
                return  # killed, perhaps in the middle of a line


def _environment(events: str) -> dict[str, str]:
    """Not the settings of molecule or the user; facts of a host that may be made anew must not be believed."""
    outer = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_") or key == "ANSIBLE_HOME"}
    callbacks = settings.REPOSITORY / "tests" / "faults" / "callback"
    return (
        outer
        | docker_environment()
        | {
            "ANSIBLE_CACHE_PLUGIN": "memory",
            "ANSIBLE_CALLBACK_PLUGINS": str(callbacks),
            "ANSIBLE_CALLBACKS_ENABLED": "fault_events",
            "FAULT_EVENTS": events,
        }
    )
