"""Both servers hold what the first one held, and go on: after a loss, and after a move."""

from __future__ import annotations

import json

RESTIC = (
    "restic --repo /var/backups/annotation-server --password-file /etc/annotation-server/secrets/backup_password"
    " --cache-dir /tmp/restic --no-lock"
)


def test_everything_is_there_byte_for_byte(host) -> None:
    assert host.check_output("/root/state") == host.check_output("cat /root/state-before")


def test_there_was_something_to_lose(host) -> None:
    lines = host.check_output("cat /root/state-before").splitlines()
    assert sum(line.startswith("object folder/") for line in lines) == 3
    assert any(line.startswith("table engine_task") and line.endswith("3 rows") for line in lines)
    assert any(line.startswith("file cvat_cvat_data/kept/chunk") for line in lines)


def test_nothing_is_frozen_or_left_over(host) -> None:
    assert host.check_output("docker ps --quiet --filter status=paused") == ""
    for folder in ("/mnt/minio-data", "/etc/annotation-server/secrets", "/var/lib/docker/volumes/cvat_cvat_data/_data"):
        assert not host.file(f"{folder}/.restore-new").exists and not host.file(f"{folder}/.restore-old").exists
    databases = host.check_output("docker exec cvat_db psql -U root -d postgres -Atc 'SELECT datname FROM pg_database'")
    assert set(databases.split()) == {"cvat", "postgres", "template0", "template1"}


def test_only_root_reads_secrets(host) -> None:
    for path in ("/etc/annotation-server/backup.json", "/etc/annotation-server/secrets/backup_password"):
        assert host.file(path).mode == 0o600
    assert host.file("/etc/annotation-server/secrets").mode == 0o700


def test_the_next_backup_comes_by_itself(host) -> None:
    timer = host.service("annotation-server-backup.timer")
    assert timer.is_enabled and timer.is_running
    assert "annotation-server-backup.service" in host.check_output("systemctl list-timers --all")


def test_the_report_says_how_long_the_server_stood_still(host) -> None:
    report = json.loads(host.file("/var/lib/annotation-server/backup.json").content_string)
    assert report["release"] == "v2.80.0" and 0 < report["frozen_seconds"] <= report["seconds"]


def test_a_backup_says_what_ran_and_holds_the_settings(host) -> None:
    told = json.loads(host.check_output("annotation-server-backup show latest"))
    assert told["images"]["cvat_server"].endswith("cvat/server:v2.80.0")
    inside = host.check_output(f"{RESTIC} ls latest --tag complete")
    noted = "/var/lib/annotation-server/backup/settings"
    for path in ("/opt/annotation-server/cvat/v2.80.0/.env", "/etc/docker/daemon.json"):
        assert f"{noted}{path}" in inside.splitlines()


def test_the_archive_can_be_read_by_restic_alone(host) -> None:
    assert len(json.loads(host.check_output(f"{RESTIC} snapshots --json --tag complete"))) >= 2
