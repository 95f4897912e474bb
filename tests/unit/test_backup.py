"""What the program for backups does when something fails half-way; the scenario shows what it does when all is well."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2] / "roles/backup/files/program"


@pytest.fixture(scope="module")
def program() -> Iterator[Any]:
    """Return its modules; they lie flat in one folder, as on the server."""
    sys.path.insert(0, str(PROGRAM))
    names = [path.stem for path in PROGRAM.glob("*.py") if path.stem != "__main__"]
    yield type("Program", (), {name: importlib.import_module(name) for name in names})
    sys.path.remove(str(PROGRAM))
    for name in names:
        sys.modules.pop(name, None)


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder in use, with a restored one laid ready below it."""
    for name, text in {
        "a": "old a",
        "sub/b": "old b",
        "only-old": "x",
        ".restore-new/mnt/a": "new a",
        ".restore-new/mnt/sub/c": "new c",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


NEW = {"a": "new a", "sub/c": "new c"}
OLD = {"a": "old a", "only-old": "x", "sub/b": "old b"}


def test_the_new_takes_the_place_of_the_old(program: Any, folder: Path) -> None:
    program.files.take_place(folder, folder / ".restore-new/mnt")
    assert tree(folder) == NEW | {f".restore-old/{name}": text for name, text in OLD.items()}


def test_and_gives_it_back(program: Any, folder: Path) -> None:
    program.files.take_place(folder, folder / ".restore-new/mnt")
    program.files.give_back(folder)
    assert tree(folder) == OLD
    program.files.give_back(folder)
    assert tree(folder) == OLD


@pytest.mark.parametrize("moves", range(6))
def test_after_a_kill_it_can_be_done_again(
    program: Any, folder: Path, moves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.replace
    done: list[Path] = []

    def replace(self: Path, target: Path) -> Path:
        if len(done) >= moves:
            raise KeyboardInterrupt
        done.append(self)
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        try:
            program.files.take_place(folder, folder / ".restore-new/mnt")
        except KeyboardInterrupt:
            program.files.remove(folder / ".restore-new")  # as the next restore does, before it lays everything ready
    for name, text in NEW.items():
        (folder / ".restore-new/mnt" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / ".restore-new/mnt" / name).write_text(text)
    program.files.take_place(folder, folder / ".restore-new/mnt")
    program.files.remove(folder / ".restore-old")
    assert tree(folder) == NEW


class Stack:
    """A server whose database cannot be replaced."""

    def __init__(self, failure: type[Exception]) -> None:
        self.failure = failure
        self.calls: list[str] = []

    def stop(self) -> None:
        self.calls.append("stop")

    def start(self) -> None:
        self.calls.append("start")

    def take_database(self, _name: str) -> None:
        raise self.failure("no database")


def test_a_failing_switch_brings_the_old_state_back(program: Any, folder: Path) -> None:
    stack = Stack(program.shell.Failure)
    settings = program.settings.Settings("", "", "", [], [], ["cache"], staging=str(folder / "staging"))
    restore = program.restoring.Restore(settings, stack, None)
    with pytest.raises(program.shell.Failure, match="the state before is back: no database"):
        restore.switch({folder: folder / ".restore-new/mnt"})
    assert tree(folder) == OLD and stack.calls == ["stop", "start"]


class Freezing:
    """A server that is frozen, and a repository that fails then."""

    def __init__(self, folder: Path, failure: Exception) -> None:
        self.folder, self.failure = folder, failure
        self.calls: list[str] = []

    def folders(self) -> dict[str, Path]:
        return {"data": self.folder}

    def images(self) -> dict[str, str]:
        return {"cvat_server": "cvat/server:v2.80.0"}

    models = images

    def freeze(self) -> None:
        self.calls.append("freeze")

    def thaw(self) -> None:
        self.calls.append("thaw")

    def dump(self, path: Path) -> None:
        path.write_text("dump")

    def prepare(self, known: bool) -> None:
        assert not known

    def add(self, tag: str, _folders: list[Path], limit: float | None = None) -> str:
        self.calls.append(tag)
        if tag == "complete":
            assert limit == 900
            raise self.failure
        return "1"


def test_a_failing_backup_lets_the_server_go_on_and_reports_nothing(program: Any, tmp_path: Path) -> None:
    (tmp_path / "release.json").write_text('{"version": "v2.80.0"}')
    settings = program.settings.Settings(
        "", "", str(tmp_path / "release.json"), [], [], [], staging=str(tmp_path / "s"), report=str(tmp_path / "report")
    )
    world = Freezing(tmp_path, program.shell.Failure("disk full"))
    with pytest.raises(program.shell.Failure, match="disk full"):
        program.saving.save(settings, world, world)
    assert world.calls == ["rehearsal", "freeze", "complete", "thaw"]
    assert not (tmp_path / "report").exists()


def test_settings_that_cannot_be_read_are_said(program: Any, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(json.dumps({"repository": "/r"}))
    with pytest.raises(program.shell.Failure, match=r"b\.json cannot be used .*Run the playbook backup\.yml"):
        program.settings.Settings.read(tmp_path / "b.json")


def test_a_failing_command_says_its_last_words(program: Any) -> None:
    with pytest.raises(program.shell.Failure, match="ended with 3:\nlast words"):
        program.shell.run(["sh", "-c", "echo last words >&2; exit 3"])
    with pytest.raises(program.shell.Failure, match="no-such-program is not installed"):
        program.shell.run(["no-such-program"])


def test_lines_of_a_long_command_come_one_by_one_and_so_does_its_failure(program: Any) -> None:
    seen: list[str] = []
    program.shell.follow(["sh", "-c", 'echo a; echo "$B"'], seen.append, env={"B": "b"})
    assert seen == ["a\n", "b\n"]
    with pytest.raises(program.shell.Failure, match=r"ended with 3:\na\nlast words"):
        program.shell.follow(["sh", "-c", "echo a; echo last words >&2; exit 3"], seen.append, env={})


def test_what_hangs_is_ended(program: Any) -> None:
    with pytest.raises(program.shell.Failure, match="not done after 0 s, and was ended"):
        program.shell.follow(["sleep", "60"], print, env={}, limit=0.2)


def test_progress_is_told_and_the_number_of_the_backup_kept(program: Any, capsys: pytest.CaptureFixture[str]) -> None:
    progress = program.repository.Progress()
    for told in (
        {"message_type": "status", "percent_done": 0},
        {"message_type": "status", "bytes_done": 3e9, "total_bytes": 12e9},
        {"message_type": "summary", "snapshot_id": "0123456789abcdef"},
    ):
        progress.see(json.dumps(told))
    progress.see("warning: something in plain words")
    assert capsys.readouterr().out == "Read 25% of 12.0 GB so far\n"
    assert progress.snapshot == "0123456789abcdef"


def test_settings_are_noted_below_their_own_paths(program: Any, tmp_path: Path) -> None:
    (tmp_path / "etc/one").mkdir(parents=True)
    (tmp_path / "etc/one/function.yaml").write_text("a")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/old").write_text("of the last backup")
    program.files.copy_files([f"{tmp_path}/etc/*/function.yaml", "/absent"], tmp_path / "notes")
    assert list(tree(tmp_path / "notes").values()) == ["a"]


def test_a_known_repository_that_is_gone_is_not_made_anew(program: Any, tmp_path: Path) -> None:
    calls: list[str] = []
    settings = program.settings.Settings("/mnt/backups", "", "", [], [], [])
    repository = program.repository.Repository(settings)

    def restic(command: str, *_more: str) -> None:
        calls.append(command)
        raise program.shell.Failure("no such folder")

    repository.restic = restic
    with pytest.raises(
        program.shell.Failure, match=r"can no longer be opened\.\nno such folder\nIs the folder mounted"
    ):
        repository.prepare(known=True)
    assert calls == ["cat"]
    with pytest.raises(program.shell.Failure, match="can neither be made nor be opened"):
        repository.prepare(known=False)
    assert calls == ["cat", "init", "cat"]


def test_the_last_report_is_believed_only_if_it_can_be_read(program: Any, tmp_path: Path) -> None:
    settings = program.settings.Settings("", "", "", [], [], [], report=str(tmp_path / "report"))
    assert program.saving.last_report(settings) == {}
    (tmp_path / "report").write_text('{"repository": "/mnt/backups"}')
    assert program.saving.last_report(settings) == {"repository": "/mnt/backups"}
    (tmp_path / "report").write_text("half of it {")
    assert program.saving.last_report(settings) == {}
