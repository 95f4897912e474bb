"""What strikes: how each does, how the world is put right afterwards, and how it is known that it struck."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tests.faults.catalogue import Fault
from tests.faults.host import Host
from tests.faults.playbook import Playbook
from tests.faults.proxy import KINDS, FaultyServer, Wrong, lead

#: A disk that is full: what is in a folder, on a small file system that holds not one byte more.
FILL = """
mkdir -p {place} /run/fault-disk
mount -t tmpfs -o size=$(( $(du -s -B 1024 {place} | cut -f 1) * 2 + 512 ))k none /run/fault-disk
cp -a {place}/. /run/fault-disk/
cat /dev/zero >/run/fault-disk/.fault-filler 2>/run/fault-words || true
mount --bind /run/fault-disk {place}
cat /run/fault-words; df --output=avail {place} | tail -n 1
"""
#: The run's work stays: a disk that is full forgets nothing.
EMPTY = """
if mountpoint -q /run/fault-disk; then
  umount {place}
  rm -f /run/fault-disk/.fault-filler
  find {place} -mindepth 1 -delete
  cp -a /run/fault-disk/. {place}/
  umount /run/fault-disk
fi
"""


class Action(Protocol):
    """One action of one trial."""

    def strike(self, run: Playbook | None) -> None:
        """Do it; `run` is None when it is there from the start."""

    def lift(self) -> None:
        """Put the world right, as people would before they run the stage again."""

    def proof(self, run: Playbook) -> str:
        """How it is known that it struck; empty when it did not."""


@dataclass
class Kill:
    """SIGKILL for ansible-playbook and all its processes."""

    within: bool
    struck: bool = False

    def strike(self, run: Playbook | None) -> None:
        assert run is not None
        self.struck = True
        run.kill()

    def lift(self) -> None:
        """What it had started on the host goes on; people do not know, and run again."""

    def proof(self, run: Playbook) -> str:
        tasks = run.tasks()
        if not self.struck or run.status != -9 or not tasks:
            return ""
        state = "was next" if not self.within else "was under way" if run.events[-1].kind == "task" else "had ended"
        return f"SIGKILL; '{tasks[-1].name}' (task {len(tasks)}) {state}"


@dataclass
class Power:
    """The host loses its power, or is restarted in order while the run goes on."""

    host: Host
    orderly: bool
    before: str = ""

    def strike(self, run: Playbook | None) -> None:
        self.before = self.host.started_at()
        if self.orderly:
            self.host.restart()
        else:
            self.host.cut_power()

    def lift(self) -> None:
        self.host.boot()

    def proof(self, run: Playbook) -> str:
        now = self.host.started_at()
        return f"the host started anew at {now[11:19]}" if self.before and now != self.before else ""


@dataclass
class Daemon:
    """The host's Docker is killed, restarted, or stopped."""

    host: Host
    verb: str
    before: str = ""
    after: str = ""

    def strike(self, run: Playbook | None) -> None:
        self.before = self.host.dockerd()
        if self.verb == "killed":
            self.host.shell("systemctl kill --signal KILL docker.service")
        elif self.verb == "restarted":
            self.host.shell("systemctl reset-failed docker.service; systemctl restart docker.service")
        else:
            self.host.shell("systemctl stop docker.socket docker.service")
        self.after = self.host.dockerd()

    def lift(self) -> None:
        if self.verb == "stopped":
            self.host.shell("systemctl start docker.socket docker.service")

    def proof(self, run: Playbook) -> str:
        now = self.host.dockerd()
        struck = self.before not in ("", "0") and self.before not in (now, self.after)
        return f"dockerd {self.before} {self.verb}" if struck else ""


@dataclass
class ContainerKilled:
    """One container is killed; Docker starts it again or not, as its policy says."""

    host: Host
    name: str
    before: str = ""

    def strike(self, run: Playbook | None) -> None:
        self.before = self._started()
        self.host.shell(f"kill -9 $(docker inspect --format '{{{{.State.Pid}}}}' {self.name})")

    def lift(self) -> None:
        """Docker does."""

    def proof(self, run: Playbook) -> str:
        return f"{self.name} started anew" if self.before and self._started() != self.before else ""

    def _started(self) -> str:
        return self.host.shell(f"docker inspect --format '{{{{.State.StartedAt}}}}' {self.name}", check=False)


@dataclass
class Full:
    """A folder's disk is full."""

    host: Host
    place: str
    words: str = ""

    def strike(self, run: Playbook | None) -> None:
        self.words = self.host.shell(FILL.format(place=self.place))

    def lift(self) -> None:
        if self.words:
            self.host.shell(EMPTY.format(place=self.place))

    def proof(self, run: Playbook) -> str:
        if "No space left" not in self.words:
            return ""
        met = "No space left" in run.complaints() or "Errno 28" in run.complaints()
        return f"{self.place} had no room{', which the run met' if met else ''}"


@dataclass
class Unplugged:
    """The network cable is out."""

    host: Host
    address: str = ""
    out: bool = False

    def strike(self, run: Playbook | None) -> None:
        self.address = self.host.unplug()
        self.out = not self.host.address()

    def lift(self) -> None:
        if self.address and not self.host.address():
            self.host.plug_in(self.address)

    def proof(self, run: Playbook) -> str:
        return "the host had no network" if self.out else ""


@dataclass
class WrongAnswers:
    """A mirror answers wrongly."""

    host: Host
    server: FaultyServer
    wrong: Wrong
    led: bool = field(default=False)

    def strike(self, run: Playbook | None) -> None:
        self.server.wrong = self.wrong
        lead(self.host, self.server, on=True)
        self.led = True

    def lift(self) -> None:
        if self.led:
            lead(self.host, self.server, on=False)
        self.server.wrong = None

    def proof(self, run: Playbook) -> str:
        met = self.wrong.met
        return f"{len(met)} answers came {self.wrong.kind}, the first to {met[0].rsplit('/', 1)[-1]}" if met else ""


def action(fault: Fault, host: Host, server: FaultyServer) -> Action:
    """The action of a fault."""
    if fault.kind in KINDS:
        return WrongAnswers(host, server, Wrong(fault.kind, fault.place, fault.times))
    verb = fault.kind.removeprefix("docker ")
    if verb != fault.kind:
        return Daemon(host, verb)
    makers: dict[str, Callable[[], Action]] = {
        "kill": lambda: Kill(fault.when == "within"),
        "power cut": lambda: Power(host, orderly=False),
        "restart": lambda: Power(host, orderly=True),
        "container killed": lambda: ContainerKilled(host, fault.place),
        "disk full": lambda: Full(host, fault.place),
        "network cut": lambda: Unplugged(host),
    }
    return makers[fault.kind]()
