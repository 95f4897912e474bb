"""Disks, memory, clock and backup: what is wrong with the host is said with figures, and with what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.annotation.server.plugins.module_utils import host_checks, host_disks, share_checks
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, CheckSkipped, CheckWarning
from docker_containers import container

GIB = 1024**3


def disks(monkeypatch: pytest.MonkeyPatch, **used: float) -> None:
    """Let each folder be a disk of its own, so full in percent."""

    def describe(path: str, root: Path) -> dict:
        name = path.strip("/")
        if name not in used:
            return {"error": "No such file"}
        return {"error": "", "mount": path, "used_percent": used[name], "free": 12 * GIB}

    monkeypatch.setattr(host_disks, "describe", describe)


PLACES = {"Docker": "/docker", "share": "/share", "elsewhere": "/none"}


def test_disks_with_room(monkeypatch: pytest.MonkeyPatch) -> None:
    disks(monkeypatch, docker=40.2, share=84.9)
    text = host_checks.disk_space(PLACES, 90)
    assert "/docker is 40 % full, 12 GiB free (Docker)" in text and "CVAT's limit is 90 %" in text


def test_disks_close_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    disks(monkeypatch, docker=86, share=40)
    with pytest.raises(CheckWarning, match=r"/docker is 86 % full.*at 90 % CVAT refuses") as caught:
        host_checks.disk_space(PLACES, 90)
    assert "docker image prune" in caught.value.cure


def test_full_disks(monkeypatch: pytest.MonkeyPatch) -> None:
    disks(monkeypatch, docker=86, share=93)
    with pytest.raises(CheckFailed, match=r"^/share is 93 % full") as caught:
        host_checks.disk_space(PLACES, 90)
    assert not isinstance(caught.value, CheckWarning)


@pytest.mark.parametrize(("told", "limit"), [({}, 90), ({"CVAT_HEALTH_DISK_USAGE_MAX": "99"}, 99), ({"X": "1"}, 90)])
def test_limit_of_cvat(told: dict, limit: float) -> None:
    assert host_checks.disk_limit([container("cvat_db"), container("cvat_server", environment=told)]) == limit


def meminfo(tmp_path: Path, free: float, swap: float) -> Path:
    path = tmp_path / "meminfo"
    sizes = {"MemTotal": 16, "MemAvailable": free, "SwapTotal": swap}
    path.write_text("".join(f"{name}: {int(size * 1024 * 1024)} kB\n" for name, size in sizes.items()))
    return path


def test_memory(tmp_path: Path) -> None:
    assert "9.0 of 16.0 GiB" in host_checks.memory([container("x")], meminfo(tmp_path, 9, 2))


@pytest.mark.parametrize(
    ("free", "swap", "ended", "words", "cure"),
    [
        (0.3, 0, False, "only 0.3 of 16.0 GiB", "some swap"),
        (0.3, 4, False, "swap 4.0 GiB", "more memory."),
        (9, 4, True, "cvat_server ran out of memory", "smaller model"),
    ],
)
def test_memory_that_runs_out(tmp_path: Path, free: float, swap: float, ended: bool, words: str, cure: str) -> None:
    with pytest.raises(CheckWarning, match=words) as caught:
        host_checks.memory([container("cvat_server", out_of_memory=ended)], meminfo(tmp_path, free, swap))
    assert cure in caught.value.cure


def test_clock() -> None:
    assert "kept right" in host_checks.clock(True, 1.2)
    assert host_checks.clock(None, 0.0) == "0 s from the control node's"
    with pytest.raises(CheckWarning, match="nothing keeps the clock right"):
        host_checks.clock(False, 2)
    with pytest.raises(CheckFailed, match="1200 s behind") as caught:
        host_checks.clock(True, -1200)
    assert "timedatectl" in caught.value.cure


MADE = "2026-11-20T03:30:00Z"
THEN = 1795145400.0


@pytest.mark.parametrize(("hours", "is_old"), [(10, False), (40, True)])
def test_age_of_the_backup(tmp_path: Path, hours: float, is_old: bool) -> None:
    report = tmp_path / "backup.json"
    report.write_text(json.dumps({"made": MADE}))
    arguments = (lambda command: (0, "enabled", ""), report, 36.0, THEN + hours * 3600)
    if is_old:
        with pytest.raises(CheckWarning, match=r"40 hours old.*36 are expected") as caught:
            host_checks.backup_age(*arguments)
        assert "journalctl" in caught.value.cure
    else:
        assert "10 hours old" in host_checks.backup_age(*arguments)


@pytest.mark.parametrize("content", [None, "", "{}", "[]"])
def test_backup_that_never_ended(tmp_path: Path, content: str | None) -> None:
    report = tmp_path / "backup.json"
    if content is not None:
        report.write_text(content)
    with pytest.raises(CheckWarning, match="never ended well"):
        host_checks.backup_age(lambda command: (0, "enabled", ""), report, 36)


def test_no_backup_is_set_up(tmp_path: Path) -> None:
    with pytest.raises(CheckSkipped, match=r"backup.yml"):
        host_checks.backup_age(lambda command: (1, "", "not found"), tmp_path / "backup.json", 36)


def mount(source: str = "/mnt/share", writing: bool = False) -> list[dict]:
    return [{"Destination": share_checks.SHARE_TARGET, "Source": source, "RW": writing}, {"Destination": "/data"}]


def with_share(**changes: list[dict]) -> list:
    mounts = {name: mount() for name in share_checks.SHARE_SERVICES} | changes
    return [container(name, mounts=found) for name, found in mounts.items()]


def test_share_is_where_it_is_needed() -> None:
    assert "read-only" in share_checks.mounted_where_needed(with_share(cvat_db=[]), "/mnt/share")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cvat_worker_chunks": []}, "cvat_worker_chunks do not have the share"),
        ({"cvat_server": mount("/srv/other")}, "cvat_server have /srv/other as the share"),
        ({"cvat_worker_import": mount(writing=True)}, "cvat_worker_import may write"),
        ({"cvat_db": mount()}, "cvat_db have the share and do not need it"),
    ],
)
def test_share_is_elsewhere(changes: dict, words: str) -> None:
    with pytest.raises(CheckFailed, match=words) as caught:
        share_checks.mounted_where_needed(with_share(**changes), "/mnt/share")
    assert "--tags cvat" in caught.value.cure
