"""The module build_context: a folder kept equal to a list of files, and replaced at once."""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.annotation.server.plugins.action import build_context as action
from ansible_collections.annotation.server.plugins.module_utils import nuclio_inputs
from ansible_collections.annotation.server.plugins.modules import build_context


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["build_context"])
    monkeypatch.setattr(basic.AnsibleModule, "_log_invocation", lambda self: None)

    def call(check: bool = False, **arguments: Any) -> dict[str, Any]:
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            build_context.main()
        return json.loads(capsys.readouterr().out)

    return call


def pack(archive: Path, source: Path) -> dict[str, str]:
    """Pack a folder as the action plugin does; return its manifest."""
    with tarfile.open(archive, "w:gz") as tar:
        for name, path in nuclio_inputs.walk(source).items():
            with path.open("rb") as handle:
                tar.addfile(action._member(name, path.stat().st_size, action._executable(path)), handle)
    return nuclio_inputs.manifest(source)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "pkg").mkdir(parents=True)
    (folder / "main.py").write_text("one")
    (folder / "pkg" / "run.sh").write_text("two")
    (folder / "pkg" / "run.sh").chmod(0o755)
    return folder


def test_asks_for_the_archive_only_when_something_differs(run, tmp_path: Path, source: Path) -> None:
    target, archive = tmp_path / "target", tmp_path / "a.tar.gz"
    manifest = pack(archive, source)
    first = run(path=str(target), manifest=manifest)
    assert (first["changed"], first["needs_archive"]) == (True, True)
    assert not target.exists()
    run(path=str(target), manifest=manifest, archive=str(archive))
    assert nuclio_inputs.manifest(target) == manifest
    again = run(path=str(target), manifest=manifest)
    assert (again["changed"], again["files"]) == (False, manifest)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".target")] == []


def test_what_left_the_list_leaves_the_folder(run, tmp_path: Path, source: Path) -> None:
    target, archive = tmp_path / "target", tmp_path / "a.tar.gz"
    target.mkdir()
    (target / "old.py").write_text("old")
    answer = run(path=str(target), manifest=pack(archive, source), archive=str(archive))
    assert answer["change"] == {"added": ["main.py", "pkg/run.sh"], "changed": [], "removed": ["old.py"]}
    assert not (target / "old.py").exists()


def test_check_mode_changes_nothing_and_tells_the_texts(run, tmp_path: Path, source: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "main.py").write_text("zero")
    answer = run(check=True, path=str(target), manifest=pack(tmp_path / "a.tar.gz", source))
    assert answer["before"] == {"main.py": "zero"}
    assert (target / "main.py").read_text() == "zero"


def test_files_of_the_host_are_linked_or_copied(run, tmp_path: Path, source: Path) -> None:
    target, weights = tmp_path / "target", tmp_path / "weights.pt"
    weights.write_text("heavy")
    sha256 = nuclio_inputs.file_digest(weights)
    parts = [
        {"src": str(source), "dest": "code"},
        {"src": str(weights), "dest": "w.pt", "link": True, "sha256": sha256},
    ]
    assert run(path=str(target), remote_parts=parts)["changed"]
    assert (target / "w.pt").stat().st_ino == weights.stat().st_ino
    assert (target / "code" / "main.py").read_text() == "one"
    assert not run(path=str(target), remote_parts=parts)["changed"]


def test_check_mode_on_a_bare_host_believes_the_sum(run, tmp_path: Path) -> None:
    part = {"src": str(tmp_path / "none.pt"), "dest": "w.pt", "link": True, "sha256": "1" * 64}
    assert run(check=True, path=str(tmp_path / "t"), remote_parts=[part])["files"] == {"w.pt": "1" * 64}
    assert run(path=str(tmp_path / "t"), remote_parts=[part])["failed"]


def test_a_spoilt_checkpoint_is_refused(run, tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    weights.write_text("spoilt")
    answer = run(path=str(tmp_path / "t"), remote_parts=[{"src": str(weights), "link": True, "sha256": "1" * 64}])
    assert answer["failed"]
    assert "Remove it and run again" in answer["msg"]


def test_an_archive_cannot_write_elsewhere(run, tmp_path: Path, source: Path) -> None:
    archive, outside = tmp_path / "a.tar.gz", tmp_path / "escaped.py"
    with tarfile.open(archive, "w:gz") as tar, (source / "main.py").open("rb") as handle:
        tar.addfile(action._member("../../escaped.py", 3, False), handle)
    run(path=str(tmp_path / "deep" / "target"), manifest={"x": "1"}, archive=str(archive))
    assert not outside.exists()


def test_a_diff_shows_texts_and_names_the_rest(tmp_path: Path) -> None:
    binary = tmp_path / "w.pt"
    binary.write_bytes(b"\xff\xfe\x00")
    change = {"added": ["w.pt"], "changed": ["function.yaml"], "removed": ["old.py"]}
    before = {"function.yaml": "a: 1\n", "old.py": "x = 1\n"}
    entries = {
        entry["before_header"]: entry
        for entry in action._diff(change, before, {"w.pt": binary}, {"function.yaml": "a: 2\n"})
    }
    assert entries["function.yaml"]["after"] == "a: 2\n"
    assert entries["old.py"]["before"] == "x = 1\n"
    assert entries["old.py"]["after"] == ""
    assert "not shown" in entries["w.pt"]["after"]
