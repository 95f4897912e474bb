"""What the program for backups does when something fails half-way; the scenario shows what it does when all is well."""

from __future__ import annotations

import contextlib
import dataclasses
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
    """A server, also one whose database cannot be replaced."""

    def __init__(self, failure: type[Exception] | None, running: str = "v2.80.0") -> None:
        self.failure, self.running = failure, running
        self.calls: list[str] = []

    def stop(self) -> None:
        self.calls.append("stop")

    def start(self) -> None:
        self.calls.append("start")

    def release(self) -> str:
        return self.running

    def take_database(self, _name: str) -> None:
        if self.failure:
            raise self.failure("no database")


def test_a_failing_switch_brings_the_old_state_back(program: Any, folder: Path) -> None:
    stack = Stack(program.shell.Failure)
    settings = program.settings.Settings("", "", "", [], [], ["cache"], staging=str(folder / "staging"))
    restore = program.restoring.Restore(settings, stack, None)
    with pytest.raises(program.shell.Failure, match="the state before is back: no database"):
        restore.switch({folder: folder / ".restore-new/mnt"}, "v2.80.0")
    assert tree(folder) == OLD and stack.calls == ["stop", "start"]


@pytest.mark.parametrize(("running", "calls"), [("v2.80.0", ["stop", "start"]), ("v2.81.0", ["stop"])])
def test_another_release_is_not_started_on_what_came_back(
    program: Any, folder: Path, running: str, calls: list[str]
) -> None:
    stack = Stack(None, running)
    settings = program.settings.Settings("", "", "", [], [], [])
    restore = program.restoring.Restore(settings, stack, None)
    restore.switch({folder: folder / ".restore-new/mnt"}, "v2.80.0")
    assert tree(folder) == NEW and stack.calls == calls


@pytest.mark.parametrize(("other_release", "refused"), [(False, True), (True, False)])
def test_a_backup_of_another_release_than_the_one_that_runs_is_asked_for(
    program: Any, settings: Any, other_release: bool, refused: bool
) -> None:
    class Manifest:
        def read(self, _snapshot: str, _path: Path, out: Path) -> None:
            out.write_text(json.dumps({"format": program.saving.FORMAT, "release": "v2.80.0"}))

    restore = program.restoring.Restore(settings, Stack(None, "v2.81.0"), Manifest(), other_release)
    sentence = r"runs CVAT v2\.81\.0, and backup 0badcafe is of v2\.80\.0.*Nothing was changed"
    with pytest.raises(program.shell.Failure, match=sentence) if refused else contextlib.nullcontext():
        assert restore.fitting_manifest("0badcafe")["release"] == "v2.80.0"


class Freezing:
    """A server that is frozen, and a repository that fails then."""

    def __init__(self, folder: Path, failure: Exception, running: str = "v2.80.0") -> None:
        self.folder, self.failure, self.running = folder, failure, running
        self.calls: list[str] = []

    def release(self) -> str:
        return self.running

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

    def add(self, tag: str, _folders: list[Path], further: tuple[str, ...] = (), limit: float | None = None) -> str:
        self.calls.append("+".join([tag, *further]))
        if tag == "complete":
            assert limit == 900
            raise self.failure
        return "1"


@pytest.fixture
def settings(program: Any, tmp_path: Path) -> Any:
    """Return settings of a server with CVAT v2.80.0, all in one folder."""
    (tmp_path / "release.json").write_text('{"version": "v2.80.0"}')
    return program.settings.Settings(
        "/r",
        "",
        str(tmp_path / "release.json"),
        [],
        [],
        [],
        staging=str(tmp_path / "s"),
        report=str(tmp_path / "report"),
    )


@pytest.mark.parametrize(("kept", "tags"), [(False, "complete"), (True, "complete+before-upgrade")])
def test_a_failing_backup_lets_the_server_go_on_and_reports_nothing(
    program: Any, settings: Any, tmp_path: Path, kept: bool, tags: str
) -> None:
    world = Freezing(tmp_path, program.shell.Failure("disk full"))
    with pytest.raises(program.shell.Failure, match="disk full"):
        program.saving.save(settings, world, world, kept)
    assert world.calls == ["rehearsal", "freeze", tags, "thaw"]
    assert not (tmp_path / "report").exists()


def test_a_release_that_is_not_in_the_settings_is_not_backed_up(program: Any, settings: Any, tmp_path: Path) -> None:
    world = Freezing(tmp_path, program.shell.Failure(""), running="v2.81.0")
    with pytest.raises(
        program.shell.Failure, match=r"runs CVAT v2\.81\.0, and the settings of the backup are for v2\.80\.0"
    ):
        program.saving.save(settings, world, world)
    assert world.calls == []


class Restic:
    """What restic is asked for, and what it answers to `snapshots`."""

    def __init__(self, *found: tuple[str, str, list[str]]) -> None:
        self.found = found
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, *arguments: str, **_options: Any) -> str:
        if arguments[0] == "snapshots":
            wanted = arguments[arguments.index("--tag") + 1]
            shown = [{"short_id": i, "time": "", "hostname": h, "tags": t} for i, h, t in self.found if wanted in t]
            return json.dumps(shown)
        self.asked.append(arguments)
        return ""


def repository(program: Any, settings: Any, restic: Restic) -> Any:
    made = program.repository.Repository(settings)
    made.host, made.restic = "here", restic
    return made


def test_only_one_kept_backup_of_a_server_stays_kept(program: Any, settings: Any) -> None:
    both = ["complete", "before-upgrade"]
    restic = Restic(("1", "here", both), ("2", "elsewhere", both), ("3", "here", ["complete"]), ("4", "here", both))
    backups = repository(program, settings, restic)
    assert [each["id"] for each in backups.snapshots() if each["kept"]] == ["1", "2", "4"]
    backups.keep_only("4")
    assert restic.asked == [("tag", "--remove", "before-upgrade", "1")]


def test_what_is_kept_outlives_the_rules(program: Any, settings: Any) -> None:
    restic = Restic()
    repository(program, dataclasses.replace(settings, keep={"daily": 7, "weekly": 0}), restic).keep()
    (asked,) = restic.asked
    assert asked[-3:] == ("--keep-daily=7", "--keep-tag", "before-upgrade")
    restic.asked.clear()
    repository(program, settings, restic).keep()
    assert restic.asked == []  # nothing is forgotten where no rule is given


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
