"""Backup and restore of an annotation server. `annotation-server-backup --help` says what it can do.

Runs on the server, with nothing but Python 3.10, docker and restic. The role `backup` installs it.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import sys
from pathlib import Path

from repository import Repository
from restoring import Restore
from saving import save
from settings import Settings
from shell import Failure
from stack import Stack


def main() -> int:
    """Do what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(prog="annotation-server-backup", description="Back up an annotation server.")
    parser.add_argument("--settings", type=Path, default=Path("/etc/annotation-server/backup.json"))
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("run", help="make a backup now")
    make.add_argument("--kept", action="store_true", help="keep it whatever the settings say; for upgrades")
    commands.add_parser("list", help="list the backups that are complete")
    show = commands.add_parser("show", help="say what a backup holds, and what ran when it was made")
    show.add_argument("snapshot", help="its number, or latest")
    commands.add_parser("check", help="read every byte of the repository and compare it with its sums")
    commands.add_parser("thaw", help="let containers go on that a killed backup left frozen")
    only = commands.add_parser("keep-only", help="let the other kept backups go the way of all backups")
    only.add_argument("snapshot", help="its number")
    back = commands.add_parser("restore", help="put a backup back")
    back.add_argument("snapshot", help="its number, or latest")
    back.add_argument("--unchecked", action="store_true", help="do not read the whole repository first")
    back.add_argument("--other-release", action="store_true", help="also where another release runs")
    back.add_argument("--dry-run", action="store_true", help="only look whether it could be restored")
    arguments = parser.parse_args()
    try:
        settings = Settings.read(arguments.settings)
        stack, repository = Stack(settings), Repository(settings)
        if arguments.command == "list":
            print(json.dumps(repository.snapshots(), indent=2))
            return 0
        if arguments.command == "show":
            print(json.dumps(Restore(settings, stack, repository).describe(arguments.snapshot), indent=2))
            return 0
        if arguments.command == "check":
            repository.check()
            return 0
        with Path("/run/lock/annotation-server-backup.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if arguments.command == "thaw":
                stack.thaw(looks=3)
            elif arguments.command == "run":
                save(settings, stack, repository, arguments.kept)
            elif arguments.command == "keep-only":
                repository.keep_only(arguments.snapshot)
            else:
                restore = Restore(settings, stack, repository, arguments.other_release)
                restore.run(arguments.snapshot, not arguments.unchecked, arguments.dry_run)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
