"""After a way back and a run that was killed, the server is on the next release with everything that it held before."""

from __future__ import annotations

import json


def test_everything_is_there_byte_for_byte(host) -> None:
    assert host.check_output("/root/state") == host.check_output("cat /root/state-before")


def test_there_was_something_to_lose(host) -> None:
    lines = host.check_output("cat /root/state-before").splitlines()
    assert sum(line.startswith("object folder/") for line in lines) == 3
    for table in ("engine_task", "engine_annotation"):
        assert any(line.startswith(f"table {table} ") and line.endswith("3 rows") for line in lines)


def test_the_next_release_runs(host) -> None:
    about = json.loads(host.check_output("curl -fsS http://localhost:8080/api/server/about"))
    assert about["version"] == "2.81.0"
    images = host.check_output("docker ps --format '{{.Image}}'")
    assert "v2.80.0" not in images and "dashboard:1.16.4-amd64" in images
    assert "Label: 1.16.4" in host.check_output("/opt/annotation-server/bin/nuctl version")


def test_services_came_and_went_with_the_release(host) -> None:
    names = host.check_output("docker ps --all --format '{{.Names}}'").split()
    assert "cvat_worker_merges" in names and "cvat_worker_consensus" not in names


def test_the_database_is_the_new_releases(host) -> None:
    columns = host.check_output(
        "docker exec cvat_db psql -U root -d cvat -Atc"
        " \"SELECT column_name FROM information_schema.columns WHERE table_name = 'engine_task'\""
    ).split()
    assert "issue_tracker" in columns and "bug_tracker" not in columns


def test_the_backup_before_it_is_kept(host) -> None:
    record = json.loads(host.file("/var/lib/annotation-server/upgrade.json").content_string)
    assert (record["from"], record["to"], record["phase"]) == ("v2.80.0", "v2.81.0", "done")
    backups = json.loads(host.check_output("annotation-server-backup list"))
    assert [each["id"] for each in backups if each["kept"]] == [record["snapshot"]]
    assert len(backups) >= 2  # that of the upgrade that failed is an ordinary one now


def test_the_next_backup_is_the_new_releases(host) -> None:
    assert host.service("annotation-server-backup.timer").is_running
    host.check_output("systemctl start annotation-server-backup")
    report = json.loads(host.file("/var/lib/annotation-server/backup.json").content_string)
    assert report["release"] == "v2.81.0"


def test_nothing_is_left_over(host) -> None:
    assert not host.file("/opt/annotation-server/upgrade").exists
    for folder in ("/mnt/minio-data", "/etc/annotation-server/secrets", "/var/lib/docker/volumes/cvat_cvat_data/_data"):
        assert not host.file(f"{folder}/.restore-new").exists and not host.file(f"{folder}/.restore-old").exists
