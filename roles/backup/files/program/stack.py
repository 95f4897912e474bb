"""The running annotation server: containers, volumes, database."""

from __future__ import annotations

import re
import time
from pathlib import Path

from settings import Settings
from shell import Failure, run

SERVER = "cvat_server"


class Stack:
    """CVAT's compose project on this host."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def containers(self, *filters: str) -> list[str]:
        """Return the names of the project's containers but the database's; filters as for `docker ps`."""
        label = f"label=com.docker.compose.project={self.settings.project}"
        options = [option for each in (label, *filters) for option in ("--filter", each)]
        names = run(["docker", "ps", "--all", "--format", "{{.Names}}", *options]).split()
        return sorted(name for name in names if name != self.settings.database_container)

    def images(self) -> dict[str, str]:
        """Return which image each of the project's containers runs: name and image, with its tag or digest."""
        return self._listed(f"label=com.docker.compose.project={self.settings.project}", "{{.Names}}")

    def models(self) -> dict[str, str]:
        """Return the models on this server: their ids and their images."""
        return self._listed("label=nuclio.io/function-name", '{{.Label "nuclio.io/function-name"}}')

    def _listed(self, wanted: str, name: str) -> dict[str, str]:
        lines = run(["docker", "ps", "--all", "--filter", wanted, "--format", f"{name}\t{{{{.Image}}}}"]).splitlines()
        return dict(sorted(line.split("\t", 1) for line in lines))

    def release(self) -> str:
        """Return the release of CVAT that the server's container was made from; empty when there is none."""
        image = run(["docker", "inspect", "--type=container", "--format={{.Config.Image}}", SERVER], accept=(0, 1))
        found = re.search(r":(v\d+\.\d+\.\d+)\s*$", image)
        return found[1] if found else ""

    def freeze(self) -> None:
        """Hold every container still that may write. Connections wait, and none is lost."""
        if names := self.containers("status=running"):
            run(["docker", "pause", *names])

    def thaw(self, looks: int = 1) -> None:
        """Let them go on. After a kill Docker may still be busy with the last order, so look more than once."""
        for look in range(looks):
            if look:
                time.sleep(1)
            if names := self.containers("status=paused"):
                run(["docker", "unpause", *names])

    def stop(self) -> None:
        """Stop every container but the database's."""
        self.thaw()
        if names := self.containers("status=running"):
            run(["docker", "stop", *names])

    def start(self) -> None:
        """Start them again."""
        if names := self.containers():
            run(["docker", "start", *names])

    def folder(self, volume: str) -> Path:
        """Return where a volume's files are.

        Raises:
            Failure: there is no such volume.
        """
        return Path(run(["docker", "volume", "inspect", "--format", "{{.Mountpoint}}", volume]).strip())

    def folders(self) -> dict[str, Path]:
        """Return what belongs into a backup besides the database: name and folder."""
        found = {volume: self.folder(volume) for volume in self.settings.volumes}
        return found | {path: Path(path) for path in self.settings.paths if Path(path).is_dir()}

    def database(self, *command: str, feed: Path | None = None, out: Path | None = None) -> str:
        """Run a command of PostgreSQL in the database's container."""
        interactive = ["--interactive"] if feed else []
        container, user = self.settings.database_container, self.settings.database_user
        return run(
            ["docker", "exec", *interactive, container, command[0], f"--username={user}", *command[1:]],
            feed=feed,
            out=out,
        )

    def dump(self, path: Path) -> None:
        """Write the database into a file, as of one moment."""
        self.database("pg_dump", "--format=custom", f"--dbname={self.settings.database}", out=path)

    def load(self, path: Path, name: str) -> None:
        """Make a database of that name from a file, beside the one that is in use."""
        self.database("dropdb", "--if-exists", "--force", name)
        self.database("createdb", name)
        self.database("pg_restore", "--exit-on-error", f"--dbname={name}", feed=path)

    def take_database(self, name: str) -> None:
        """Give a database the place of the one in use, which is kept until that has worked. Nobody may be connected."""
        used, old = self.settings.database, f"{self.settings.database}_before"
        exists = self.database("psql", "--dbname=postgres", "--tuples-only", f"--command={_FIND.format(used)}").strip()
        self.database("dropdb", "--if-exists", "--force", old)
        if exists:
            self._rename(used, old)
        try:
            self._rename(name, used)
        except Failure:
            if exists:
                self._rename(old, used)
            raise
        self.database("dropdb", "--if-exists", "--force", old)

    def _rename(self, name: str, to: str) -> None:
        self.database("psql", "--dbname=postgres", f"--command={_DISCONNECT.format(name)}")
        self.database("psql", "--dbname=postgres", f'--command=ALTER DATABASE "{name}" RENAME TO "{to}"')


_FIND = "SELECT 1 FROM pg_database WHERE datname = '{}'"
_DISCONNECT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"
