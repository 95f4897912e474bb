"""Where backups lie: a repository of restic, which encrypts, sums, compresses and keeps nothing twice."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from files import NEW, OLD
from settings import Settings
from shell import Failure, follow, run

#: Only snapshots with this tag count as backups; restic writes a snapshot when everything in it is safe.
COMPLETE = "complete"
#: A further tag: kept, whatever the settings say, until another backup with it takes over.
KEPT = "before-upgrade"
#: Read while the server works, so that the frozen minute has little left to read.
REHEARSAL = "rehearsal"
CACHE = "/var/cache/annotation-server-backup"
# What restic says when files went away while it read.
_SOME_UNREADABLE = 3


class Progress:
    """What restic says while it makes a backup; how far it is goes to the journal."""

    def __init__(self) -> None:
        self.snapshot = ""

    def see(self, line: str) -> None:
        """Take one line of restic's JSON."""
        try:
            told = json.loads(line)
        except ValueError:
            return  # a warning in plain words; what counts is how restic ends
        self.snapshot = told.get("snapshot_id", self.snapshot)
        if told.get("message_type") == "status" and told.get("total_bytes"):
            done, total = told.get("bytes_done", 0), told["total_bytes"]
            print(f"Read {done / total:.0%} of {total / 1e9:.1f} GB so far", flush=True)


class Repository:
    """restic with this server's settings."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.host = socket.gethostname()
        self.variables = settings.environment | {
            "RESTIC_REPOSITORY": settings.repository,
            "RESTIC_PASSWORD_FILE": settings.password_file,
            "RESTIC_CACHE_DIR": CACHE,
            "RESTIC_PROGRESS_FPS": "0.1",
        }

    def restic(self, *arguments: str, out: Path | None = None, accept: tuple[int, ...] = (0,)) -> str:
        """Run restic."""
        return run(["restic", *arguments], env=self.variables, out=out, accept=accept)

    def prepare(self, known: bool) -> None:
        """Open the repository; make it if it never held a backup of this server.

        Raises:
            Failure: it can neither be opened nor made, or one that is `known` is gone.
        """
        said = ""
        if not known:  # a share that is not mounted must not become a new repository
            try:
                # Asked first: restic takes minutes to believe that there is no such bucket.
                self.restic("init")
                return
            except Failure as there:
                said = f"{there}\n"
        try:
            self.restic("cat", "config", "--no-lock")
        except Failure as problem:
            state = "can no longer be opened" if known else "can neither be made nor be opened"
            raise Failure(
                f"The repository {self.settings.repository} {state}.\n{said}{problem}\n"
                "Is the folder mounted or the bucket reachable, and is it the password it was made with?"
            ) from problem
        self.unlock()

    def unlock(self) -> None:
        """Take away the locks of runs that were killed; restic leaves those that somebody still holds."""
        self.restic("unlock")

    def add(self, tag: str, folders: Iterable[Path], further: Iterable[str] = (), limit: float | None = None) -> str:
        """Add the folders as one snapshot with a tag and further ones, in `limit` seconds at most; return its number.

        Raises:
            Failure: a file could not be read, unless this is a rehearsal; then there is no such snapshot.
        """
        accept = (0, _SOME_UNREADABLE) if tag == REHEARSAL else (0,)
        names = [str(folder) for folder in folders]
        left_out = [f"--exclude={name}" for name in (NEW, OLD)]
        tags = [f"--tag={each}" for each in (tag, *further)]
        progress = Progress()
        command = ["restic", "backup", "--json", *tags, "--host", self.host, *left_out, *names]
        follow(command, progress.see, env=self.variables, accept=accept, limit=limit)
        return progress.snapshot

    def snapshots(self, tag: str = COMPLETE) -> list[dict[str, Any]]:
        """Return the snapshots with a tag, the oldest first."""
        found = json.loads(self.restic("snapshots", "--no-lock", "--json", "--tag", tag)) or []
        return [
            {"id": each["short_id"], "time": each["time"], "host": each["hostname"], "kept": KEPT in each["tags"]}
            for each in found
        ]

    def forget_rehearsals(self) -> None:
        """Remove what was only read ahead; the data stays as long as a backup needs it."""
        if rehearsals := [each["id"] for each in self.snapshots(REHEARSAL)]:
            self.restic("forget", *rehearsals)

    def keep(self) -> None:
        """Remove old backups of this server, as the settings say."""
        if options := [f"--keep-{span}={count}" for span, count in self.settings.keep.items() if count]:
            options += ["--keep-tag", KEPT]
            self.restic("forget", "--prune", "--tag", COMPLETE, "--host", self.host, "--group-by", "host", *options)

    def keep_only(self, snapshot: str) -> None:
        """Let the other kept backups of this server go the way of all backups."""
        for each in self.snapshots(KEPT):
            if each["id"] != snapshot and each["host"] == self.host:
                self.restic("tag", "--remove", KEPT, each["id"])

    def check(self) -> None:
        """Read every byte and compare it with its sum.

        Raises:
            Failure: something is damaged.
        """
        self.unlock()
        try:
            self.restic("check", "--read-data")
        except Failure as problem:
            raise Failure(
                f"The repository {self.settings.repository} is damaged. Nothing was changed here. Restore from a copy "
                f"of it, or see restic's manual, 'Troubleshooting'.\n{problem}"
            ) from problem

    def read(self, snapshot: str, path: Path, out: Path) -> None:
        """Write one file of a snapshot into a file."""
        self.restic("dump", snapshot, str(path), out=out)

    def size(self, snapshot: str) -> int:
        """Return how many bytes a snapshot takes when it is restored."""
        return int(json.loads(self.restic("stats", "--json", "--mode", "restore-size", snapshot))["total_size"])

    def restore(self, snapshot: str, path: Path, target: Path) -> Path:
        """Restore a folder below another; return where it is now."""
        self.restic("restore", snapshot, "--include", str(path), "--target", str(target))
        return target / path.relative_to("/")
