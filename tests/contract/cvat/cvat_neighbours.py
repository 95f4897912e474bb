"""The two services behind CVAT, in this process: a bucket and Nuclio's dashboard. They keep what they were asked."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit


class Handler(BaseHTTPRequestHandler):
    """Answers with whole bodies and keeps quiet."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal."""

    def answer(self, code: int, body: bytes = b"", kind: str = "application/json", **headers: str) -> None:
        """Send one response; a HEAD gets the length and no body."""
        self.send_response(code)
        length = headers.pop("length", str(len(body)))
        for name, value in {"Content-Type": kind, "Content-Length": length, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Bucket(Handler):
    """S3 with one bucket, one key pair and the files of ``objects``. It checks the key's name, not the signature."""

    name = "pictures"
    key = "contract-key"
    objects: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        """Answer HeadBucket, HeadObject, GetObject, ListObjectsV2 and GetBucketPolicy."""
        url = urlsplit(self.path)
        bucket, _, key = url.path.lstrip("/").partition("/")
        query = parse_qs(url.query, keep_blank_values=True)
        if f"Credential={self.key}/" not in self.headers.get("Authorization", ""):
            self.error(403, "InvalidAccessKeyId")
        elif bucket != self.name:
            self.error(404, "NoSuchBucket")
        elif "policy" in query:
            self.error(404, "NoSuchBucketPolicy")
        elif "list-type" in query:
            prefix = query.get("prefix", [""])[0]
            found = [name for name in sorted(self.objects) if name.startswith(prefix)]
            rows = "".join(f"<Contents><Key>{name}</Key></Contents>" for name in found)
            self.answer(200, f"<ListBucketResult>{rows}</ListBucketResult>".encode(), "application/xml")
        elif not key:
            self.answer(200)
        elif key in self.objects:
            self.answer(200, self.objects[key], "image/png", ETag='"x"')
        else:
            self.error(404, "NoSuchKey")

    do_HEAD = do_GET

    def error(self, code: int, name: str) -> None:
        """Send an S3 error."""
        self.answer(code, f"<Error><Code>{name}</Code></Error>".encode(), "application/xml")


def function(name: str, kind: str, **annotations: str) -> dict[str, Any]:
    """A function as the dashboard lists it."""
    return {
        "metadata": {"name": name, "annotations": {"type": kind, "name": name.title(), **annotations}},
        "spec": {"description": f"{name} of the contract test"},
        "status": {"state": "ready", "httpPort": 0},
    }


class Dashboard(Handler):
    """Lists five functions of project cvat and answers their calls; ``calls`` keeps (function, payload)."""

    calls: ClassVar[list[tuple[str, dict]]] = []
    functions: ClassVar[dict[str, dict]] = {
        "clicker": function("clicker", "interactor", min_pos_points="1", startswith_box="false", version="2"),
        "finder": function("finder", "detector", spec='[{"name": "car", "type": "any"}, {"name": "ship"}]'),
        "follower": function("follower", "tracker", supported_shape_types="rectangle, mask"),
        "old-follower": function("old-follower", "tracker"),
        "strange": function("strange", "oracle"),
    }
    answers: ClassVar[dict[str, Any]] = {
        "clicker": {"mask": [[0, 1, 1], [0, 1, 1]]},
        "finder": [
            {"label": "car", "type": "rectangle", "points": [1, 1, 3, 3], "confidence": "0.9"},
            {"label": "car", "type": "mask", "points": [0, 0, 1, 0, 1, 1], "mask": [1, 0, 1, 1, 2, 3, 3, 4]},
            {"label": "ship", "type": "rectangle", "points": [0, 0, 1, 1]},
        ],
        "follower": {"shapes": [{"type": "rectangle", "points": [1, 1, 3, 3]}], "states": [{"n": 1}]},
        "old-follower": {"shapes": [[1, 1, 3, 3]], "states": [{"n": 1}]},
    }

    def do_GET(self) -> None:
        """List or show functions; only project cvat has any."""
        name = self.path.removeprefix("/api/functions").lstrip("/")
        listed = self.functions if self.headers.get("x-nuclio-project-name") == "cvat" else {}
        if not name:
            self.answer(200, json.dumps(listed).encode())
        elif name in listed:
            self.answer(200, json.dumps(listed[name]).encode())
        else:
            self.answer(404, b'{"error": "Function not found"}')

    def do_POST(self) -> None:
        """Invoke a function."""
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = self.headers["x-nuclio-function-name"]
        self.calls.append((name, payload))
        self.answer(200, json.dumps(self.answers[name]).encode())


@contextmanager
def served(handler: type[Handler], address: str):
    """Serve until the block ends; gives the port."""
    server = ThreadingHTTPServer((address, 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
