"""What the tests share: the function as Nuclio runs it, and pictures with known shapes."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SAM2 = Path(__file__).resolve().parent.parent
NEEDED = ("torch", "sam2", "nuclio_sdk", "hypothesis")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if MISSING:
    # `make test` runs these in an environment of their own; see functions/sam2/requirements-test.txt.
    collect_ignore_glob = ["test_*.py"]
else:
    for folder in (SAM2 / "tests", SAM2 / "nuclio", SAM2):
        sys.path.insert(0, str(folder))


def pytest_report_header() -> str | None:
    """Say why nothing is collected here when PyTorch is not installed."""
    return f"functions/sam2: not tested, because {', '.join(MISSING)} is not installed" if MISSING else None


@pytest.fixture(scope="session", autouse=not MISSING)
def one_thread() -> None:
    """Threads that wait for each other on a busy machine cost more than they give with so small a model."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """Settings of the function under test."""
    name = "synthetic_shapes_not_for_production"
    folder = SAM2 / "checkpoints"
    return {"MODEL": str(folder / f"{name}.pt"), "MODEL_CFG": str(folder / f"{name}.yaml"), "DEVICE": "cpu"}


@pytest.fixture(scope="session")
def start(environment: dict[str, str]) -> Callable[..., object]:
    """Start a worker of the function with other settings."""
    from function import Function

    return lambda **settings: Function({**environment, **settings})


@pytest.fixture(scope="session")
def function(start: Callable[..., object]) -> object:
    """A worker of the function that answers with ``mask``."""
    return start()


@pytest.fixture(scope="session")
def reference(start: Callable[..., object]) -> object:
    """A worker whose masks must equal sam2's own, bit for bit, for the same prompt."""
    return start(DECODER="exact", REFINE="off")


@pytest.fixture(scope="session")
def compact(start: Callable[..., object]) -> object:
    """A worker of the function that answers with ``shapes``."""
    return start(ANSWER="shapes")


@pytest.fixture(scope="session")
def held_out() -> list[object]:
    """Twelve pictures of shapes that the checkpoint was not trained on; no shape fills more than 0.6 of its box."""
    from training.scenes import held_out_scenes

    return held_out_scenes(12, 480, 640, seed=424_242)
