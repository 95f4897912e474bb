"""What the role wrote down: /etc/annotation-server/backup.json."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path

from shell import Failure


@dataclass(frozen=True)
class Settings:
    """Where things are. Names as in the JSON file."""

    repository: str
    password_file: str
    release_file: str
    paths: list[str]
    volumes: list[str]
    emptied_volumes: list[str]
    #: Files that say how this server was set up; patterns are allowed. A restore does not put them back.
    notes: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    keep: dict[str, int] = field(default_factory=dict)
    #: Seconds; a repository that hangs must not hold the server still for longer.
    frozen_limit: float = 900
    project: str = "cvat"
    database_container: str = "cvat_db"
    database: str = "cvat"
    database_user: str = "root"
    staging: str = "/var/lib/annotation-server/backup"
    report: str = "/var/lib/annotation-server/backup.json"

    @classmethod
    def read(cls, path: Path) -> Settings:
        """Read the file.

        Raises:
            Failure: it is not there, or not what the role writes.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{key: value for key, value in content.items() if key in {each.name for each in fields(cls)}})
        except (OSError, ValueError, TypeError) as problem:
            raise Failure(f"{path} cannot be used ({problem}). Run the playbook backup.yml again.") from problem

    def release(self) -> str:
        """Return the release of CVAT that is installed here."""
        try:
            return str(json.loads(Path(self.release_file).read_text(encoding="utf-8"))["version"])
        except (OSError, ValueError, KeyError) as problem:
            raise Failure(
                f"No CVAT is installed here: {self.release_file} cannot be read. Run site.yml first."
            ) from problem
