"""What makes tasks on throw-away hosts quicker changes nothing but time."""

from __future__ import annotations

import importlib.util
import os
import zipfile
import zipimport
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from demo import settings

OWN = os.getpid()


def load(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("loaded", settings.REPOSITORY / "demo" / path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def kept_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, which changes zipimport; that is taken back at the end."""
    monkeypatch.setattr(zipimport, "_compile_source", zipimport._compile_source)  # type: ignore[attr-defined]
    module = load("images/host/kept_code.py")
    module.FOLDER = str(tmp_path / "kept")
    return module


def told_by(archive: Path) -> str:
    """What a module in a zip file says."""
    zipimport._zip_directory_cache.clear()  # type: ignore[attr-defined]
    space: dict[str, str] = {}
    exec(zipimport.zipimporter(str(archive)).get_code("words"), space)
    return space["said"]


def pack(archive: Path, text: str) -> Path:
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("words.py", f"said = {text!r}\n")
    return archive


def test_code_is_kept_by_its_text(kept_code: Any, tmp_path: Path) -> None:
    first, second = pack(tmp_path / "a.zip", "first"), pack(tmp_path / "b.zip", "second")
    assert [told_by(first), told_by(second), told_by(first)] == ["first", "second", "first"]
    assert len(list(Path(kept_code.FOLDER).iterdir())) == 2


def test_what_was_half_written_is_compiled_anew(kept_code: Any, tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.zip", "whole")
    told_by(archive)
    (kept,) = Path(kept_code.FOLDER).iterdir()
    kept.write_bytes(kept.read_bytes()[:-9])
    assert told_by(archive) == "whole"
    assert told_by(archive) == "whole"


def test_without_a_place_to_keep_it_code_runs_all_the_same(kept_code: Any, tmp_path: Path) -> None:
    kept_code.FOLDER = "/proc/nowhere"
    assert told_by(pack(tmp_path / "a.zip", "anyway")) == "anyway"


def command(monkeypatch: pytest.MonkeyPatch, told: dict, user: str | None, endpoint: str) -> list[str]:
    """The command line by which a host is entered."""
    module = load("connection/docker.py")
    monkeypatch.setattr(module, "inspect", lambda path, container: told)
    monkeypatch.setattr(module.docker.Connection, "_build_exec_cmd", lambda self, cmd: ["docker", "exec", *cmd])
    host = SimpleNamespace(remote_user=user, _docker_args=[endpoint], get_option=lambda name: "host")
    entered = type("Connection", (module.Connection,), {"__init__": lambda self: self.__dict__.update(vars(host))})()
    return entered._build_exec_cmd(["true"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root enters by nsenter")
def test_a_host_of_this_machine_is_entered_by_its_first_process(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Path("/proc/self/cgroup").read_text().splitlines()[0]  # stands for the container's id, which is in there
    words = command(monkeypatch, {"Id": group, "State": {"Pid": OWN}}, None, "--host=unix:///run/docker.sock")
    assert "nsenter" in words and str(OWN) in words and words[-1] == "true"
    assert words[:2] == ["env", "-i"]  # nothing of this machine's environment


@pytest.mark.parametrize(
    ("told", "user", "endpoint"),
    [
        ({"Id": "0badcafe", "State": {"Pid": OWN}}, None, "--host=unix:///s"),  # a process of another machine
        ({"Id": "0badcafe", "State": {"Pid": 0}}, None, "--host=unix:///s"),  # it does not run
        ({"message": "No such container: host"}, None, "--host=unix:///s"),
        ({"Id": "/", "State": {"Pid": OWN}}, "operator", "--host=unix:///s"),  # as somebody else
        ({"Id": "/", "State": {"Pid": OWN}}, None, "--host=tcp://192.0.2.7:2376"),  # an engine elsewhere
    ],
)
def test_else_it_is_docker_exec(monkeypatch: pytest.MonkeyPatch, told: dict, user: str | None, endpoint: str) -> None:
    assert command(monkeypatch, told, user, endpoint) == ["docker", "exec", "true"]


def test_an_engine_that_does_not_answer_is_no_engine(tmp_path: Path) -> None:
    assert load("connection/docker.py").inspect(str(tmp_path / "nothing.sock"), "host") == {}
