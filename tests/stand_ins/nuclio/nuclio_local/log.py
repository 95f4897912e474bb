"""Log lines in nuctl's form, on standard output: time, level, logger, words, values as JSON."""

from __future__ import annotations

import datetime
import json
import sys
from typing import Any


class Log:
    """Writes to standard output and keeps what it wrote, because a function's record holds its deploy log."""

    def __init__(self, name: str, verbose: bool = False):
        self.name = name
        self.verbose = verbose
        self.records: list[dict[str, Any]] = []

    def info(self, message: str, **values: Any) -> None:
        """Write one line."""
        self._write("info", message, values)

    def warn(self, message: str, **values: Any) -> None:
        """Write one line that asks for attention."""
        self._write("warn", message, values)

    def debug(self, message: str, **values: Any) -> None:
        """Write one line if asked to be verbose."""
        if self.verbose:
            self._write("debug", message, values)

    def _write(self, level: str, message: str, values: dict[str, Any]) -> None:
        now = datetime.datetime.now()
        self.records.append({"level": level, "message": message, "time": now.timestamp() * 1000, **values})
        stamp = now.strftime("%y.%m.%d %H:%M:%S.%f")[:-3]
        details = f" {json.dumps(values, default=str)}" if values else ""
        sys.stdout.write(f"{stamp} ({level[0].upper()}) {self.name:>20} {message}{details}\n")
        sys.stdout.flush()
