"""A whole list of functions: which of them must be deployed, and their images, several at a time."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import (
    nuclio_build,
    nuclio_cli,
    nuclio_images,
    nuclio_info,
    nuclio_inputs,
    nuclio_plan,
    nuclio_trial,
)
from ansible_collections.annotation.server.plugins.module_utils.nuclio_cli import NuclioError
from ansible_collections.annotation.server.plugins.module_utils.nuclio_deployment import State

_PROGRESS_SECONDS = 1.0
#: What Docker's two builders write when they begin a step.
_STEP = re.compile(r"^(?:Step (\d+)/(\d+) : |#\d+ \[[^]]*?(\d+)/(\d+)\] )(.+)", re.MULTILINE)


@dataclass
class Outcome:
    """What is known about one function of the list."""

    name: str
    #: Whether anything must be done: build, start, or an address to be taken.
    needed: bool = False
    reasons: list[str] = field(default_factory=list)
    #: Whether its image must be built first.
    build: bool = False
    #: The image with the wanted content, if it is there.
    image: str = ""
    #: Seconds of building; 0 when nothing was built.
    seconds: float = 0.0
    error: str = ""

    def because(self, reasons: list[str]) -> Outcome:
        """Return it with the reasons that a look found."""
        return replace(self, reasons=reasons)

    @property
    def answer(self) -> dict[str, Any]:
        """The form in which a playbook gets it."""
        return asdict(self)


def look(
    wishes: Iterable[Mapping[str, Any]], nuctl: nuclio_cli.Nuctl, docker: nuclio_cli.Docker, pure: bool
) -> list[Outcome]:
    """Say which functions must be deployed, and which of them have their image already. Changes nothing.

    Args:
        wishes: what :func:`nuclio_plan.read_inputs` takes, with ``name`` and ``force``.
        nuctl: the tool.
        docker: the client.
        pure: read the store's files instead of asking nuctl, whose ``get`` changes things.
    """
    records = docker.stored("functions", nuctl.namespace) if pure else nuctl.get("function")
    by_name = {(record.get("metadata") or {}).get("name"): record for record in records}
    return [_look(wish, by_name.get(wish["name"]), nuctl, docker) for wish in wishes]


def _look(
    wish: Mapping[str, Any], record: Mapping[str, Any] | None, nuctl: nuclio_cli.Nuctl, docker: nuclio_cli.Docker
) -> Outcome:
    name = wish["name"]
    wanted = nuclio_plan.read_inputs(wish, nuctl, docker, pure=True)
    state = State.of(record, docker.container(nuclio_cli.container_name(nuctl.namespace, name)))
    reasons = nuclio_plan.why_deploy(state, wanted, wish["force"])
    if not reasons and nuclio_images.pending(wish["builds"], docker):
        reasons = ["its base image must be built"]
    platform = (wish["config"].get("spec") or {}).get("platform") or {}
    if not reasons and not state.holds_address((platform.get("attributes") or {}).get("network") or ""):
        reasons = ["its address is not its own"]
    if not reasons and docker.container(nuclio_cli.container_name(nuctl.namespace, nuclio_trial.trial_name(name))):
        reasons = ["a trial of it was left behind"]
    image = nuclio_build.image_name(name, nuclio_inputs.content_hash(wanted))
    if not docker.image_id(image) or wish["force"]:
        image = ""
    # What has the right content already need only be started.
    other = state.hash != nuclio_inputs.content_hash(wanted) or state.state in nuclio_cli.PROVISIONING
    build = wish["pull"] or bool(reasons and not image and (other or wish["force"] or not state.exists))
    return Outcome(name, needed=build or bool(reasons), reasons=reasons, build=build, image=image)


class Builds:
    """Images that are built at the same time, and how far they are."""

    def __init__(self, nuctl: nuclio_cli.Nuctl, docker: nuclio_cli.Docker, jobs: int, progress: Path | None) -> None:
        """Remember the tools, how many are built at the same time, and the file that tells how far they are."""
        self._nuctl, self._docker, self._jobs, self._progress = nuctl, docker, jobs, progress
        self._begun: dict[str, tuple[float, str]] = {}
        self._all_done = threading.Event()

    def run(self, wishes: list[Mapping[str, Any]]) -> list[Outcome]:
        """Bring or build what is below each function, then its image; one that fails does not stop the others."""
        reporter = threading.Thread(target=self._report, daemon=True)
        reporter.start()
        try:
            with ThreadPoolExecutor(max_workers=max(1, self._jobs)) as pool:
                return list(pool.map(self._one, wishes))
        finally:
            self._all_done.set()
            reporter.join()

    def _one(self, wish: Mapping[str, Any]) -> Outcome:
        name, started = wish["name"], time.monotonic()
        self._begun[name] = (started, wish["log"] or "")
        try:
            # A run whose connection was lost may still build it: then its image is taken.
            with nuclio_cli.alone(name):
                image, built = self._image(wish)
            seconds = round(time.monotonic() - started, 1) if built else 0.0
            return Outcome(name, needed=True, build=True, image=image, seconds=seconds)
        except NuclioError as error:
            nuclio_info.remember_error(wish["log"], f"its image could not be built.\n{error}")
            return Outcome(name, needed=True, build=True, error=str(error))
        finally:
            del self._begun[name]

    def _image(self, wish: Mapping[str, Any]) -> tuple[str, bool]:
        """Return the image with the wanted content, and whether it was built now."""
        wanted = nuclio_plan.read_inputs(wish, self._nuctl, self._docker, pure=False)
        image = nuclio_build.image_name(wish["name"], nuclio_inputs.content_hash(wanted))
        if not wish["force"] and (
            self._docker.image_id(image) or self._docker.bring_made(wish["image_prefix"], image, image)
        ):
            return image, False
        log = Path(wish["log"]) if wish["log"] else None
        nuclio_build.build(self._nuctl, wish["name"], image, wish["context"], wish["config"], wish["timeout"], log)
        return image, True

    def _report(self) -> None:
        while self._progress and not self._all_done.wait(_PROGRESS_SECONDS):
            lines = [progress_line(name, *begun) for name, begun in sorted(self._begun.copy().items())]
            new = self._progress.with_suffix(".new")
            new.write_text(json.dumps(lines))
            new.replace(self._progress)


def progress_line(name: str, started: float, log: str) -> str:
    """Say in a line how far a build is, by the last step in its log."""
    try:
        steps = _STEP.findall(Path(log).read_text(errors="replace")) if log else []
    except OSError:
        steps = []
    line = f"{name}: {time.monotonic() - started:.0f} s"
    if not steps:
        return f"{line}, preparing"
    number, of, number_2, of_2, words = steps[-1]
    return f"{line}, step {number or number_2} of {of or of_2}: {words[:60]}"
