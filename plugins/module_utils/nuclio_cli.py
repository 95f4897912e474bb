"""nuctl and docker as this project calls them, and how their answers are read.

Facts about nuctl that shape this file: it exits with 0 or 1 only, and says "not found" on its output; it writes
temporary files into the folder it runs in; without ``--platform local`` it picks Kubernetes as soon as a kubeconfig
exists; every ``get`` creates a project, a volume and a helper container, so check mode reads the store's files instead
(nuclio/nuclio, pkg/platform/local/client/store.go: one line of base64 per file).
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STORE_VOLUME = "nuclio-local-storage"
PROJECT_LABEL = "nuclio.io/project-name"
#: A deploy that was killed leaves one of these behind, and the next one refuses.
PROVISIONING = frozenset({"waitingForBuild", "building", "waitingForResourceConfiguration", "configuringResources"})

_ASK_SECONDS = 3.0
_NOT_FOUND = re.compile(r"no (?:functions|projects) found|not found|could not find", re.IGNORECASE)
_VERSION = re.compile(r"Label:\s*([^\s,]+)")


class NuclioError(Exception):
    """A command did not do its work; the text is for the person who must act."""


@dataclass(frozen=True)
class Answer:
    """What a command answered: its exit status, and what it wrote."""

    rc: int
    out: str
    err: str = ""

    @property
    def text(self) -> str:
        """Everything it wrote."""
        return f"{self.out}\n{self.err}".strip()


def documents(text: str) -> list[dict[str, Any]]:
    """Read every resource in nuctl's output: one after the other, or in a list, with log lines around them."""
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    position = 0
    while True:
        starts = [at for at in (text.find("{", position), text.find("[", position)) if at >= 0]
        if not starts:
            return found
        try:
            value, position = decoder.raw_decode(text, min(starts))
        except ValueError:
            position = min(starts) + 1
            continue
        # Log lines end with an object too ({"functionName": "sam2"}): only resources have metadata.
        found += [item for item in (value if isinstance(value, list) else [value]) if _is_resource(item)]


def _is_resource(item: object) -> bool:
    return isinstance(item, dict) and not {"metadata", "meta"}.isdisjoint(item)


def version(text: str) -> str:
    """Return the version in the answer of ``nuctl version``; empty when there is none."""
    match = _VERSION.search(text)
    return match.group(1) if match else ""


def last_lines(text: str, count: int = 20, width: int = 220) -> str:
    """Return the last lines that say something, in a form that people read.

    Nuclio's Python wrapper logs a traceback as one line with its line ends written out; they become lines again.
    """
    lines = text.replace("\\n", "\n").replace("\\'", "'").splitlines()
    return "\n".join([line.rstrip()[:width] for line in lines if line.strip()][-count:])


def run(
    command: Sequence[str],
    timeout: float = 120,
    log: Path | None = None,
    hopeless: Callable[[], str] | None = None,
) -> Answer:
    """Run a command in an empty folder of its own.

    Args:
        command: the program and its arguments.
        timeout: longest time in seconds; then it is ended together with everything it started.
        log: a file for its output, to be read while it runs.
        hopeless: asked now and then; what it answers, if anything, is why waiting longer makes no sense.

    Raises:
        NuclioError: it cannot be started, took too long, or was hopeless.
    """
    with tempfile.TemporaryDirectory(prefix="nuctl-") as folder:
        out_path, err_path = log or Path(folder, "out"), Path(folder, "err")
        with out_path.open("wb") as out, err_path.open("wb") as err:
            try:
                process = subprocess.Popen(
                    command,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT if log else err,
                    start_new_session=True,
                )
            except OSError as error:
                raise NuclioError(f"Cannot run {command[0]}: {error.strerror}.") from error
            if reason := _wait(process, timeout, hopeless):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                said = last_lines(out_path.read_text(errors="replace"))
                raise NuclioError(f"{' '.join(command[:3])} was ended: {reason}.\n{said}")
        return Answer(process.returncode, out_path.read_text(errors="replace"), err_path.read_text(errors="replace"))


def _wait(process: subprocess.Popen[bytes], timeout: float, hopeless: Callable[[], str] | None) -> str:
    """Wait for a process; return why it must be ended, or nothing when it ended by itself."""
    end = time.monotonic() + timeout
    while True:
        left = end - time.monotonic()
        try:
            process.wait(max(0.0, min(left, _ASK_SECONDS) if hopeless else left))
            return ""
        except subprocess.TimeoutExpired:
            if time.monotonic() >= end:
                return f"it took longer than {timeout:.0f} s"
            if hopeless and (reason := hopeless()):
                return reason


class Nuctl:
    """One nuctl on the local platform, in one namespace."""

    def __init__(self, path: str, namespace: str = "nuclio") -> None:
        """Remember the binary and the namespace. Its environment is the module's."""
        self.path = path
        self.namespace = namespace
        self._version = ""

    def __call__(
        self,
        *arguments: str,
        timeout: float = 120,
        log: Path | None = None,
        hopeless: Callable[[], str] | None = None,
    ) -> Answer:
        """Run nuctl with the platform and the namespace it must always be told."""
        command = [self.path, *arguments, "--platform", "local", "--namespace", self.namespace]
        return run(command, timeout, log, hopeless)

    def version(self) -> str:
        """Return its version; it is asked once.

        Raises:
            NuclioError: it does not run or does not say.
        """
        if not self._version:
            answer = run([self.path, "version"])
            if answer.rc != 0 or not version(answer.text):
                raise NuclioError(f"{self.path} version does not say its version:\n{last_lines(answer.text)}")
            self._version = version(answer.text)
        return self._version

    def get(self, kind: str, name: str = "") -> list[dict[str, Any]]:
        """Return functions or projects; an empty list when there are none.

        Raises:
            NuclioError: nuctl failed for another reason than "not found".
        """
        answer = self("get", kind, *([name] if name else []), "--output", "json")
        found = documents(answer.out)
        if answer.rc == 0 or (not found and _NOT_FOUND.search(answer.text)):
            return found
        raise NuclioError(f"nuctl get {kind} {name} failed:\n{last_lines(answer.text)}")


class Docker:
    """The docker client, for what nuctl does not tell."""

    def __init__(self, path: str = "docker") -> None:
        """Remember the binary."""
        self.path = path

    def __call__(self, *arguments: str, timeout: float = 120, log: Path | None = None) -> Answer:
        """Run docker."""
        return run([self.path, *arguments], timeout=timeout, log=log)

    def container(self, name: str) -> dict[str, Any] | None:
        """Return what ``docker container inspect`` says, or None when there is no such container."""
        return self._inspect("container", name)

    def image_id(self, name: str) -> str:
        """Return the identifier of a local image; empty when it is not there."""
        return (self._inspect("image", name) or {}).get("Id", "")

    def image_content(self, name: str) -> str:
        """Return a sum of what an image holds; empty when it is not there.

        An identifier will not do where images travel: Docker's two image stores give the same image different ones.
        """
        layers = self.image_layers(name)
        return hashlib.sha256(" ".join(layers).encode()).hexdigest() if layers else ""

    def image_layers(self, name: str) -> list[str]:
        """Return the sums of an image's layers; none when it is not there."""
        return ((self._inspect("image", name) or {}).get("RootFS") or {}).get("Layers") or []

    def bring_made(self, prefix: str, made: str, name: str) -> bool:
        """Take an image that a mirror holds ready made, instead of making it here; tell whether there is one.

        Args:
            prefix: of the mirror; without one nothing is asked.
            made: the image's name there, which holds a hash of all that it is made of.
            name: the name that it gets here.
        """
        if not prefix or self("pull", "--quiet", prefix + made, timeout=3600).rc != 0:
            return False
        tagged = self("tag", prefix + made, name).rc == 0
        # By its second name it would outlive the first.
        self("image", "rm", prefix + made)
        return tagged

    def image_size(self, name: str) -> int:
        """Return the size of a local image in bytes; 0 when it is not there."""
        return int((self._inspect("image", name) or {}).get("Size") or 0) if name else 0

    def image_label(self, name: str, label: str) -> str:
        """Return a label of a local image; empty when the image or the label is not there."""
        labels = ((self._inspect("image", name) or {}).get("Config") or {}).get("Labels") or {}
        return labels.get(label, "")

    def logs(self, name: str) -> str:
        """Return the last lines that a container wrote."""
        return last_lines(self("logs", "--tail", "40", name).text)

    def stored(self, kind: str, namespace: str, name: str = "") -> list[dict[str, Any]]:
        """Read functions or projects from the files of Nuclio's store, without changing anything.

        Args:
            kind: ``functions`` or ``projects``.
            namespace: Nuclio's namespace.
            name: only this one.
        """
        volume = self._inspect("volume", STORE_VOLUME) or {}
        folder = Path(volume.get("Mountpoint") or "/nonexistent", kind, namespace)
        return [record for path in sorted(folder.glob(f"{name or '*'}.json")) for record in stored_record(path)]

    def _inspect(self, kind: str, name: str) -> dict[str, Any] | None:
        try:
            answer = self(kind, "inspect", name)
        except NuclioError:
            return None
        if answer.rc != 0:
            return None
        found = json.loads(answer.out or "[]")
        return found[0] if found else None


def stored_record(path: Path) -> list[dict[str, Any]]:
    """Return the record in a file of Nuclio's store; nothing when it cannot be read."""
    try:
        return documents(base64.b64decode(path.read_bytes()).decode())
    except (OSError, ValueError):
        return []


def in_project(function: Mapping[str, Any], project: str) -> bool:
    """Tell whether a function belongs to a project."""
    return bool(((function.get("metadata") or {}).get("labels") or {}).get(PROJECT_LABEL) == project)


def container_name(namespace: str, function: str) -> str:
    """Return the name that Nuclio gives a function's container."""
    return f"nuclio-{namespace}-{function}"


@contextlib.contextmanager
def alone(what: str) -> Iterator[None]:
    """Wait until nobody else works on this, a function or an image, and let nobody begin meanwhile."""
    name = re.sub("[^a-z0-9.-]", "-", what)
    with Path(f"/run/lock/annotation-server-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_running(container: Mapping[str, Any] | None) -> bool:
    """Tell whether a container runs and its health check, if it has one, does not object."""
    state = (container or {}).get("State") or {}
    return bool(state.get("Running")) and (state.get("Health") or {}).get("Status", "healthy") == "healthy"


def deploys_under_way(name: str, proc: Path = Path("/proc")) -> list[int]:
    """Return the processes that deploy this function right now (a lost connection does not end them)."""
    found = []
    for path in proc.glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "deploy" in words and name in words and any(Path(word).name == "nuctl" for word in words if word):
            found.append(int(path.parent.name))
    return sorted(found)
