"""Which folders may be handed to containers, and the sentence for every one that may not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import storage_checks


def disk(path: str, **other: Any) -> dict[str, Any]:
    usual = {"path": path, "error": "", "real": path, "nearest": path, "is_dir": True, "read_only": False, "mount": "/"}
    return {**usual, **other}


@pytest.mark.parametrize(
    ("path", "other", "message"),
    [
        ("/mnt/share", {}, ""),
        ("/mnt/share/", {}, ""),
        ("/srv/annotation/share", {}, ""),
        ("/home/lab/share", {}, ""),
        ("/var/lib/annotation-server/share", {}, ""),
        ("/", {}, "belongs to the system"),
        ("//", {}, "belongs to the system"),
        ("/mnt", {}, "belongs to the system"),
        ("/home", {}, "belongs to the system"),
        ("/var/lib/docker", {}, "belongs to the system"),
        ("/etc", {}, "belongs to the system"),
        ("/etc/share", {}, "belongs to the system"),
        ("/usr/share/cvat", {}, "belongs to the system"),
        ("/root/share", {}, "belongs to the system"),
        ("/proc/1", {}, "belongs to the system"),
        ("/mnt/share", {"real": "/etc/ssl"}, "(it leads to /etc/ssl) belongs to the system"),
        ("/mnt/share", {"real": "/data/share"}, ""),
        ("mnt/share", {}, "must be an absolute path"),
        ("/mnt/../etc", {}, "must be an absolute path without '..'"),
        ("", {}, "must be an absolute path"),
        ("/mnt/loop", {"error": "Too many levels of symbolic links"}, "Too many levels"),
        ("/mnt/file/x", {"is_dir": False, "nearest": "/mnt/file"}, "/mnt/file is not a folder"),
        ("/mnt/share", {"read_only": True, "mount": "/mnt/share"}, "mounted read-only"),
    ],
)
def test_folder(path: str, other: dict[str, Any], message: str) -> None:
    found = storage_checks.problems({"storage_share_dir": path}, [disk(path, **other)])
    assert bool(found) == bool(message)
    if message:
        assert message in found[0] and found[0].startswith("storage_share_dir:")


@pytest.mark.parametrize(
    ("share", "storage", "is_refused"),
    [
        ("/mnt/share", "/mnt/minio-data", False),
        ("/mnt/share", "/mnt/share", True),
        ("/mnt/share", "/mnt/share/minio", True),
        ("/mnt/data/share", "/mnt/data", True),
        ("/mnt/share", "/mnt/share2", False),
    ],
)
def test_one_in_the_other(share: str, storage: str, is_refused: bool) -> None:
    folders = {"storage_share_dir": share, "storage_object_storage_dir": storage}
    found = storage_checks.problems(folders, [disk(share), disk(storage)])
    assert bool(found) == is_refused
    assert not found or "must not lie in each other" in found[0]
