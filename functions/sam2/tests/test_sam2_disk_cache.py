"""Embeddings on disk: shared by workers, still there after a restart, never trusted blindly."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from function import ask_in_another_process, encode
from segmenter.disk_cache import DiskCache, Features

PICTURE = encode(np.random.default_rng(4).integers(0, 256, (60, 80, 3), dtype=np.uint8))
REQUEST = {"image": PICTURE, "pos_points": [[30, 20]], "neg_points": [], "obj_bbox": None}


def features(number: int, kibibytes: int = 8) -> Features:
    return Features([torch.full((kibibytes * 128,), float(number)), torch.full((kibibytes * 128,), -1.0)], 3, 4)


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_a_second_worker_and_a_restarted_one_need_no_encoder(start: Any, tmp_path: Path, monkeypatch: Any) -> None:
    first = start(CACHE_DIR=str(tmp_path / "cache"))
    answer = first.ask(**REQUEST)
    first.service.gallery.disk.flush()
    second = start(CACHE_DIR=str(tmp_path / "cache"))
    monkeypatch.setattr(second.service.predictor, "encode", lambda _: pytest.fail("embedded again"))
    assert second.ask(**REQUEST).text == answer.text
    assert second.service.gallery.disk.hits == 1
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


def test_a_worker_in_another_process_needs_no_encoder(
    start: Any, environment: dict[str, str], tmp_path: Path, monkeypatch: Any
) -> None:
    """As Nuclio's workers are: processes of their own that share nothing but the folder."""
    settings = {**environment, "CACHE_DIR": str(tmp_path / "cache")}
    text = ask_in_another_process(settings, REQUEST)
    worker = start(CACHE_DIR=settings["CACHE_DIR"])
    monkeypatch.setattr(worker.service.predictor, "encode", lambda _: pytest.fail("embedded again"))
    assert worker.ask(**REQUEST).text == text


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "no header"])
def test_damaged_files_are_embedded_again(start: Any, tmp_path: Path, damage: str) -> None:
    worker = start(CACHE_DIR=str(tmp_path), CACHE_MIB="0", REFINE="off")
    answer = worker.ask(**REQUEST)
    worker.service.gallery.disk.flush()
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    damaged: dict[str, bytes | bytearray] = {
        "cut": content[:-100],
        "flipped": content,
        "emptied": b"",
        "no header": b"x" * 99,
    }
    path.write_bytes(damaged[damage])
    assert worker.ask(**REQUEST).text == answer.text
    assert worker.service.gallery.disk.hits == 0
    worker.service.gallery.disk.flush()
    assert worker.ask(**REQUEST).text == answer.text and worker.service.gallery.disk.hits == 1


def test_another_model_never_sees_them(tmp_path: Path) -> None:
    one, other = (DiskCache(tmp_path, 10**6, model) for model in (b"a", b"b"))
    one.put(key(1), features(1))
    one.flush()
    assert other.get(key(1)) is None and one.get(key(1)) is not None


def test_the_folder_stays_within_its_bound_and_keeps_what_is_used(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 5 * 9 * 1024, b"m")
    for number in range(12):
        cache.put(key(number), features(number))
        cache.flush()
        path = cache.files.path(cache.name(key(number)))
        os.utime(path, ns=(number, number))
        assert cache.get(key(0)) is not None, "read again and again, so it stays"
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= cache.files.max_bytes
    assert cache.get(key(1)) is None
    found = cache.get(key(11))
    assert (
        found is not None
        and (found.height, found.width) == (3, 4)
        and torch.equal(found.levels[0], features(11).levels[0])
    )


def test_bfloat16_survives(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 10**6, b"m")
    level = torch.randn(1, 2, 3, 3).to(torch.bfloat16)
    cache.put(key(1), Features([level], 1, 1))
    cache.flush()
    found = cache.get(key(1))
    assert found is not None and torch.equal(found.levels[0], level)


def test_many_workers_at_once_leave_only_whole_files(tmp_path: Path) -> None:
    def work(seed: int) -> None:
        cache = DiskCache(tmp_path, 6 * 9 * 1024, b"m")
        for number in np.random.default_rng(seed).integers(0, 20, 60).tolist():
            found = cache.get(key(number))
            if found is None:
                cache.put(key(number), features(number))
            else:
                assert float(found.levels[0][0]) == number
        cache.flush()

    errors: list[BaseException] = []

    def guarded(seed: int) -> None:
        try:
            work(seed)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert not list(tmp_path.glob("*.partial"))


def test_a_folder_that_cannot_be_written_costs_no_answer(start: Any, tmp_path: Path) -> None:
    worker = start(CACHE_DIR=str(tmp_path / "cache"))
    (tmp_path / "cache").rmdir()
    assert worker.ask(**REQUEST).status == 200
    worker.service.gallery.disk.flush()
