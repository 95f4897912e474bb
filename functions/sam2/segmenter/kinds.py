"""The kinds of function that one build context serves; KIND in the environment chooses."""

from __future__ import annotations

from .detection import Detector
from .disk_cache import DiskCache
from .interaction import Interactor
from .predictor import Predictor
from .service import Service
from .settings import Settings
from .tracking import TrackingService


def make_service(predictor: Predictor, settings: Settings, disk: DiskCache | None, model: bytes) -> Service:
    """Make the service that the settings name; ``model`` is the fingerprint of what embeddings and tracks depend on."""
    if settings.kind == "detector":
        return Detector(predictor, settings, disk)
    if settings.kind == "tracker":
        return TrackingService(predictor, settings, disk, model)
    return Interactor(predictor, settings, disk)
