"""Preflight looks and leaves nothing behind."""

from __future__ import annotations


def test_nothing_was_installed(host) -> None:
    assert not host.package("docker.io").is_installed
    assert not host.exists("docker")


def test_no_folder_was_made(host) -> None:
    for path in ("/mnt/share", "/mnt/minio-data", "/opt/annotation-server", "/etc/annotation-server"):
        assert not host.file(path).exists


def test_the_side_effects_are_gone(host) -> None:
    assert not host.socket("tcp://0.0.0.0:8080").is_listening
    assert "20.04" not in host.file("/etc/os-release").content_string
