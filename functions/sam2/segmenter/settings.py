"""Settings, read from the environment that function.yaml gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from .detector import Search

KINDS = ("interactor", "detector", "tracker")
ANSWERS = ("mask", "shapes")
CONFIDENCES = ("scaled", "raw", "none")
DECODERS = ("fast", "exact")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Settings:
    """What can be set from outside. Sizes in bytes unless the name says otherwise."""

    kind: str = "interactor"
    model: str = "sam2.1_hiera_tiny.pt"
    model_cfg: str = "configs/sam2.1/sam2.1_hiera_t.yaml"
    device: str = "auto"
    answer: str = "mask"
    confidence: str = "scaled"
    decoder: str = "fast"
    precision: str = "auto"
    compile: bool = False
    refine: bool = True
    cache_bytes: int = 1024 * 1024**2
    cache_host_bytes: int = 0
    cache_dir: str = ""
    cache_dir_bytes: int = 2048 * 1024**2
    tracks_bytes: int = 512 * 1024**2
    tracks_seconds: float = 8 * 3600.0
    max_pixels: int = 100_000_000
    max_points: int = 500
    max_boxes: int = 64
    threads: int = 0
    label: str = "custom"
    search: Search = field(default_factory=Search)

    def search_for(self, least_score: float) -> Search:
        """Return how to look for objects of at least this confidence."""
        return replace(self.search, least_score=least_score)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; an empty variable counts as not set.

        Raises:
            ValueError: a variable has a value that cannot be used; the message names it.
        """

        def text(name: str, default: str) -> str:
            return environment.get(name, "").strip() or default

        def number(name: str, default: int, least: int) -> int:
            given = text(name, str(default))
            if not given.isdecimal() or int(given) < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, not {given!r}")
            return int(given)

        def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
            given = text(name, default)
            if given not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, not {given!r}")
            return given

        return cls(
            kind=choice("KIND", cls.kind, KINDS),
            model=text("MODEL", cls.model),
            model_cfg=text("MODEL_CFG", cls.model_cfg),
            device=text("DEVICE", cls.device),
            answer=choice("ANSWER", cls.answer, ANSWERS),
            confidence=choice("CONFIDENCE", cls.confidence, CONFIDENCES),
            decoder=choice("DECODER", cls.decoder, DECODERS),
            precision=choice("PRECISION", cls.precision, PRECISIONS),
            compile=choice("COMPILE", "off", ("on", "off")) == "on",
            refine=choice("REFINE", "on", ("on", "off")) == "on",
            cache_bytes=number("CACHE_MIB", cls.cache_bytes // 1024**2, 0) * 1024**2,
            cache_host_bytes=number("CACHE_HOST_MIB", cls.cache_host_bytes // 1024**2, 0) * 1024**2,
            cache_dir=text("CACHE_DIR", cls.cache_dir),
            cache_dir_bytes=number("CACHE_DIR_MIB", cls.cache_dir_bytes // 1024**2, 1) * 1024**2,
            tracks_bytes=number("TRACKS_MIB", cls.tracks_bytes // 1024**2, 0) * 1024**2,
            tracks_seconds=number("TRACKS_HOURS", int(cls.tracks_seconds / 3600), 1) * 3600.0,
            max_pixels=number("MAX_MEGAPIXELS", cls.max_pixels // 1_000_000, 1) * 1_000_000,
            max_points=number("MAX_POINTS", cls.max_points, 1),
            max_boxes=number("MAX_BOXES", cls.max_boxes, 1),
            threads=number("THREADS", cls.threads, 0),
            label=text("LABEL", cls.label),
            search=Search(
                side=number("POINTS_PER_SIDE", Search.side, 1),
                most_objects=number("MAX_OBJECTS", Search.most_objects, 1),
            ),
        )


def find_file(name: str, folders: list[Path]) -> Path | None:
    """Return the file that ``name`` means: a path, or a file name in one of the folders; None if there is none."""
    candidates = [Path(name), *(folder / name for folder in folders)]
    return next((path for path in candidates if path.is_file()), None)
