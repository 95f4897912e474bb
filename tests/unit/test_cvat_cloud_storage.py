"""The module cvat_cloud_storage, run as Ansible runs it, against a small CVAT in this process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.annotation.server.plugins.modules import cvat_cloud_storage
from cvat_server import HOST, FakeCvat

SECRET = "cvat-secret-key"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def cvat() -> Iterator[FakeCvat]:
    server = FakeCvat()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(cvat: FakeCvat, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(sys, "argv", ["cvat_cloud_storage"])
    monkeypatch.setattr(basic.AnsibleModule, "_log_invocation", lambda self: None)
    warnings: list[str] = []  # where they end up otherwise depends on what of Ansible this process has loaded
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda self, text: warnings.append(text))
    for name, value in (("key", "CVATKEY"), ("secret", SECRET), ("password", "secret")):
        (tmp_path / name).write_text(value)

    def call(check: bool = False, **changes: Any) -> dict[str, Any]:
        arguments = {
            "display_name": "Pictures",
            "bucket": "pictures",
            "url": cvat.url,
            "host": HOST,
            "password_file": str(tmp_path / "password"),
            "access_key_file": str(tmp_path / "key"),
            "secret_key_file": str(tmp_path / "secret"),
            "state_file": str(tmp_path / "state" / "storages.json"),
            "patience": 0,
        } | changes
        with (
            patch_module_args({**arguments, "_ansible_check_mode": check, "_ansible_diff": True}),
            pytest.raises(SystemExit),
        ):
            cvat_cloud_storage.main()
        out = capsys.readouterr().out
        assert SECRET not in out
        return json.loads(out) | {"warnings": warnings}

    return call


def changing(cvat: FakeCvat) -> list[str]:
    return [method for method, path in cvat.seen if method != "GET" and path != "/api/auth/login"]


def test_registered_once_and_unchanged_ever_after(run: Run, cvat: FakeCvat) -> None:
    first = run()
    assert (first["changed"], first["status"], first["diff"]["before"]) == (True, "AVAILABLE", {})
    second = run()
    assert (second["changed"], second["id"], second["status"]) == (False, first["id"], "AVAILABLE")
    assert changing(cvat) == ["POST"]
    assert cvat.bodies[0]["specific_attributes"] == "region=us-east-1&endpoint_url=http://minio:9000"
    assert (cvat.bodies[0]["key"], cvat.bodies[0]["secret_key"]) == ("CVATKEY", SECRET)


def test_changed_fields_are_brought_up_to_date(run: Run, cvat: FakeCvat) -> None:
    run()
    result = run(description="Of the streets", prefix="streets/")
    assert result["changed"]
    assert result["diff"]["before"]["description"] == ""
    assert result["diff"]["after"]["specific_attributes"]["prefix"] == "streets/"
    assert cvat.storages[0]["description"] == "Of the streets"
    assert not run(description="Of the streets", prefix="streets/")["changed"]


def test_order_of_attributes_does_not_matter(run: Run, cvat: FakeCvat) -> None:
    run()
    cvat.storages[0]["specific_attributes"] = "endpoint_url=http://minio:9000&region=us-east-1"
    assert not run()["changed"]


def test_manifests_survive_an_update(run: Run, cvat: FakeCvat) -> None:
    run()
    cvat.storages[0]["manifests"] = ["streets/manifest.jsonl"]
    assert run(description="new")["changed"]
    assert cvat.storages[0]["manifests"] == ["streets/manifest.jsonl"]


def test_another_key_is_handed_over_although_the_old_one_works(run: Run, cvat: FakeCvat, tmp_path: Path) -> None:
    run()
    cvat.working_keys.add(("NEWKEY", SECRET))
    (tmp_path / "key").write_text("NEWKEY")
    result = run()
    assert (result["changed"], cvat.keys[result["id"]]) == (True, ("NEWKEY", SECRET))
    assert result["diff"]["before"]["key"] == "another one"
    assert not run()["changed"]


def test_key_is_handed_over_again_when_cvat_lost_it(run: Run, cvat: FakeCvat) -> None:
    identifier = run()["id"]
    cvat.keys[identifier] = ("CVATKEY", "changed by somebody")
    result = run()
    assert (result["changed"], result["diff"]["before"]["status"]) == (True, "FORBIDDEN")
    assert cvat.keys[identifier] == ("CVATKEY", SECRET)


def test_what_was_registered_by_hand_is_adopted(run: Run, cvat: FakeCvat) -> None:
    cvat.add()
    assert run()["changed"]  # which key it has is unknown
    assert not run()["changed"]
    assert len(cvat.storages) == 1


def test_without_state_file_the_status_must_do(run: Run, cvat: FakeCvat) -> None:
    cvat.add()
    assert not run(state_file=None)["changed"]


def test_of_several_the_one_of_the_same_bucket_is_taken(run: Run, cvat: FakeCvat) -> None:
    cvat.buckets.add("old")
    cvat.add(resource="old")
    ours = cvat.add()
    cvat.add()
    cvat.add(organization=5)
    result = run()
    assert result["id"] == ours["id"]
    assert "has 3 cloud storages of the name 'Pictures'" in result["warnings"][0]


def test_state_file_is_roots_and_holds_no_key(run: Run, tmp_path: Path) -> None:
    run()
    file = tmp_path / "state" / "storages.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "CVATKEY" not in file.read_text() and SECRET not in file.read_text()


def test_removed_once(run: Run, cvat: FakeCvat, tmp_path: Path) -> None:
    run()
    assert run(check=True, state="absent")["changed"]
    assert run(state="absent")["changed"]
    assert cvat.storages == []
    assert json.loads((tmp_path / "state" / "storages.json").read_text()) == {}
    assert not run(state="absent")["changed"]


def test_check_mode_changes_nothing(run: Run, cvat: FakeCvat) -> None:
    assert run(check=True)["changed"]
    assert changing(cvat) == []
    run()
    assert run(check=True, description="new")["changed"]
    assert not run(check=True)["changed"]
    assert changing(cvat) == ["POST"]


def test_check_mode_on_a_host_where_nothing_is_yet(run: Run, cvat: FakeCvat, tmp_path: Path) -> None:
    assert "Would register" in run(check=True, url="http://127.0.0.1:9")["msg"]
    (tmp_path / "secret").unlink()
    (tmp_path / "password").unlink()
    result = run(check=True)
    assert result["changed"] and cvat.seen == []


def test_missing_secret_names_the_stage(run: Run, tmp_path: Path) -> None:
    (tmp_path / "secret").unlink()
    assert "stages cvat and object_storage" in run()["msg"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bucket": "missing"}, "SMOKESCREEN_OPTS"),
        ({"user": "x", "password_file": "key"}, "CVAT refuses the user 'x'"),
        ({"secret_key_file": "password"}, "run the stage object_storage"),
        ({"display_name": "x" * 64}, "1 to 63 characters"),
        ({"bucket": ""}, "bucket is needed"),
        ({"host": "other.lan"}, "404"),
        ({"url": "http://127.0.0.1:9"}, "CVAT does not answer at http://127.0.0.1:9"),
    ],
)
def test_refusals_say_what_to_do(run: Run, cvat: FakeCvat, tmp_path: Path, changes: dict, words: str) -> None:
    files = {name: str(tmp_path / value) for name, value in changes.items() if name.endswith("_file")}
    result = run(**changes | files)
    assert result["failed"] and words in result["msg"]
    assert cvat.storages == []


def test_too_long_keys_are_refused_before_cvat_is_asked(run: Run, cvat: FakeCvat, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("K" * 41)
    assert "up to 40" in run()["msg"]
    assert cvat.seen == []


def test_bucket_out_of_reach_after_an_update_fails(run: Run, cvat: FakeCvat) -> None:
    run()
    cvat.buckets.clear()
    result = run()
    assert result["failed"] and "not found" in result["msg"] and "SMOKESCREEN_OPTS" in result["msg"]
