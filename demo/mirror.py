"""The mirror: a registry and a file server with everything that no package registry has, built from demo/images.yml."""

import gzip
import hashlib
import io
import shutil
import sys
import tarfile
import time
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from demo import hosts, images, machine, registry, settings
from demo.shell import Failed, docker, inspect, run, step


def up() -> None:
    """Start the mirror and bring what it serves up to date."""
    hosts.ensure_network()
    _write_files(listed().get("files", []))
    _start()
    _push(listed()["images"])


def listed() -> dict[str, list[dict]]:
    """What the mirror serves, by `images` and `files`."""
    return yaml.safe_load((settings.REPOSITORY / "demo" / "images.yml").read_text())


def runs() -> bool:
    """Whether the mirror is up; it may still lack what changed since."""
    there = inspect("container", settings.MIRROR)
    return there is not None and there["State"]["Running"]


def _start() -> None:
    """Start the container; again when its image or the folders it serves changed."""
    image = images.ensure("mirror:13")
    folders = [f"{settings.FILES}:/srv:ro", f"{settings.MIRROR}:/var/lib/docker-registry"]
    for number, path in enumerate(machine.pip_folders()):
        # Mount points inside a read-only folder have to be there already.
        (settings.FILES / "pip" / str(number)).mkdir(parents=True, exist_ok=True)
        folders.append(f"{path}:/srv/pip/{number}:ro")
    inputs = images.digest(images.made_from(image), *folders)
    there = inspect("container", settings.MIRROR)
    if there is None or there["Config"]["Labels"].get(images.INPUTS) != inputs:
        hosts.remove(settings.MIRROR)
        docker("volume", "create", "--label", f"{settings.LABEL}=1", settings.MIRROR)
        options = ["--network", settings.NETWORK, "--ip", settings.MIRROR_ADDRESS, "--name", settings.MIRROR]
        options += ["--label", f"{settings.LABEL}=1", "--label", f"{images.INPUTS}={inputs}"]
        docker("run", "--detach", *options, *(f"--volume={folder}" for folder in folders), image)
    elif not there["State"]["Running"]:
        docker("start", settings.MIRROR)
    _wait(f"{registry.BASE}/")
    _wait(f"http://{settings.MIRROR_ADDRESS}:8000/")


def _wait(url: str, timeout: float = 30) -> None:
    end = time.monotonic() + timeout
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            opener.open(url, timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > end:
                log = docker("logs", "--tail", "20", settings.MIRROR)
                raise Failed(f"{url} does not answer: {error}\n{log}") from error
            time.sleep(0.2)


def _push(listed: list[dict]) -> None:
    """Build the stand-ins and push those that the registry does not hold yet."""
    by_base: dict[str, list[dict]] = {}
    for item in listed:
        by_base.setdefault(item.get("base", "debian:13"), []).append(item)
    with ThreadPoolExecutor() as pool:  # what stands on one base is built in turn: it shares layers
        host = pool.submit(images.ensure, "host:13")  # nobody wants a mirror without one
        list(pool.map(_build, by_base, by_base.values()))
        host.result()
    names = {settings.IMAGES + item["name"]: item["name"] for item in listed}
    wanted = {local: name for local, name in names.items() if not registry.holds(local, name)}
    if wanted:
        with step(f"push of {len(wanted)} image(s) to the mirror"):
            registry.push(wanted, {item["name"].rsplit(":", 1)[0] for item in listed})


def _build(base: str, listed: list[dict]) -> None:
    """Build stand-ins on one base image."""
    for item in listed:
        arguments = [f"{key}={value}" for key, value in item.get("args", {}).items()]
        folder = settings.REPOSITORY / item["build"]
        images.build(settings.IMAGES + item["name"], folder, images.ensure(base), item.get("target", ""), arguments)


def _write_files(listed: list[dict]) -> None:
    """Write the files that the mirror serves, and their checksums as variables for the demo's inventory."""
    settings.FILES.mkdir(parents=True, exist_ok=True)
    checksums = {}
    for item in listed:
        source, target = settings.REPOSITORY / item["from"], settings.FILES / item["name"]
        if source.is_dir():
            target.write_bytes(pack(source, item["folder"], item.get("replace")))
        else:
            run(sys.executable, str(source), str(target))
        checksums[item["name"]] = hashlib.sha256(target.read_bytes()).hexdigest()
    for old in settings.FILES.iterdir():
        if old.name not in checksums and old.name != "pip":
            old.unlink() if old.is_file() else shutil.rmtree(old)
    told = {"demo_mirror": settings.MIRROR_ADDRESS, "demo_host": settings.HOST_ADDRESS, "demo_checksums": checksums}
    (settings.STATE / "vars.yml").write_text(yaml.safe_dump(told))


def pack(folder: Path, top: str, replace: Mapping[str, str] | None = None) -> bytes:
    """A .tar.gz of a folder below one top-level folder, words replaced; the same content gives the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = tar.gettarinfo(path, f"{top}/{path.relative_to(folder)}")
                entry.uid = entry.gid = entry.mtime = 0
                entry.uname = entry.gname = "root"
                entry.mode = 0o755 if entry.mode & 0o111 else 0o644
                content = path.read_bytes()
                for old, new in (replace or {}).items():
                    content = content.replace(old.encode(), new.encode())
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
