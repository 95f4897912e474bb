"""Making things once per content: same content, same bytes and same hash."""

import io
import os
import tarfile

import pytest

from demo import hosts, images, mirror, snapshot
from demo.shell import Failed


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run").write_text("#!/bin/sh\n")
    (tmp_path / "a" / "run").chmod(0o755)
    (tmp_path / "b.txt").write_text("b")
    return tmp_path


def test_archive_is_the_same_whenever_and_by_whomever_it_is_packed(folder):
    first = mirror.pack(folder, "cvat-2.80.0")
    os.utime(folder / "b.txt", (0, 0))
    (folder / "b.txt").chmod(0o600)
    assert mirror.pack(folder, "cvat-2.80.0") == first
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        members = {member.name: member.mode for member in tar}
    assert members == {"cvat-2.80.0/a/run": 0o755, "cvat-2.80.0/b.txt": 0o644}


def test_another_release_is_the_same_tree_with_other_words(folder):
    with tarfile.open(fileobj=io.BytesIO(mirror.pack(folder, "cvat-2.81.0", {"bin/sh": "bin/bash"}))) as tar:
        read = {name: (tar.extractfile(name) or io.BytesIO()).read() for name in tar.getnames()}
    assert read == {"cvat-2.81.0/a/run": b"#!/bin/bash\n", "cvat-2.81.0/b.txt": b"b"}


def test_folder_digest_sees_content_names_and_modes_but_no_caches(folder):
    digests = [images.folder_digest(folder)]
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert images.folder_digest(folder) == digests[0]
    (folder / "b.txt").write_text("c")
    digests.append(images.folder_digest(folder))
    (folder / "b.txt").rename(folder / "c.txt")
    digests.append(images.folder_digest(folder))
    (folder / "a" / "run").chmod(0o644)
    digests.append(images.folder_digest(folder))
    assert len(set(digests)) == 4


def test_digest_keeps_parts_apart():
    assert images.digest("ab", "c") != images.digest("a", "bc")


@pytest.mark.parametrize("name", ["host:14", "ubuntu:13", "debian:11"])
def test_unknown_base_images_are_named(name):
    with pytest.raises(Failed, match=f"no image {name}: kinds are"):
        images.ensure(name)


def test_a_taken_port_is_not_chosen():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert hosts.free_port(port) != port or port > 64535


@pytest.fixture
def site(monkeypatch):
    """A finished site from the files `old`, and what is called to make one; `made()` tells."""
    calls = []
    monkeypatch.setattr(snapshot, "inspect", lambda kind, name: {"Name": name})
    monkeypatch.setattr(snapshot.images, "made_from", lambda name: "old")
    for module, name in ((snapshot.hosts, "remove"), (snapshot.hosts, "create"), (snapshot, "_run_site")):
        monkeypatch.setattr(module, name, lambda *told, __name=name, **more: calls.append(__name))
    monkeypatch.setattr(snapshot, "docker", lambda *told: calls.append(told[0]))
    monkeypatch.delenv("ANNOTATION_DEMO_ANY_SITE", raising=False)
    return calls


def test_a_finished_site_is_made_anew_when_its_files_changed(site, monkeypatch):
    monkeypatch.setattr(snapshot, "_inputs", lambda: "new")
    snapshot._ensure()
    assert site == ["remove", "create", "_run_site", "stop", "commit"]


def test_a_finished_site_from_the_same_files_is_kept(site, monkeypatch):
    monkeypatch.setattr(snapshot, "_inputs", lambda: "old")
    snapshot._ensure()
    assert site == []


def test_an_old_finished_site_is_taken_if_one_says_so(site, monkeypatch):
    monkeypatch.setattr(snapshot, "_inputs", lambda: "new")
    monkeypatch.setenv("ANNOTATION_DEMO_ANY_SITE", "1")
    snapshot._ensure()
    assert site == []
