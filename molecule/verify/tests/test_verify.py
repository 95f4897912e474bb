"""After the checks: a result for people and one for machines, and nothing left behind."""

import json
import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
KINDS = ("detector", "interactor", "tracker")


@pytest.fixture(scope="module")
def result(host):
    """The last run: the quick form, on a server that is as it should be."""
    return json.loads(host.file("/var/lib/annotation-server/verify.json").content_string)


@pytest.fixture(scope="module")
def thorough():
    """The run that went the whole way."""
    return json.loads((FOLDER / "thorough-report.json").read_text(encoding="utf-8"))


def test_everything_was_checked_in_under_a_minute(result):
    states = {check["name"]: check["state"] for check in result["checks"]}
    print(f"quick form: {len(states)} checks in {result['seconds']} s")
    assert result["form"] == "quick" and result["seconds"] < 60
    # People who type the host's address get 404, no backup is set up, and whatever the machine around the host is like.
    expected = {"own_address": "warning", "backup": "skipped"}
    may_warn = {"clock": "warning", "disk": "warning", "memory": "warning"}
    assert {name: state for name, state in states.items() if state != "ok"}.items() <= (expected | may_warn).items()
    wanted = {"restart", "disk", "names", "sign_in", "share_mounts", "bucket_key", "function_addresses", "prompt"}
    assert wanted <= set(states)


def test_the_result_is_one_that_programs_can_rely_on(host, result):
    assert (result["schema"], result["host"]) == (1, "annotation-verify")
    assert result["state"] in ("ok", "warning")
    assert sum(result["summary"].values()) == len(result["checks"])
    assert 0 <= float(host.check_output("date +%s")) - result["finished_epoch"] < 600
    keys = {"group", "name", "title", "state", "detail", "cure", "seconds"}
    assert all(set(check) == keys for check in result["checks"])
    names = [check["name"] for check in result["checks"]]
    assert len(names) == len(set(names))
    assert json.loads((FOLDER / "report.json").read_text(encoding="utf-8")) == result


def test_the_whole_way_was_gone_with_every_model(thorough):
    assert thorough["form"] == "thorough"
    checks = {check["name"]: check for check in thorough["checks"]}
    models = {name for name in checks if name.startswith(KINDS)}
    assert models == {
        "interactor:sam2",
        "detector:sam2-auto",
        "tracker:sam2-tracker",
        "detector:openvino-omz-public-yolo-v3-tf",
        "interactor:openvino-dextr",
        "interactor:pth-facebookresearch-sam-vit-h",
    }
    assert {"task_share", "task_bucket", "save"} < set(checks)
    assert not [check for check in thorough["checks"] if check["state"] == "failed"]


def test_every_export_held_what_was_drawn(thorough):
    found = {item["format"]: item for item in thorough["exports"]}
    assert set(found) == {"COCO 1.0", "YOLO 1.1", "PASCAL VOC 1.1", "CVAT for images 1.1"}
    # Two of the tracker and one of YOLO in each picture, or none in the second.
    assert all(item["state"] == "ok" and item["images"] == 2 and item["boxes"] >= 3 for item in found.values())
    assert found["COCO 1.0"]["masks"] == found["CVAT for images 1.1"]["masks"] >= 2
    assert found["YOLO 1.1"]["masks"] == 0 < found["PASCAL VOC 1.1"]["masks"]


def test_the_report_shows_the_answers_and_needs_nothing_else():
    page = (FOLDER / "thorough-report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count("<figure>") == 7
    assert "172.20.0.30" in page
    assert "<script" not in page and "javascript:" not in page
    assert ' src="http' not in page and ' href="http' not in page.replace('<a href="http', "")
    assert len(page) < 4_000_000


def test_nothing_is_left_in_share_bucket_and_cvat(host):
    assert not [name for name in host.file("/mnt/share").listdir() if "verify" in name]
    tasks = 'docker exec cvat_db psql -U root -d cvat -tAc "select count(*) from engine_task"'
    assert host.check_output(tasks) == "0"
    assert host.check_output("docker exec cvat_server find /home/django/data/cache/export -type f") == ""
    root = "/etc/annotation-server/secrets/object_storage_root_"
    program = (
        f"import boto3; key, secret = (open('{root}' + part).read().strip() for part in ('user', 'password')); "
        "s3 = boto3.client('s3', endpoint_url='http://127.0.0.1:9000', aws_access_key_id=key, "
        "aws_secret_access_key=secret, region_name='us-east-1'); "
        "print([item['Key'] for item in s3.list_objects_v2(Bucket='cvat-storage').get('Contents', [])])"
    )
    assert host.check_output("python3 -c %s", program) == "[]"


def test_no_secret_in_the_result(host, result, thorough):
    folder = "/etc/annotation-server/secrets"
    page = (FOLDER / "thorough-report.html").read_text(encoding="utf-8")
    for name in host.file(folder).listdir():
        secret = host.file(f"{folder}/{name}").content_string.strip()
        # The users' names are no secrets.
        if len(secret) > 10:
            assert secret not in json.dumps(result) + json.dumps(thorough) + page
