"""The content hash: the same for the same content, another for any other; and what changed, in words."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from ansible_collections.annotation.server.plugins.module_utils import build_tree, nuclio_inputs
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.text("abcdefgh/._-", min_size=1, max_size=12)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
FILES = st.dictionaries(NAMES, DIGESTS, max_size=6)
CONFIGS = st.dictionaries(st.text(max_size=6), st.integers() | st.text(max_size=6) | st.booleans(), max_size=5)


def shuffled(mapping: dict, seed: int) -> dict:
    items = list(mapping.items())
    random.Random(seed).shuffle(items)
    return dict(items)


def content_hash(files: dict, config: dict, nuctl: str = "1.16.3", base: str = "sha256:1") -> str:
    return nuclio_inputs.content_hash(nuclio_inputs.inputs(files, config, nuctl, base))


@given(FILES, CONFIGS, st.integers())
def test_order_does_not_matter(files: dict, config: dict, seed: int) -> None:
    assert content_hash(files, config) == content_hash(shuffled(files, seed), shuffled(config, seed))


@given(FILES, FILES, CONFIGS)
def test_other_files_are_another_hash(files: dict, others: dict, config: dict) -> None:
    assert (content_hash(files, config) == content_hash(others, config)) == (files == others)


@given(FILES, CONFIGS, CONFIGS)
def test_another_configuration_is_another_hash(files: dict, config: dict, other: dict) -> None:
    # 1 and True are equal for Python, and different in a configuration.
    same = config == other and [type(config[key]) for key in config] == [type(other[key]) for key in config]
    assert (content_hash(files, config) == content_hash(files, other)) == same


@given(FILES, CONFIGS)
def test_nuctl_and_the_base_image_count(files: dict, config: dict) -> None:
    hashes = {
        content_hash(files, config),
        content_hash(files, config, nuctl="1.16.4"),
        content_hash(files, config, base="x"),
    }
    assert len(hashes) == 3


@given(FILES, CONFIGS)
def test_annotations_bring_the_inputs_back(files: dict, config: dict) -> None:
    wanted = nuclio_inputs.inputs(files, config, "1.16.3", "sha256:1")
    annotations = nuclio_inputs.to_annotations(wanted)
    assert annotations[nuclio_inputs.HASH_ANNOTATION] == nuclio_inputs.content_hash(wanted)
    assert nuclio_inputs.differences(annotations, wanted) == ["its content hash differs"]


def test_differences_are_named() -> None:
    old = nuclio_inputs.inputs({"a.py": "1" * 64, "b.py": "2" * 64}, {"x": 1}, "1.15.9", "sha256:1")
    new = nuclio_inputs.inputs({"b.py": "3" * 64, "c.py": "4" * 64}, {"x": 2}, "1.16.3", "sha256:2")
    assert nuclio_inputs.differences(nuclio_inputs.to_annotations(old), new) == [
        "c.py is new",
        "a.py is gone",
        "b.py changed",
        "its configuration changed",
        "nuctl is 1.16.3 instead of 1.15.9",
        "its base image changed",
    ]


@pytest.mark.parametrize(
    "annotations", [{}, {nuclio_inputs.INPUTS_ANNOTATION: "{"}, {nuclio_inputs.INPUTS_ANNOTATION: "[]"}]
)
def test_a_foreign_function_is_recognised(annotations: dict) -> None:
    wanted = nuclio_inputs.inputs({}, {}, "1.16.3", "")
    assert nuclio_inputs.differences(annotations, wanted) == ["it was not deployed by this project"]


def test_the_manifest_sees_content_names_and_modes(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one")
    first = nuclio_inputs.manifest(tmp_path)
    (tmp_path / "a.py").chmod(0o755)
    second = nuclio_inputs.manifest(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert second["a.py"] == first["a.py"] + "+x"
    assert nuclio_inputs.manifest(tmp_path) == {"b.py": second["a.py"]}


def test_rubbish_stays_out(tmp_path: Path) -> None:
    for name in ("main.py", "__pycache__/main.pyc", "pkg/x.pyc", ".git/config", "tests/test_main.py", "pkg/y.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert sorted(nuclio_inputs.walk(tmp_path, ["tests"])) == ["main.py", "pkg/y.py"]
    assert sorted(nuclio_inputs.walk(tmp_path, ["pkg/*.py"])) == ["main.py", "tests/test_main.py"]


@given(FILES, FILES)
def test_comparing_tells_every_difference_once(present: dict, wanted: dict) -> None:
    change = build_tree.compare(present, wanted)
    assert bool(change) == (present != wanted)
    assert sorted(change.added + change.changed + change.removed) == sorted(
        name for name in present.keys() | wanted.keys() if present.get(name) != wanted.get(name)
    )
