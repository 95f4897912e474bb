"""A package repository in a folder: packages with all that they need, for a release, whatever is installed on a host.

apt itself resolves and fetches, with folders of its own and as if nothing were installed; so it also checks the
signatures. The folder becomes a repository of its own, without a signature: it travels with its sums in the bundle.

Source: sources.list(5), apt.conf(5), deb(5); Debian's repository format (wiki.debian.org/DebianRepository/Format).
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import apt_sources
from ansible_collections.annotation.server.plugins.module_utils.nuclio_inputs import file_digest

INDEX, RELEASE = "Packages", "Release"


class PackagesError(Exception):
    """Packages cannot be had; the text is for the person who must act."""


def distribution(files: Mapping[str, str], codename: str, components: Iterable[str] = ()) -> list[str]:
    """Return the distribution's own sources of a host as stanzas, its updates and its security archive among them.

    Args:
        files: path -> text, of every list and sources file of the host.
        codename: the release, for example ``trixie``.
        components: those that are wanted besides the host's own, for example ``non-free``.
    """
    entries = [
        entry
        for path in sorted(files)
        for entry in (apt_sources.deb822 if path.endswith(".sources") else apt_sources.one_line)(files[path])
    ]
    suites = {codename, f"{codename}-updates", f"{codename}-security", f"{codename}/updates"}
    found = []
    for entry in entries:
        wanted = [suite for suite in entry["suites"] if suite in suites]
        if wanted and "main" in entry["components"]:
            every = list(dict.fromkeys([*entry["components"], *components]))
            found.append(stanza(entry["uris"], wanted, every, entry["signed_by"]))
    return found


def stanza(uris: Iterable[str], suites: Iterable[str], components: Iterable[str], signed_by: str) -> str:
    """Return one source in the format deb822."""
    lines = ["Types: deb", f"URIs: {' '.join(uris)}", f"Suites: {' '.join(suites)}"]
    lines += [f"Components: {' '.join(components)}"] if list(components) else []
    lines += [f"Signed-By: {signed_by}"] if signed_by else []
    return "\n".join([*lines, "Architectures: amd64"]) + "\n"


class Fetcher:
    """apt with folders of its own."""

    def __init__(self, work: Path, stanzas: Iterable[str], keys: Mapping[str, str], pins: str = "") -> None:
        """Lay the folders out.

        Args:
            work: for lists and packages; what is there from an earlier time is not fetched again.
            stanzas: sources; ``{keys}`` in one stands for the folder of the keys.
            keys: file name -> text of the keys that the sources name.
            pins: as in apt_preferences(5).
        """
        self.archives = work / "archives"
        for folder in ("archives/partial", "lists/partial", "sources", "preferences", "keys"):
            (work / folder).mkdir(parents=True, exist_ok=True)
        for name, text in keys.items():
            (work / "keys" / name).write_text(text.rstrip() + "\n")
        sources = "\n".join(stanzas).replace("{keys}", str(work / "keys"))
        (work / "sources/bundle.sources").write_text(sources)
        (work / "preferences/bundle").write_text(pins)
        (work / "status").write_text("")  # nothing is installed
        self._options = [
            "Dir::Etc::sourcelist=/dev/null",
            f"Dir::Etc::sourceparts={work}/sources",
            "Dir::Etc::preferences=/dev/null",
            f"Dir::Etc::preferencesparts={work}/preferences",
            f"Dir::State::status={work}/status",
            f"Dir::State::extended_states={work}/extended_states",
            f"Dir::State::lists={work}/lists",
            f"Dir::Cache::archives={work}/archives",
            "Dir::Cache::pkgcache=",
            "Dir::Cache::srcpkgcache=",
            # The lists are read by root here, and the folder may be root's alone.
            "APT::Sandbox::User=root",
            "APT::Update::Error-Mode=any",
            "Acquire::Retries=3",
            "Debug::NoLocking=true",
        ]

    def fetch(self, names: Iterable[str], optional: Iterable[str] = ()) -> list[Path]:
        """Fetch packages with all that they need.

        Args:
            names: packages, with ``=version`` where one is wanted.
            optional: packages that a release need not have, such as headers of a kernel of the past.

        Returns:
            Their files.
        """
        self._run("apt-get", "update")
        known = [name for name in optional if self._run("apt-cache", "show", "--no-all-versions", name, may_fail=True)]
        wanted = [*dict.fromkeys([*names, *known])]
        install = ["install", "--yes", "--no-install-recommends"]
        self._run("apt-get", *install, "--download-only", *wanted)
        told = self._run("apt-get", *install, "--simulate", "-qq", *wanted)
        needed = set(re.findall(r"^Inst (\S+) \((\S+)", told, flags=re.MULTILINE))
        files = [path for path in sorted(self.archives.glob("*.deb")) if _identity(path) in needed]
        if len(files) != len(needed):
            lost = sorted(f"{name} {version}" for name, version in needed - {_identity(path) for path in files})
            raise PackagesError(f"apt fetched everything but {', '.join(lost)}.")
        return files

    def _run(self, program: str, *arguments: str, may_fail: bool = False) -> str:
        options = [word for option in self._options for word in ("-o", option)]
        answer = subprocess.run([program, *options, *arguments], capture_output=True, text=True)
        if answer.returncode and not may_fail:
            said = [line for line in (answer.stdout + answer.stderr).splitlines() if line[:2] in ("E:", "W:")]
            raise PackagesError(
                f"{program} {arguments[0]} does not work with the sources of this machine:\n" + "\n".join(said[-8:])
            )
        return "" if answer.returncode else answer.stdout


def _identity(path: Path) -> tuple[str, str]:
    """Return name and version of a file that apt fetched: ``runc_1.1.15%2bds1-2_amd64.deb``."""
    name, version, _ = path.name.split("_", 2)
    return name, version.replace("%3a", ":").replace("%2b", "+").replace("%7e", "~")


def control(path: Path) -> str:
    """Return what a package says about itself."""
    return subprocess.run(["dpkg-deb", "--field", str(path)], capture_output=True, text=True, check=True).stdout


def index(files: Iterable[tuple[Path, str]]) -> str:
    """Return the index of a repository.

    Args:
        files: each package with what it says about itself.
    """
    entries = []
    for path, text in files:
        told = f"Filename: ./{path.name}\nSize: {path.stat().st_size}\nSHA256: {file_digest(path)}\n"
        entries.append(f"{text.strip()}\n{told}")
    return "\n".join(entries)


def release(index_text: str) -> str:
    """Return the file that tells what a repository is, and the sum of its index."""
    data = index_text.encode()
    # apt wants a date and makes nothing of it; the same packages are to give the same file.
    return (
        "Date: Thu, 01 Jan 1970 00:00:00 UTC\nOrigin: annotation.server\nLabel: annotation.server bundle\n"
        "Suite: bundle\nArchitectures: amd64 all\n"
        f"SHA256:\n {hashlib.sha256(data).hexdigest()} {len(data)} {INDEX}\n"
    )


def write(folder: Path, files: Iterable[Path]) -> bool:
    """Make a folder the repository of these files, and of no others; tell whether anything changed."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {file.name.replace("%3a", "-"): file for file in files}
    changed = False
    for name, file in wanted.items():
        target = folder / name
        if not target.exists() or target.stat().st_size != file.stat().st_size:
            target.unlink(missing_ok=True)
            link_or_copy(file, target)
            changed = True
    for path in folder.glob("*.deb"):
        if path.name not in wanted:
            path.unlink()
            changed = True
    text = index((path, control(path)) for path in sorted(folder.glob("*.deb")))
    for name, content in ((INDEX, text), (RELEASE, release(text))):
        if not (folder / name).exists() or (folder / name).read_text() != content:
            (folder / name).write_text(content)
            changed = True
    return changed


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name; on another disk a second copy."""
    partial = target.with_name(target.name + ".part")
    partial.unlink(missing_ok=True)
    try:
        partial.hardlink_to(source)
    except OSError:
        partial.write_bytes(source.read_bytes())
    partial.replace(target)


def describe(files: Iterable[Path]) -> dict[str, Any]:
    """Return the version of each package by its name."""
    return dict(sorted(_identity(path) for path in files))
