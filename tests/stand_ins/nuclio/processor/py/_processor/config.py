"""What the processor reads from processor.yaml (which is JSON, and so YAML too)."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

PATH = Path(os.environ.get("NUCLIO_PROCESSOR_CONFIG", "/etc/nuclio/config/processor/processor.yaml"))
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Config:
    """Settings of one function; times in seconds, sizes in bytes."""

    handler: str
    namespace: str
    trigger_name: str
    workers: int
    worker_timeout: float
    body_limit: int
    event_timeout: "float | None"


def read(path: Path = PATH) -> Config:
    """Read the configuration that nuctl wrote."""
    config = json.loads(path.read_text(encoding="utf-8"))
    spec = config["spec"]
    trigger = next(t for t in spec["triggers"].values() if t["kind"] == "http")
    attributes = trigger.get("attributes") or {}
    return Config(
        handler=spec.get("handler") or "main:handler",
        namespace=config["metadata"]["namespace"],
        trigger_name=trigger["name"],
        workers=int(trigger.get("numWorkers") or 1),
        worker_timeout=trigger.get("workerAvailabilityTimeoutMilliseconds", 10000) / 1000,
        body_limit=attributes.get("maxRequestBodySize") or 4 * 1024 * 1024,
        event_timeout=duration(spec.get("eventTimeout") or ""),
    )


def duration(text: str) -> "float | None":
    """Return the seconds of a Go duration ("30s", "1m30s", "500ms"); None for an empty one."""
    if not text:
        return None
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h)", text))
