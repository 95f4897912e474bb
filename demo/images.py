"""Images that are made here: Debian from its packages, hosts on top, and the stand-ins; each once per content."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from demo import machine, settings
from demo.shell import Failed, docker, docker_environment, inspect, run, step

INPUTS = f"{settings.LABEL}.inputs"  # label: hash of everything an image was made from
SUITES = {"13": "trixie", "12": "bookworm"}
PACKAGES = "ca-certificates,curl,python3"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Throw-away: no documentation, and no waiting for the disk.
DPKG = "force-unsafe-io\npath-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\n"
FOLDERS = {name: settings.REPOSITORY / "demo" / "images" / name for name in ("host", "host-docker", "mirror")}
PARENTS = {"host": "debian", "host-docker": "host", "mirror": "debian"}


def digest(*parts: str | bytes) -> str:
    """One hash for several inputs."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()


def folder_digest(folder: Path) -> str:
    """Hash of a folder's file names, modes and contents; Python's caches do not count."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    total = digest()
    for path in files:
        total = digest(total, f"{path.relative_to(folder)} {path.stat().st_mode & 0o111}", path.read_bytes())
    return total


def made_from(name: str) -> str:
    """The hash an existing image was made from; empty when there is no such image."""
    image = inspect("image", name)
    return ((image or {}).get("Config", {}).get("Labels") or {}).get(INPUTS, "")


@cache
def ensure(short: str) -> str:
    """Make a base image such as `debian:13`, `host:13` or `host-docker:13` unless it is there; return its full name."""
    kind, version = short.split(":")
    if version not in SUITES or kind not in ("debian", *FOLDERS):
        raise Failed(f"There is no image {short}: kinds are debian, {', '.join(FOLDERS)}; versions {', '.join(SUITES)}")
    if kind == "debian":
        return _debian(version)
    return build(settings.IMAGES + short, FOLDERS[kind], ensure(f"{PARENTS[kind]}:{version}"))


def build(name: str, folder: Path, base: str, target: str = "", args: Iterable[str] = ()) -> str:
    """`docker build` with BASE as its base, unless the image was made from the same inputs."""
    inputs = digest(made_from(base), folder_digest(folder), target, *args)
    if made_from(name) == inputs:
        return name
    options = ["--network", settings.NETWORK, "--label", f"{INPUTS}={inputs}", "--label", f"{settings.LABEL}=1"]
    options += ["--target", target] if target else []
    for arg in (f"BASE={base}", *args):
        options += ["--build-arg", arg]
    with step(f"image {name}"):
        docker("build", "--quiet", *options, "--tag", name, str(folder))
    return name


def _debian(version: str) -> str:
    """A minimal Debian from this machine's own package mirror, with this machine's authorities and package settings."""
    suite, name = SUITES[version], f"{settings.IMAGES}debian:{version}"
    main, security = machine.debian_mirrors()
    files = {
        "etc/apt/sources.list.d/debian.sources": _sources(suite, main, security),
        "etc/apt/apt.conf.d/90annotation-demo": machine.apt_settings(),
        "etc/dpkg/dpkg.cfg.d/annotation-demo": DPKG,
        "etc/pip.conf": machine.pip_settings(),
    }
    for number, pem in enumerate(machine.extra_authorities()):
        files[f"usr/local/share/ca-certificates/annotation-demo-{number}.crt"] = pem + "\n"
    inputs = digest(PACKAGES, suite, *(part for item in sorted(files.items()) for part in item))
    if made_from(name) == inputs:
        return name
    if os.geteuid() != 0:
        raise Failed("The base image is made with debootstrap, which needs root: run this as root.")
    run(str(settings.REPOSITORY / "demo" / "packages"), "install", "debootstrap", "debian-archive-keyring")
    with step(f"image {name} (debootstrap {suite})"), tempfile.TemporaryDirectory(dir=settings.STATE) as root:
        _debootstrap(Path(root), suite, main, files)
        script = 'tar -C "$1" --numeric-owner -c . | docker import --change "$2" --change "$3" - "$4"'
        labels = f"LABEL {INPUTS}={inputs} {settings.LABEL}=1"
        run("sh", "-c", script, "sh", root, labels, 'CMD ["bash"]', name, env=docker_environment())
    return name


def _debootstrap(root: Path, suite: str, mirror: str, files: dict[str, str]) -> None:
    """Fill `root` with a minimal Debian and the given files."""
    inside = {"TMPDIR": ""}  # the usual folder: one of this machine's own would not be there
    options = ["--variant=minbase", f"--include={PACKAGES}", f"--keyring={KEYRING}"]
    run("debootstrap", *options, suite, str(root), mirror, "/usr/share/debootstrap/scripts/sid", env=inside)
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    run("chroot", str(root), "update-ca-certificates", env=inside)
    run("chroot", str(root), "apt-get", "clean", env=inside)
    for leftover in (root / "var/lib/apt/lists").glob("*"):
        if leftover.is_file():
            leftover.unlink()


def _sources(suite: str, main: str, security: str) -> str:
    """Apt sources of a Debian release, in deb822 format."""
    tail = f"Components: main\nSigned-By: {KEYRING}\n"
    archive = f"Types: deb\nURIs: {main}\nSuites: {suite} {suite}-updates\n{tail}"
    return f"{archive}\nTypes: deb\nURIs: {security}\nSuites: {suite}-security\n{tail}"
