"""The function behind the real classes of nuclio-sdk, as Nuclio's Python wrapper drives it."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unittest import mock

import main
import msgpack
import nuclio_sdk
import nuclio_sdk.event
import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Reply:
    """What Nuclio's processor would send to the caller."""

    status: int
    content_type: str
    text: str

    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.text)


class Function:
    """One worker."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.context = nuclio_sdk.Context(logger=nuclio_sdk.Logger(50), worker_id=0)
        with mock.patch.dict(os.environ, environment):
            main.init_context(self.context)

    @property
    def service(self) -> Any:
        """The core of the worker."""
        return self.context.user_data.model.service

    def send(
        self, body: bytes, content_type: str = "application/json", method: str = "POST", kind: str = "msgpack"
    ) -> Reply:
        """Send bytes through the SDK's own deserialiser, handler and response encoder."""
        message = {
            "body": body, "content_type": content_type, "method": method, "path": "/", "url": "", "headers": {},
            "fields": {}, "id": "1", "size": len(body), "timestamp": 0, "shard_id": 0, "num_shards": 0, "type": "",
            "type_version": "", "version": "", "offset": 0, "trigger": {"kind": "http", "name": "http"},
        }  # fmt: skip
        raw = msgpack.unpackb(msgpack.packb(message), raw=kind == "msgpack_raw")
        event = nuclio_sdk.event.EventDeserializerKinds[kind].value.deserialize(raw)
        encoder = nuclio_sdk.json_encoder.Encoder().encode
        output = nuclio_sdk.Response.from_entrypoint_output(encoder, main.handler(self.context, event))
        text = output["body"]
        if output["body_encoding"] == "base64":
            text = base64.b64decode(text).decode()
        return Reply(output["status_code"], output["content_type"], text)

    def ask(self, **request: Any) -> Reply:
        """Send a request given as keyword arguments."""
        return self.send(json.dumps(request).encode())


def ask_in_another_process(environment: Mapping[str, str], request: Mapping[str, Any]) -> str:
    """Start a worker as a process of its own, let it answer one request, and end it; returns the answer's text."""
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "import json, torch\n"
        "from function import Function\n"
        "torch.set_num_threads(1)\n"
        "environment, request = json.loads(sys.stdin.read())\n"
        "worker = Function(environment)\n"
        "print(worker.ask(**request).text)\n"
        "worker.service.gallery.disk.flush()\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", program]
    given = json.dumps([dict(environment), request])
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout.splitlines()[-1]


def encode(picture: np.ndarray | Image.Image, form: str = "PNG", **options: Any) -> str:
    """Return a picture as CVAT sends it: a file in base64."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def corners(box: Any) -> list[list[float]]:
    """Return a box (left, top, right, bottom) as CVAT sends it."""
    left, top, right, bottom = (float(value) for value in box)
    return [[left, top], [right, bottom]]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two masks."""
    return float((a & b).sum() / max(1, (a | b).sum()))
