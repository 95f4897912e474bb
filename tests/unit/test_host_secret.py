"""The module host_secret, run as Ansible runs it: arguments in, JSON out, a real file between."""

from __future__ import annotations

import json
import re
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.annotation.server.plugins.module_utils import secret_file
from ansible_collections.annotation.server.plugins.modules import host_secret


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "argv", ["host_secret"])
    monkeypatch.setattr(basic.AnsibleModule, "_log_invocation", lambda self: None)

    def call(check: bool = False, **arguments: Any) -> dict[str, Any]:
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            host_secret.main()
        return json.loads(capsys.readouterr().out)

    return call


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_made_once_and_read_ever_after(run, tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "password"
    first = run(path=str(path))
    assert (first["changed"], first["created"], first["replaced"]) == (True, True, False)
    assert re.fullmatch("[A-Za-z][A-Za-z0-9]{31}", first["value"])
    assert path.read_text() == first["value"]
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    second = run(path=str(path))
    assert (second["changed"], second["created"], second["value"]) == (False, False, first["value"])
    assert [entry.name for entry in path.parent.iterdir()] == ["password"]


def test_folders_above_the_parent_stay_open(run, tmp_path: Path) -> None:
    run(path=str(tmp_path / "etc" / "secrets" / "password"))
    assert mode(tmp_path / "etc") & 0o055
    assert mode(tmp_path / "etc" / "secrets") == 0o700


@pytest.mark.parametrize(
    ("charset", "pattern"),
    [("alnum", "[A-Za-z][A-Za-z0-9]{19}"), ("upper", "[A-Z][A-Z0-9]{19}"), ("hex", "[0-9a-f]{20}")],
)
def test_length_and_characters(run, tmp_path: Path, charset: str, pattern: str) -> None:
    assert re.fullmatch(pattern, run(path=str(tmp_path / "s"), charset=charset, length=20)["value"])


def test_given_value_is_kept_returned_and_not_in_the_arguments(run, tmp_path: Path) -> None:
    path = tmp_path / "s"
    result = run(path=str(path), value="from the vault/+=")
    assert (result["value"], path.read_text()) == ("from the vault/+=", "from the vault/+=")
    assert "vault" not in json.dumps(result["invocation"])
    assert not run(path=str(path), value="from the vault/+=")["changed"]


def test_given_value_replaces_another(run, tmp_path: Path) -> None:
    path = tmp_path / "s"
    run(path=str(path))
    result = run(path=str(path), value="another-secret")
    assert (result["changed"], result["created"], result["replaced"]) == (True, False, True)


def test_empty_value_is_not_given(run, tmp_path: Path) -> None:
    assert len(run(path=str(tmp_path / "s"), value="")["value"]) == 32


def test_regenerate(run, tmp_path: Path) -> None:
    path = tmp_path / "s"
    first = run(path=str(path))["value"]
    result = run(path=str(path), regenerate=True)
    assert result["changed"] and result["replaced"] and result["value"] not in ("", first)


def test_check_mode_makes_nothing(run, tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "s"
    result = run(check=True, path=str(path))
    assert (result["changed"], result["created"], result["value"]) == (True, True, secret_file.PLACEHOLDER)
    assert not path.parent.exists()


def test_check_mode_reads_what_is_there(run, tmp_path: Path) -> None:
    path = tmp_path / "s"
    secret = run(path=str(path))["value"]
    result = run(check=True, path=str(path))
    assert (result["changed"], result["value"]) == (False, secret)
    assert run(check=True, path=str(path), regenerate=True)["changed"]
    assert path.read_text() == secret


def test_open_mode_is_tightened(run, tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("an-old-secret")
    path.chmod(0o644)
    assert run(check=True, path=str(path))["changed"]
    assert mode(path) == 0o644
    result = run(path=str(path))
    assert (result["changed"], result["value"], mode(path)) == (True, "an-old-secret", 0o600)


def test_line_break_of_an_editor_is_taken_away(run, tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("typed-by-hand\n")
    path.chmod(0o600)
    result = run(path=str(path))
    assert (result["changed"], result["replaced"], result["value"]) == (True, False, "typed-by-hand")
    assert path.read_text() == "typed-by-hand"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"\n", "is empty"), (b"one\ntwo\n", "more than one line"), (b"\xff\xfe", "text")],
)
def test_unusable_file_is_named_and_left(run, tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "s"
    path.write_bytes(content)
    result = run(path=str(path))
    assert result["failed"] and message in result["msg"] and str(path) in result["msg"]
    assert path.read_bytes() == content
    assert run(path=str(path), value="given-instead")["changed"]


def test_folder_or_link_in_its_place_is_refused(run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("folder", "link"):
        assert "not a regular file" in run(path=str(tmp_path / name), value="some-secret")["msg"]


@pytest.mark.parametrize("value", ["two\nlines", "end\n", " around ", "tab\t"])
def test_given_value_of_several_lines_is_refused(run, tmp_path: Path, value: str) -> None:
    result = run(path=str(tmp_path / "s"), value=value)
    assert result["failed"] and "one line" in result["msg"].lower()
    assert value.strip() not in json.dumps(result["invocation"])


@pytest.mark.parametrize("length", [0, 7, 1025])
def test_length_out_of_bounds(run, tmp_path: Path, length: int) -> None:
    assert "choose 8 to 1024" in run(path=str(tmp_path / "s"), length=length)["msg"]
