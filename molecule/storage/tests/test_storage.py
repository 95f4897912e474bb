"""The folders as their users find them: people through the group, CVAT as user 1000, the object storage as its own."""

from __future__ import annotations


def can(host, user: str, command: str) -> bool:
    return host.run(f"setpriv --reuid {user} --regid 65534 --clear-groups sh -c '{command}'").rc == 0


def test_share_is_mounted_now_and_at_boot(host) -> None:
    assert host.mount_point("/mnt/share").filesystem == "tmpfs"
    assert "/mnt/share" in host.file("/etc/fstab").content_string


def test_docker_will_wait_for_the_share(host) -> None:
    dropin = host.file("/etc/systemd/system/docker.service.d/annotation-server-storage.conf")
    assert "RequiresMountsFor=/mnt/share" in dropin.content_string


def test_people_of_the_group_fill_the_share(host) -> None:
    share = host.file("/mnt/share")
    assert (share.user, share.group, share.mode) == ("root", "annotation", 0o2775)
    assert "annotation" in host.user("games").groups
    result = host.run("setpriv --reuid games --regid games --init-groups touch /mnt/share/from-games")
    assert result.rc == 0, result.stderr
    assert host.file("/mnt/share/from-games").group == "annotation"


def test_cvat_reads_the_share_and_cannot_write(host) -> None:
    assert can(host, "1000", "ls /mnt/share")
    assert not can(host, "1000", "touch /mnt/share/from-cvat")


def test_object_storage_writes_where_others_cannot_look(host) -> None:
    folder = host.file("/mnt/minio-data")
    assert (folder.uid, folder.gid, folder.mode) == (1000, 1000, 0o750)
    assert can(host, "1000", "touch /mnt/minio-data/x && rm /mnt/minio-data/x")
    assert not can(host, "1001", "ls /mnt/minio-data")


def test_the_group_is_no_container_s_group(host) -> None:
    assert host.group("annotation").gid < 1000


def test_refused_folders_are_as_they_were(host) -> None:
    assert host.file("/srv/others/precious").user == "root"
    assert host.file("/srv/others/precious").mode == 0o600
    assert not host.file("/etc/share").exists
    assert host.file("/srv/file").is_file


def test_what_was_in_the_share_stays_and_what_was_to_be_handed_over_was(host) -> None:
    assert host.file("/mnt/share/picture.png").user == "games"
    assert host.file("/srv/handed/bucket/picture.png").uid == 1000
