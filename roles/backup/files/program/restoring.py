"""Puts a backup back: everything is laid ready beside the running server first, and then takes its place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from files import NEW, OLD, empty, give_back, remove, sha256, take_place
from repository import Repository
from saving import DUMP, FORMAT, MANIFEST
from settings import Settings
from shell import Failure
from stack import Stack

DATABASE_NEW = "cvat_restored"
# A second copy needs room; so much more than its size must be free.
SPARE = 1.1


class Restore:
    """One restore. It can be run again at any time, also after it was killed."""

    def __init__(self, settings: Settings, stack: Stack, repository: Repository, other_release: bool = False) -> None:
        self.settings = settings
        self.stack = stack
        self.repository = repository
        #: Whether the backup's release may take the place of another one that runs.
        self.other_release = other_release
        self.staging = Path(settings.staging)

    def run(self, snapshot: str, check: bool, dry: bool = False) -> None:
        """Restore a snapshot.

        Args:
            snapshot: its number, or latest.
            check: read the whole repository first.
            dry: end before anything is changed; what would hinder the restore was found until then.

        Raises:
            Failure: until everything is laid ready, nothing was changed; the message says so.
        """
        self.repository.unlock()
        identifier = self.choose(snapshot)
        manifest = self.fitting_manifest(identifier)
        folders = self.places(manifest)
        self.insist_on_room(identifier, folders)
        if check:
            print("Reading the whole repository, to be sure that it is undamaged ...", flush=True)
            self.repository.check()
        if dry:
            print(f"{identifier} can be restored here.")
            return
        print("Laying everything ready beside the running server ...", flush=True)
        ready = {
            path: self.lay_ready(identifier, Path(manifest["folders"][name]), path) for name, path in folders.items()
        }
        self.load_database(identifier, manifest)
        print("Taking its place ...", flush=True)
        self.switch(ready, manifest["release"])
        print(f"Restored {identifier}, made {manifest['made']}.")

    def describe(self, snapshot: str) -> dict[str, Any]:
        """Return what a backup says of itself."""
        identifier = self.choose(snapshot)
        return {"backup": identifier, **self.manifest(identifier)}

    def switch(self, ready: dict[Path, Path], release: str) -> None:
        """Give what lies ready its place; on a failure put back what was there.

        Containers of another release stay stopped: at its start that one would change the database once more.
        """
        self.stack.stop()
        try:
            for path, new in ready.items():
                take_place(path, new)
            self.stack.take_database(DATABASE_NEW)
        except (Failure, OSError) as problem:
            for path in ready:
                give_back(path)
            self.stack.start()
            raise Failure(f"The restore failed, and the state before is back: {problem}") from problem
        for volume in self.settings.emptied_volumes:
            empty(self.stack.folder(volume))  # caches and queues that belong to the state before
        if self.stack.release() in ("", release):
            self.stack.start()
        else:
            print(f"CVAT stays stopped until site.yml brings {release} up.")
        for path in ready:
            remove(path / OLD)

    def choose(self, wanted: str) -> str:
        """Return the number of the snapshot that is meant."""
        found = self.repository.snapshots()
        if not found:
            raise Failure(f"There is no complete backup in {self.settings.repository}.")
        if wanted == "latest":
            return str(found[-1]["id"])
        matching = [each["id"] for each in found if each["id"].startswith(wanted[:8])]
        if not matching:
            listed = "\n".join(f"  {each['id']}  {each['time'][:19]}  {each['host']}" for each in found)
            raise Failure(f"There is no complete backup {wanted}. There are:\n{listed}")
        return str(matching[0])

    def manifest(self, identifier: str) -> dict[str, Any]:
        """Return the manifest of a backup.

        Raises:
            Failure: a newer version of this program made it.
        """
        self.staging.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.staging / f"restored-{MANIFEST}"
        self.repository.read(identifier, self.staging / MANIFEST, path)
        manifest = json.loads(path.read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise Failure(
                f"Backup {identifier} has the format {manifest['format']}; this program knows {FORMAT}. Update it."
            )
        return dict(manifest)

    def fitting_manifest(self, identifier: str) -> dict[str, Any]:
        """Return the manifest of a backup that this server can take.

        Raises:
            Failure: it was made with another release of CVAT.
        """
        manifest = self.manifest(identifier)
        here = self.settings.release()
        if manifest["release"] != here:
            raise Failure(
                f"Backup {identifier} is of CVAT {manifest['release']}, and {here} is installed. CVAT's data fits its "
                f"own release only: install {manifest['release']} (cvat_version), restore, and upgrade afterwards. "
                "Nothing was changed."
            )
        runs = self.stack.release()
        if runs not in ("", here) and not self.other_release:
            raise Failure(
                f"This server runs CVAT {runs}, and backup {identifier} is of {here}. If {runs} shall stay, set "
                f"annotation_server_cvat_version: {runs} and choose a backup of it. To go back to {here}, restore with "
                "-e cvat_change_release=true. Nothing was changed."
            )
        return manifest

    def places(self, manifest: dict[str, Any]) -> dict[str, Path]:
        """Return where each folder of the backup belongs on this server: name and folder."""
        here = self.stack.folders()
        missing = sorted(set(manifest["folders"]) - set(here))
        if missing:
            raise Failure(f"This server has no {', '.join(missing)}. Run site.yml first. Nothing was changed.")
        return {name: here[name] for name in manifest["folders"]}

    def insist_on_room(self, identifier: str, folders: dict[str, Path]) -> None:
        """Refuse when the second copy would not fit."""
        needed = self.repository.size(identifier) * SPARE
        for path in folders.values():
            free = shutil.disk_usage(path).free
            if free < needed:
                raise Failure(
                    f"{path} has {free / 1e9:.1f} GB free, and a restore needs {needed / 1e9:.1f} GB beside what is "
                    "there. Make room. Nothing was changed."
                )

    def lay_ready(self, identifier: str, source: Path, path: Path) -> Path:
        """Restore a folder of the backup inside the folder that it will replace."""
        target = path / NEW
        remove(target)
        target.mkdir(mode=0o700)
        new = self.repository.restore(identifier, source, target)
        if not new.is_dir():
            raise Failure(f"Backup {identifier} holds no {source}. Nothing was changed.")
        return new

    def load_database(self, identifier: str, manifest: dict[str, Any]) -> None:
        """Make a database from the backup, beside the one in use."""
        dump = self.staging / f"restored-{DUMP}"
        self.repository.read(identifier, self.staging / DUMP, dump)
        if sha256(dump) != manifest["database"]["sha256"]:
            raise Failure(
                f"The database in backup {identifier} has another sum than its manifest. Nothing was changed."
            )
        self.stack.load(dump, DATABASE_NEW)
        dump.unlink()
