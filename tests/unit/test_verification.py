"""The run as a whole: it goes on after a failure, skips what cannot be, and always cleans up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import known_picture, nuclio_checks, verification
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, Checklist, CheckWarning
from ansible_collections.annotation.server.plugins.module_utils.cvat_api import CvatError
from ansible_collections.annotation.server.plugins.module_utils.server_tools import Server

PARAMS: dict[str, Any] = {
    "thorough": False,
    "host": "cvat.lan",
    "extra_hosts": [],
    "address": "",
    "port": 1,  # nobody answers there
    "url": "",
    "ca_path": None,
    "user": "admin",
    "bucket": "",
    "extra_buckets": [],
    "public_read": False,
    "object_storage_url": "http://minio:9000",
    "object_storage_endpoint": "http://127.0.0.1:1",
    "object_storage_dir": "/mnt/minio-data",
    "gpu_summary": "/nonexistent",
    "functions": ["sam2"],
    "interactor": "sam2",
    "open_ports": [8080],
    "ip_range": "172.20.0.128/25",
    "functions_guard": True,
    "nuctl": "",
    "backup_report": "/nonexistent",
    "backup_hours": 36.0,
    "control_time": 0.0,
    "picture": "",
    "minimum_iou": 0.0,
}


def broken(command: list[str], **_: Any) -> tuple[int, str, str]:
    """A server on which no command works."""
    return 127, "", f"{command[0]}: not found"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> verification.Verification:
    """A run on a server where nothing works."""
    (tmp_path / "cvat_superuser_password").write_text("secret\n")
    star = known_picture.draw(64, 48)
    monkeypatch.setattr(known_picture, "draw", lambda **_: star)
    monkeypatch.setattr(nuclio_checks, "records", lambda docker: {})
    params = {**PARAMS, "secrets_dir": str(tmp_path), "share_dir": str(tmp_path)}
    return verification.Verification(Server(broken, params, lambda value: None), params)


def states(run: verification.Verification) -> dict[str, str]:
    return {check.name: check.state for check in run.result.checks}


@pytest.mark.parametrize("thorough", [False, True])
def test_a_server_where_nothing_works(run: verification.Verification, thorough: bool) -> None:
    run.is_thorough = thorough
    run.run()
    found = states(run)
    assert found["docker"] == found["health"] == found["share"] == found["names"] == "failed"
    assert found["sign_in"] == found["functions"] == found["task"] == "skipped"
    assert found.get("walk") == ("skipped" if thorough else None)
    assert all(check.cure for check in run.result.checks if check.state in ("failed", "warning"))
    assert not [check for check in run.result.checks if check.detail.startswith("unexpected")]
    answer = run.answer(0.0)
    assert answer["state"] == "failed" and answer["summary"]["failed"] >= 4
    assert answer["figures"] == answer["pictures"] == answer["exports"] == []


def test_every_name_is_used_once(run: verification.Verification) -> None:
    run.run()
    names = [check.name for check in run.result.checks]
    assert len(names) == len(set(names))
    assert all(check.group for check in run.result.checks)


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (KeyError("frames"), "unexpected: KeyError: 'frames'"),
        (CvatError("CVAT answered 500 to GET /x"), "CVAT answered 500"),
        (OSError(5, "Input/output error"), "unexpected: OSError"),
    ],
)
def test_whatever_goes_wrong_is_a_failed_check(run: verification.Verification, problem: Exception, words: str) -> None:
    def check() -> str:
        raise problem

    assert not run.result.run("x", "X", check)
    assert words in run.result.checks[0].detail and run.result.checks[0].cure


def test_a_run_that_is_ended_cleans_up(run: verification.Verification, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(healthy: bool) -> bool:
        raise SystemExit("ended")

    monkeypatch.setattr(run.survey, "look_at_storage", end)
    with pytest.raises(SystemExit):
        run.run()
    assert "clean_up" in states(run)


def test_pictures_in_the_share_are_removed_also_when_cvat_is_away(
    run: verification.Verification, tmp_path: Path
) -> None:
    run.server.put("share", [b"one"])
    (tmp_path / "annotation-server-verify-2.png").write_bytes(b"of a run that was killed")
    (tmp_path / "mine.png").write_bytes(b"mine")
    assert not run.result.run("clean_up", "x", run.clean_up)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["mine.png"]


def test_summary_and_worst_state() -> None:
    def warn() -> str:
        raise CheckWarning("soon", "look at it")

    def fail() -> str:
        raise CheckFailed("now", "mend it")

    result = Checklist()
    assert result.state == "ok"
    assert result.run("a", "A", warn) and result.state == "warning"
    assert not result.run("b", "B", fail) and result.state == "failed"
    result.skip("c", "C", "b failed")
    assert result.summary() == {"ok": 0, "warning": 1, "failed": 1, "skipped": 1}
