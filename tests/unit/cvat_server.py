"""A small CVAT for unit tests: cloud storages, requests, tasks and prompts, in memory, as CVAT 2.80 answers them."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

HOST = "cvat.lan"
TOKEN = "0123456789abcdef"
PAGE = 10


class FakeCvat(ThreadingHTTPServer):
    """The state behind the calls; tests read and change it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.password = "secret"
        self.storages: list[dict[str, Any]] = []
        self.keys: dict[int, tuple[str, str]] = {}
        self.working_keys = {("CVATKEY", "cvat-secret-key")}
        self.buckets = {"pictures"}
        self.requests: dict[str, list[dict[str, Any]]] = {}  # states, one per poll
        self.tasks: dict[int, dict[str, Any]] = {}  # data/meta of each task
        self.refuses: dict[int, str] = {}  # frames on which functions fail, and the words
        self.starting = 0  # answers of 502 before CVAT is up
        self.seen: list[tuple[str, str]] = []  # method and path of every call
        self.bodies: list[dict[str, Any]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def add(self, **fields: Any) -> dict[str, Any]:
        """Register a storage as somebody would through the user interface."""
        storage: dict[str, Any] = {
            "id": max((item["id"] for item in self.storages), default=0) + 1,
            "provider_type": "AWS_S3_BUCKET",
            "resource": "pictures",
            "display_name": "Pictures",
            "credentials_type": "KEY_SECRET_KEY_PAIR",
            "specific_attributes": "endpoint_url=http://minio:9000&region=us-east-1",
            "description": "",
            "manifests": [],
            "organization": None,
        } | fields
        self.storages.append(storage)
        self.keys[storage["id"]] = ("CVATKEY", "cvat-secret-key")
        return storage

    def status(self, resource: str, key: tuple[str, str]) -> str:
        """What HeadBucket would say."""
        if resource not in self.buckets:
            return "NOT_FOUND"
        return "AVAILABLE" if key in self.working_keys else "FORBIDDEN"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: FakeCvat
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""

    def answer(self, status: int, content: Any = None) -> None:
        """Send an answer: JSON, or plain text for strings when it is an error."""
        plain = isinstance(content, str) and status >= 400
        body = b"" if content is None else (content if plain else json.dumps(content)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if plain else "application/vnd.cvat+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self) -> None:
        """Answer as Traefik, then as CVAT."""
        cvat, parts = self.server, urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        self.body = json.loads(self.rfile.read(length)) if length else {}
        self.query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        cvat.seen.append((self.command, parts.path))
        if cvat.starting:
            cvat.starting -= 1
            return self.answer(502, "Bad Gateway")
        if self.headers.get("Host") != HOST:
            return self.answer(404, "404 page not found\n")
        if parts.path == "/api/auth/login":
            if self.body.get("password") != cvat.password:
                return self.answer(400, {"non_field_errors": ["Unable to log in with provided credentials."]})
            return self.answer(200, {"key": TOKEN})
        if self.headers.get("Authorization") not in (f"Token {TOKEN}", "Bearer personal"):
            return self.answer(401, {"detail": "Authentication credentials were not provided."})
        segments = parts.path.strip("/").split("/")[1:]
        name = "functions" if segments[0] == "lambda" else segments[0]
        return getattr(self, name)([unquote(segment) for segment in segments[1:]])

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any

    def requests(self, rest: list[str]) -> None:
        """GET /api/requests/{id}."""
        states = self.server.requests.get(rest[0])
        if not states:
            return self.answer(404, {"detail": "There is no request with specified id"})
        return self.answer(200, states.pop(0) if len(states) > 1 else states[0])

    def tasks(self, rest: list[str]) -> None:
        """GET /api/tasks/{id}/data/meta."""
        meta = self.server.tasks.get(int(rest[0]))
        if meta is None or rest[1:] != ["data", "meta"]:
            return self.answer(404, {"detail": "Not found."})
        return self.answer(200, meta)

    def functions(self, rest: list[str]) -> None:
        """POST /api/lambda/functions/{id}: a prompt."""
        self.server.bodies.append(dict(self.body))
        if rest[1] != "sam2":
            return self.answer(404, f"`{rest[1]}` lambda function is not found")
        if words := self.server.refuses.get(self.body["frame"]):
            return self.answer(500, words)
        return self.answer(200, {"mask": [[0, 1]]})

    def cloudstorages(self, rest: list[str]) -> None:
        """Everything below /api/cloudstorages."""
        cvat = self.server
        if not rest:
            return self.list_storages() if self.command == "GET" else self.create()
        storage = next((item for item in cvat.storages if item["id"] == int(rest[0])), None)
        if storage is None:
            return self.answer(404, {"detail": "Not found."})
        if rest[1:] == ["status"]:
            return self.answer(200, cvat.status(storage["resource"], cvat.keys[storage["id"]]))
        if self.command == "DELETE":
            cvat.storages.remove(storage)
            return self.answer(204)
        if self.command == "PATCH":
            return self.change(storage)
        return self.answer(200, storage)

    def list_storages(self) -> None:
        """One page."""
        size, page = int(self.query.get("page_size", PAGE)), int(self.query.get("page", 1))
        rows = self.server.storages[(page - 1) * size : page * size]
        more = page * size < len(self.server.storages)
        link = f"http://{HOST}/api/cloudstorages?page={page + 1}" if more else None
        self.answer(200, {"count": len(self.server.storages), "next": link, "previous": None, "results": rows})

    def refused(self, fields: dict[str, Any], key: tuple[str, str]) -> bool:
        """Ask the bucket first, as CVAT does."""
        state = self.server.status(fields["resource"], key)
        if state == "FORBIDDEN":
            words = f"Cannot create resource {fields['resource']} with specified credentials. Access forbidden."
            self.answer(400, f"credentials: {words}")
        elif state == "NOT_FOUND":
            self.answer(400, f"resource: The resource {fields['resource']} not found. It may have been deleted.")
        return state != "AVAILABLE"

    def create(self) -> None:
        """POST: there may be several of one name."""
        self.server.bodies.append(dict(self.body))
        key = (self.body.pop("key"), self.body.pop("secret_key"))
        if not self.refused(self.body, key):
            storage = self.server.add(**self.body)
            self.server.keys[storage["id"]] = key
            self.answer(201, storage)

    def change(self, storage: dict[str, Any]) -> None:
        """PATCH: manifests that are not named are forgotten."""
        self.server.bodies.append(dict(self.body))
        old = self.server.keys[storage["id"]]
        key = (self.body.pop("key", old[0]), self.body.pop("secret_key", old[1]))
        if not self.refused({**storage, **self.body}, key):
            storage |= {"manifests": [], **self.body}
            self.server.keys[storage["id"]] = key
            self.answer(200, storage)
