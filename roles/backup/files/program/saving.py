"""Makes a backup."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from files import copy_files, sha256
from repository import COMPLETE, KEPT, REHEARSAL, Repository
from settings import Settings
from shell import Failure
from stack import Stack

MANIFEST = "manifest.json"
DUMP = "database.dump"
NOTES = "settings"
FORMAT = 1


def save(settings: Settings, stack: Stack, repository: Repository, kept: bool = False) -> dict[str, Any]:
    """Make a backup: read everything while the server works, then freeze it and read what changed meanwhile.

    Args:
        settings: what the role wrote down.
        stack: the server.
        repository: where the backup goes.
        kept: whether it stays, whatever the settings say.

    Returns:
        What is also written to the report: snapshot, seconds, frozen_seconds, release.

    Raises:
        Failure: there is no new backup, the server goes on, and older backups are as they were.
    """
    started = time.monotonic()
    insist_on_release(settings, stack)
    staging = Path(settings.staging)
    staging.mkdir(mode=0o700, parents=True, exist_ok=True)
    folders = stack.folders()
    copy_files(settings.notes, staging / NOTES)
    running = {"images": stack.images(), "models": stack.models()}
    repository.prepare(known=last_report(settings).get("repository") == settings.repository)
    everything = [staging, *folders.values()]  # the same both times, so that restic knows what it has read already
    repository.add(REHEARSAL, everything)
    frozen = time.monotonic()
    try:
        stack.freeze()
        stack.dump(staging / DUMP)
        manifest = describe(settings, folders, staging / DUMP) | running
        (staging / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        snapshot = repository.add(COMPLETE, everything, [KEPT] if kept else [], settings.frozen_limit)
    finally:
        stack.thaw()
    frozen_seconds = round(time.monotonic() - frozen, 1)
    (staging / DUMP).unlink()
    repository.forget_rehearsals()
    repository.keep()
    report = {
        "snapshot": snapshot[:8],
        "made": manifest["made"],
        "release": manifest["release"],
        "seconds": round(time.monotonic() - started, 1),
        "frozen_seconds": frozen_seconds,
        "repository": settings.repository,
    }
    Path(settings.report).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"Backup {report['snapshot']} in {report['seconds']} s; the server stood still for {frozen_seconds} s.")
    return report


def last_report(settings: Settings) -> dict[str, Any]:
    """Return what the last backup reported; nothing if there was none."""
    try:
        return dict(json.loads(Path(settings.report).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def insist_on_release(settings: Settings, stack: Stack) -> None:
    """Refuse to back up under the name of another release: a restore would believe it."""
    noted, runs = settings.release(), stack.release()
    if runs not in ("", noted):
        raise Failure(
            f"This server runs CVAT {runs}, and the settings of the backup are for {noted}. If an upgrade did not end, "
            "run playbooks/upgrade.yml again as before; otherwise set annotation_server_cvat_version: "
            f"{runs} and run playbooks/backup.yml."
        )


def describe(settings: Settings, folders: dict[str, Path], dump: Path) -> dict[str, Any]:
    """Return what a restore must know about a backup before it touches anything."""
    return {
        "format": FORMAT,
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "release": settings.release(),
        "folders": {name: str(path) for name, path in folders.items()},
        "database": {"name": settings.database, "bytes": dump.stat().st_size, "sha256": sha256(dump)},
    }
