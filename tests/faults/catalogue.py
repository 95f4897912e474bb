"""The faults that are tried: for every stage, what goes wrong and where.

`at` is the beginning of a task's name, without its role. Without it the place is drawn by seed: a boundary between two
tasks, or a moment of the run. `undo` is the part of the stage's work (stages.py) that it has to do again.
"""

from dataclasses import dataclass

#: How a disturbed run may end.
KILLED, FAILED, OK, ANY = "killed", "failed", "ok", "any"
FILES, REGISTRY, PACKAGES = r":8000/", r":5000/", r"\.deb$"


@dataclass(frozen=True)
class Fault:
    """One fault. What a stage may make of it is `ends`: most faults leave no choice, some depend on the moment."""

    stage: str
    kind: str
    at: str = ""
    when: str = "before"  # a task begins; or within: while it runs
    undo: str = ""
    place: str = ""  # a folder, a container, or paths that are asked for
    ends: str = KILLED
    times: int = 1000  # answers that come wrong

    @property
    def id(self) -> str:
        """Stays the same from run to run."""
        where = f" {self.when} '{self.at}'" if self.at else f" {self.when} a task by seed" if self.moment else ""
        part, place = f"/{self.undo}" if self.undo else "", f" {self.place}" if self.place else ""
        return f"{self.stage}{part}: {self.kind}{place}{where}"

    @property
    def moment(self) -> bool:
        """Whether it strikes at one moment; the others are there from the start."""
        return bool(self.at) or self.kind in (
            "kill",
            "power cut",
            "restart",
            "docker restarted",
            "docker killed",
            "container killed",
        )


def _kill(stage: str, at: str = "", when: str = "before", undo: str = "") -> Fault:
    return Fault(stage, "kill", at, when, undo)


def _answers(stage: str, kind: str, place: str, undo: str, ends: str = FAILED, times: int = 1000) -> Fault:
    return Fault(stage, kind, "", "", undo, place, ends, times)


def _full(stage: str, place: str, undo: str = "", at: str = "", ends: str = FAILED) -> Fault:
    return Fault(stage, "disk full", at, "before", undo, place, ends)


def _cut(stage: str, at: str = "", undo: str = "", ends: str = FAILED) -> Fault:
    return Fault(stage, "network cut", at, "before", undo, "", ends)


HOST_RECORD = [
    _kill("host_record", "Write down, once"),
    _kill("host_record", "Write down, once", "within"),
    _full("host_record", "/var/lib/annotation-server"),
    Fault("host_record", "docker stopped", "Write down, once", ends=ANY),
    Fault("host_record", "power cut", "Write down, once", "within", ends=FAILED),
    _kill("host_record", when="within"),
    Fault("host_record", "restart", "Write down, once", ends=ANY),
]
DOCKER = [
    _kill("docker", "Note that Docker has to follow"),
    _kill("docker", "Reload or restart Docker"),
    Fault("docker", "power cut", "Install Docker Engine", "within", "packages", ends=FAILED),
    _kill("docker", "Install Docker Engine", "within", "packages"),
    _answers("docker", "corrupted", PACKAGES, "packages"),
    _full("docker", "/var/lib/dpkg", "packages"),
    _answers("docker", "404", PACKAGES, "packages"),
    Fault("docker", "docker killed", "Merge the settings", ends=ANY),
    _full("docker", "/etc/docker"),
    _kill("docker", "Merge the settings"),
    _answers("docker", "truncated", PACKAGES, "packages"),
    _cut("docker", "Install Docker Engine", "packages"),
    _full("docker", "/var/cache/apt/archives", "packages"),
    Fault("docker", "power cut", "Reload or restart Docker", "within", ends=ANY),
    _kill("docker", "Reload or restart Docker", "within"),
    _kill("docker", "Take the note away"),
    _kill("docker"),
    _kill("docker", when="within"),
    _answers("docker", "slow", PACKAGES, "packages", OK, 2),
    Fault("docker", "docker stopped", "Note that Docker has to follow", ends=ANY),
    Fault("docker", "restart", "Merge the settings", ends=ANY),
]
STORAGE = [
    _kill("storage", "Mount, now"),
    _kill("storage", "Make the shared folder"),
    _kill("storage", "Name the folders that Docker waits for"),
    _kill("storage", "Have systemd read it"),
    _kill("storage"),
    _kill("storage", when="within"),
    Fault("storage", "power cut", "Make the folder of the object storage", ends=FAILED),
    Fault("storage", "restart", "Make the shared folder", ends=ANY),
    Fault("storage", "docker killed", "Have systemd read it", ends=ANY),
    _full("storage", "/etc/systemd/system"),
]
FIREWALL = [
    _kill("firewall", "Keep the rules"),
    _kill("firewall", "Have systemd read the service", undo="rules"),
    Fault("firewall", "power cut", "Install nft", "within", "lists", ends=FAILED),
    _cut("firewall", "Install nft", "lists"),
    _kill("firewall", "Load them"),
    _answers("firewall", "404", r"nftables.*\.deb$", ""),
    Fault("firewall", "power cut", "Keep the rules", ends=FAILED),
    _full("firewall", "/etc/annotation-server", "rules"),
    _kill("firewall", "Try the new connection", undo="rules"),
    _kill("firewall", "Load the rules at every boot"),
    Fault("firewall", "docker killed", "Load them", ends=ANY),
    _kill("firewall", "Write the rules, if nft"),
    _kill("firewall", when="within"),
]
TLS = [
    _kill("tls", "Make the authority's certificate"),
    _kill("tls", "Make the server's certificate"),
    _full("tls", "/etc/annotation-server/tls"),
    _kill("tls", "Bring the authority's certificate here"),
    Fault("tls", "power cut", "Bring the authority's certificate here", ends=FAILED),
    _kill("tls", "Make the keys"),
    _kill("tls", "Name the server"),
    _full("tls", "/etc/annotation-server/secrets"),
    _kill("tls"),
    _kill("tls", when="within"),
]
GPU = [
    _kill("gpu", "Add the runtime to Docker's settings", undo="toolkit"),
    _kill("gpu", "Ask Docker which runtimes it knows", undo="toolkit"),
    Fault("gpu", "power cut", "Install the container toolkit", "within", "toolkit", ends=FAILED),
    _kill("gpu", "Install CUDA", "within", "cuda"),
    _kill("gpu", "Put nvcc into the PATH", undo="cuda"),
    _full("gpu", "/etc/apt", "cuda"),
    _kill("gpu", "Install its packages", "within", "driver"),
    _kill("gpu", "Keep it away at boot too", undo="driver"),
    _kill("gpu", "Name the repository", undo="toolkit"),
    _kill("gpu", "Restart Docker", undo="toolkit"),
    Fault("gpu", "power cut", "Install its packages", "within", "driver", ends=FAILED),
]
PREFLIGHT = [
    _kill("preflight", "Judge what was found"),
    _kill("preflight", "Look at the host", "within"),
    _kill("preflight", when="within"),
    _answers("preflight", "500", REGISTRY, "", OK),  # it can be reached
    _answers("preflight", "slow", REGISTRY, "", OK, 1),
    _answers("preflight", "reset", REGISTRY, ""),
    _cut("preflight"),
]
EARLY = [
    _kill("early", "Begin to pull"),
    _kill("early", "Begin to pull", "within"),
    _kill("early", when="within"),
    _answers("early", "500", REGISTRY, "", OK),
    _answers("early", "corrupted", r":5000/v2/python/manifests", "", OK),
    Fault("early", "docker killed", "Begin to pull", ends=ANY),
    _cut("early", ends=OK),
]
OBJECT_STORAGE = [
    _kill("object_storage", "Make a user for CVAT", "within"),
    _kill("object_storage", "Register the buckets", "within"),
    _kill("object_storage", "Make the buckets", "within"),
    Fault("object_storage", "container killed", "Make a user for CVAT", place="minio", ends=ANY),
    _full("object_storage", "/var/lib/annotation-server", at="Register the buckets"),
    _answers("object_storage", "404", r"boto.*\.deb$", "boto3"),
    _kill("object_storage", "Make a user for CVAT"),
    _kill("object_storage", "Register the buckets"),
    Fault("object_storage", "container killed", "Register the buckets", place="cvat_server", ends=ANY),
    _full("object_storage", "/etc/annotation-server/secrets"),
    _kill("object_storage", when="within"),
    Fault("object_storage", "docker killed", "Make a user for CVAT", ends=ANY),
    _kill("object_storage", "Make the keys of CVAT's user, or"),
    _answers("object_storage", "truncated", r"boto.*\.deb$", "boto3"),
]
CVAT = [
    _kill("cvat", "Start the containers;", "within", "containers"),
    _kill("cvat", "Start the containers;", undo="root account"),
    Fault("cvat", "docker killed", "Start the containers;", "within", "containers", ends=ANY),
    _kill("cvat", "Move the complete tree", undo="tree"),
    _answers("cvat", "corrupted", FILES, "tree"),
    _answers("cvat", "500", REGISTRY, "image"),
    _full("cvat", "/opt/annotation-server/cvat", "tree"),
    _full("cvat", "/var/lib/docker/tmp", "image"),
    Fault("cvat", "power cut", "Start the containers;", "within", "containers", ends=FAILED),
    _answers("cvat", "404", FILES, "tree"),
    _kill("cvat", "Write .env", undo="settings"),
    _kill("cvat", "Wait until CVAT answers", "within", "containers"),
    _answers("cvat", "truncated", FILES, "tree"),
    _kill("cvat", "Unpack the archive", "within", "tree"),
    Fault("cvat", "docker restarted", "Wait until CVAT answers", "before", "containers", ends=ANY),
    _answers("cvat", "401", REGISTRY, "image"),
    _answers("cvat", "slow", FILES, "tree", OK),
    _full("cvat", "/opt/annotation-server/cvat", "settings"),
    _kill("cvat", when="within", undo="tree"),
]
MODELS = [
    _kill("models", "Put nuctl in its place", undo="nuctl"),
    _answers("models", "corrupted", FILES, "nuctl"),
    _full("models", "/opt/annotation-server/bin", "nuctl"),
    _kill("models", "Try each new version", "within", "container"),
    _kill("models", "Build what changed", "within", "function"),
    Fault("models", "docker killed", "Try each new version", "within", "container", ends=ANY),
    _answers("models", "404", FILES, "nuctl"),
    Fault("models", "power cut", "Build what changed", "within", "function", ends=FAILED),
    _answers("models", "truncated", FILES, "nuctl"),
    _kill("models", "Lay the files of each function", "within", "function"),
    _full("models", "/opt/annotation-server/functions", "function"),
    _kill("models", "Download nuctl", "within", "nuctl"),
    _answers("models", "slow", FILES, "nuctl", OK),
]
VERIFY = [
    _kill("verify", "Check server, CVAT", "within"),
    _kill("verify", when="within"),
    Fault("verify", "container killed", "Check server, CVAT", "within", place="cvat_server", ends=ANY),
    Fault("verify", "docker killed", "Check server, CVAT", "within", ends=ANY),
    _cut("verify", ends=ANY),
    _full("verify", "/var/lib/annotation-server"),
]
#: In the order in which they are tried: what is quick first; within a stage, what is dearest to get right.
FAULTS = [
    *STORAGE, *HOST_RECORD, *FIREWALL, *TLS, *DOCKER, *GPU, *PREFLIGHT, *EARLY, *OBJECT_STORAGE, *MODELS, *CVAT, *VERIFY
]  # fmt: skip
#: What make test tries, on one host: what is dearest to get right, and quick.
SHORT = [
    fault
    for fault in FAULTS
    if fault.id
    in (
        f"preflight: reset {REGISTRY}",
        "object_storage: kill within 'Make a user for CVAT'",
        "object_storage: disk full /var/lib/annotation-server before 'Register the buckets'",
        "models/nuctl: kill before 'Put nuctl in its place'",
        f"models/nuctl: corrupted {FILES}",
        "cvat/containers: kill within 'Start the containers;'",
    )
]
