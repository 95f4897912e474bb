"""Memory for embeddings stays within its bound."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import fuzz
import numpy as np
import pytest
import torch
from function import encode
from hypothesis import given
from hypothesis import strategies as st
from segmenter.decoding import Prepared
from segmenter.embeddings import Embedding, EmbeddingCache


def embedding(kibibytes: int) -> Embedding:
    empty = torch.zeros(0)
    return Embedding(Prepared(torch.zeros(kibibytes * 256), (empty, empty), (empty, empty, empty)), 1, 1)


def test_a_thousand_pictures_stay_within_the_bound() -> None:
    cache = EmbeddingCache(64 * 1024)
    for number in range(1000):
        cache.put(number.to_bytes(4, "big"), embedding(7))
        assert cache.nbytes <= cache.max_bytes
    assert len(cache) == 9 and cache.get((999).to_bytes(4, "big")) is not None


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 23), st.booleans()), max_size=60))
def test_cache_keeps_the_most_recently_used(steps: list[tuple[int, int, bool]]) -> None:
    cache = EmbeddingCache(20 * 1024)
    model: dict[int, int] = {}
    for key, size, is_read in steps:
        if is_read:
            found = cache.get(bytes([key]))
            assert (found is not None) == (key in model)
            if key in model:
                model[key] = model.pop(key)
        else:
            dropped = {old[0]: entry.nbytes // 1024 for old, entry in cache.put(bytes([key]), embedding(size))}
            model.pop(key, None)
            expected = {}
            if size > 20:
                expected = {key: size}
            else:
                while sum(model.values()) + size > 20:
                    oldest = next(iter(model))
                    expected[oldest] = model.pop(oldest)
                model[key] = size
            assert dropped == expected
        assert cache.nbytes == 1024 * sum(model.values()) and len(cache) == len(model)


def test_the_function_keeps_what_fits_and_forgets_the_rest(start: Any) -> None:
    worker = start(CACHE_MIB="5")
    pictures = [np.full((20, 20, 3), value, np.uint8) for value in range(6)]
    for picture in pictures:
        assert worker.ask(image=encode(picture), pos_points=[[5, 5]]).status == 200
    cache = worker.service.gallery.cache
    assert 0 < len(cache) < len(pictures) and cache.nbytes <= 5 * 1024**2


def resident_mib() -> float:
    """Memory of this process that is in use, in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024**2


def test_the_process_does_not_grow_over_a_thousand_pictures(
    start: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    """The whole function, on pictures of 256 x 256 pixels: what a leak of one embedding each would add is 340 MiB."""
    config = fuzz.small(Path(environment["MODEL_CFG"]), str(tmp_path))
    limits = {"CACHE_MIB": "4", "CACHE_DIR": str(tmp_path / "cache"), "CACHE_DIR_MIB": "6"}
    worker = start(MODEL_CFG=config, ANSWER="shapes", **limits)
    rng = np.random.default_rng(2)
    settled = 0.0
    for number in range(1000):
        picture = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        assert worker.ask(image=encode(picture, "BMP"), pos_points=[[16, 12]]).status == 200
        assert worker.service.gallery.cache.nbytes <= 4 * 1024**2
        if number == 150:
            settled = resident_mib()
    worker.service.gallery.disk.flush()
    assert sum(file.stat().st_size for file in (tmp_path / "cache").iterdir()) <= 6 * 1024**2
    assert resident_mib() - settled < 40


def test_what_the_device_has_no_room_for_goes_to_the_host(start: Any, monkeypatch: Any) -> None:
    worker = start(CACHE_MIB="3", CACHE_HOST_MIB="9", REFINE="off")
    gallery = worker.service.gallery
    images = [encode(np.full((20, 20, 3), value, np.uint8)) for value in range(6)]
    texts = [worker.ask(image=image, pos_points=[[5, 5]]).text for image in images]
    assert len(gallery.cache) == 1 and 1 < len(gallery.host) < 5 and gallery.host.nbytes <= 9 * 1024**2
    monkeypatch.setattr(worker.service.predictor, "encode", lambda _: pytest.fail("embedded again"))
    for number in (5, 4, 5, 3):
        assert worker.ask(image=images[number], pos_points=[[5, 5]]).text == texts[number]
    assert len(gallery.cache) == 1, "what came back is on the device, and in one place only"
    health = worker.send(b"", method="GET").json()["cache"]
    assert health["host_hits"] == 3 and health["hit_rate"] == 0.4


def test_nothing_goes_to_the_host_unless_asked_for(start: Any) -> None:
    worker = start(CACHE_MIB="3")
    for value in range(3):
        worker.ask(image=encode(np.full((20, 20, 3), value, np.uint8)), pos_points=[[5, 5]])
    assert len(worker.service.gallery.host) == 0


def test_memory_that_stays_full_is_said_and_ends_nothing(start: Any, monkeypatch: Any) -> None:
    worker = start()
    request = {"image": encode(np.zeros((20, 20, 3), np.uint8)), "pos_points": [[5, 5]]}
    first = worker.ask(**request)

    def fail(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(worker.service.predictor, "predict", fail)
        reply = worker.ask(**request)
    assert reply.status == 503 and "CACHE_MIB" in reply.json()["error"]["message"]
    assert worker.ask(**request).text == first.text


def test_full_device_memory_costs_the_cache_and_not_the_answer(start: Any, monkeypatch: Any) -> None:
    worker = start()
    image = encode(np.zeros((20, 20, 3), np.uint8))
    first = worker.ask(image=image, pos_points=[[5, 5]])
    predictor = worker.service.predictor
    original = predictor.predict
    failures = iter([True])

    def fail_once(*arguments: Any) -> Any:
        if next(failures, False):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return original(*arguments)

    monkeypatch.setattr(predictor, "predict", fail_once)
    assert worker.ask(image=image, pos_points=[[5, 5]]).text == first.text
    assert worker.service.gallery.cache.misses == 2, "the picture was embedded again"
