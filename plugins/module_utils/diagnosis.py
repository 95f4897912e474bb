"""What a person who is asked for help wants to see of an annotation server. Looks, never changes anything."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ansible_collections.annotation.server.plugins.module_utils.redaction import REDACTED, Redactor

Run = Callable[[list[str]], str]

#: Characters of one part; of longer ones the end is kept.
LONGEST = 2 * 1024 * 1024
SECONDS = 30.0

COMMANDS: dict[str, list[str]] = {
    "host/kernel.txt": ["uname", "-a"],
    "host/uptime.txt": ["uptime"],
    "host/memory.txt": ["free", "-m"],
    "host/disks.txt": ["df", "-hT"],
    "host/mounts.txt": ["findmnt", "--real"],
    "host/addresses.txt": ["ip", "-brief", "address"],
    "host/routes.txt": ["ip", "route"],
    "host/ports.txt": ["ss", "--listening", "--tcp", "--udp", "--numeric", "--processes"],
    "host/failed-services.txt": ["systemctl", "--failed", "--no-pager"],
    "host/kernel-messages.txt": ["dmesg", "--level=err,warn"],
    "host/packages.txt": ["dpkg-query", "--show", "*docker*", "containerd*", "runc", "*nvidia*", "cuda-toolkit*"],
    "docker/version.txt": ["docker", "version"],
    "docker/info.txt": ["docker", "info"],
    "docker/containers.txt": ["docker", "ps", "--all", "--size"],
    "docker/images.txt": ["docker", "images", "--digests"],
    "docker/disk.txt": ["docker", "system", "df"],
    "docker/networks.txt": ["docker", "network", "ls"],
    "docker/journal.txt": ["journalctl", "--unit=docker", "--lines=500", "--no-pager"],
    "gpu/nvidia-smi.txt": ["nvidia-smi"],
    "gpu/pci.txt": ["lspci", "-nnk", "-d", "10de:"],
}


def run(command: list[str]) -> str:
    """Run a command and return all it says; what went wrong is part of the text."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
    except FileNotFoundError:
        return f"({command[0]} is not installed)\n"
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(errors="replace") + f"\n(no end after {SECONDS:.0f} s)\n"
    said = done.stdout.decode(errors="replace")
    return said if done.returncode == 0 else f"{said}\n(ended with {done.returncode})\n"


def describe_containers(run: Run, lines: int) -> tuple[dict[str, str], list[str]]:
    """Describe every container: settings and the last lines of its log.

    Returns:
        Parts by name, and the ``NAME=VALUE`` lines of all containers' environments.
    """
    parts: dict[str, str] = {}
    variables: list[str] = []
    for name in run(["docker", "ps", "--all", "--format", "{{ .Names }}"]).split():
        try:
            (container,) = json.loads(run(["docker", "inspect", name]))
        except ValueError:
            continue  # it went away meanwhile, or Docker did not answer: that is said in containers.txt
        config = container.get("Config") or {}
        variables += config.get("Env") or []
        labels = config.get("Labels") or {}
        # The whole function.yaml in one line; its readable form is collected, too.
        config["Labels"] = {key: REDACTED if key.endswith("-spec") else value for key, value in labels.items()}
        parts[f"containers/{name}.json"] = json.dumps(container, indent=1)
        parts[f"logs/{name}.txt"] = run(["docker", "logs", "--timestamps", f"--tail={lines}", name])
    return parts, variables


def read_files(patterns: Iterable[str]) -> dict[str, str]:
    """Read the text files that the patterns name, by their full path below ``files``."""
    found = {}
    for pattern in patterns:
        for path in sorted(Path("/").glob(pattern.lstrip("/"))):
            try:
                found[f"files{path}"] = path.read_bytes().decode(errors="replace")
            except OSError as problem:
                found[f"files{path}"] = f"(cannot be read: {problem.strerror})\n"
    return found


def redactor(secrets_dir: Path, variables: Iterable[str]) -> Redactor:
    """Return what knows the secrets of a server: its secret files, and secret ``NAME=VALUE`` lines of environments."""
    redact = Redactor(path.read_text(errors="replace") for path in secrets_dir.glob("*") if path.is_file())
    redact.learn_variables(variables)
    return redact


def collect(run: Run, files: Iterable[str], secrets_dir: Path, lines: int) -> dict[str, str]:
    """Return every part as text without secrets, by its name in the archive."""
    parts = {name: run(command) for name, command in COMMANDS.items()}
    containers, variables = describe_containers(run, lines)
    parts |= containers | read_files([*files, "/etc/os-release"])
    redact = redactor(secrets_dir, variables)
    for name, text in parts.items():
        if name.startswith("files/"):
            redact.learn_variables(text.splitlines())
    return {name: redact(shorten(text)) for name, text in parts.items()}


def shorten(text: str) -> str:
    """Return the text, or of a long one its end, from the beginning of a line on, so that no half secret is left."""
    if len(text) <= LONGEST:
        return text
    return "(the beginning is left out)\n" + text[-LONGEST:].partition("\n")[2]


def write_archive(path: Path, parts: Mapping[str, str], top: str) -> int:
    """Write a compressed archive that only its owner may read; return its size in bytes."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    with tarfile.open(partial, "w:gz") as archive:
        for name, text in sorted(parts.items()):
            content = text.encode()
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode, entry.mtime = len(content), 0o644, int(time.time())
            archive.addfile(entry, io.BytesIO(content))
    partial.replace(path)
    return path.stat().st_size
