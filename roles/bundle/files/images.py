"""Serves the images of a folder (an OCI image layout) to the Docker Engine of this machine. It reads and nothing else.

Source: OCI Distribution Specification 1.1, "Pulling manifests" and "Pulling blobs".
"""

import json
import re
import shutil
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NAME = "org.opencontainers.image.ref.name"
ASKED = re.compile(r"/v2/(?P<name>[a-z0-9._/-]+)/(?P<kind>manifests|blobs)/(?P<wanted>[\w.:-]+)")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Images(BaseHTTPRequestHandler):
    """Answers one question after the other."""

    protocol_version = "HTTP/1.1"
    folder = Path()

    def do_GET(self) -> None:
        """Send a manifest, a layer or a configuration."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Tell whether there is one."""
        self._answer(with_body=False)

    def _answer(self, with_body: bool) -> None:
        if self.path == "/v2/":
            self._send(b'{"served_by": "annotation.server"}', "application/json", "", with_body)
            return
        asked = ASKED.fullmatch(self.path.partition("?")[0])
        digest = self._digest(**asked.groupdict()) if asked else ""
        path = self.folder / "blobs" / digest.replace(":", "/")
        if not asked or not digest or not path.is_file():
            unknown = "MANIFEST_UNKNOWN" if "/manifests/" in self.path else "BLOB_UNKNOWN"
            body = {"errors": [{"code": unknown, "message": "The bundle does not hold it."}]}
            self._send(json.dumps(body).encode(), "application/json", "", with_body, status=404)
        elif asked["kind"] == "manifests":
            data = path.read_bytes()
            self._send(data, self._kind(digest, data), digest, with_body)
        else:
            self._send_file(path, digest, with_body)

    def _entries(self) -> list[dict]:
        return json.loads((self.folder / "index.json").read_text())["manifests"]

    def _digest(self, name: str, kind: str, wanted: str) -> str:
        """Return the digest of what is asked for; empty when the folder has no such name."""
        if DIGEST.fullmatch(wanted):
            return wanted
        names = {entry["annotations"][NAME]: entry["digest"] for entry in self._entries()}
        return names.get(f"{name}:{wanted}", "") if kind == "manifests" else ""

    def _kind(self, digest: str, data: bytes) -> str:
        """Return the media type of a manifest, which not every one names itself."""
        listed = {entry["digest"]: entry["mediaType"] for entry in self._entries()}
        said = json.loads(data)
        kind = "index" if "manifests" in said else "manifest"
        return listed.get(digest) or said.get("mediaType") or f"application/vnd.oci.image.{kind}.v1+json"

    def _head(self, status: int, kind: str, length: int, digest: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        if digest:
            self.send_header("Docker-Content-Digest", digest)
        self.end_headers()

    def _send(self, data: bytes, kind: str, digest: str, with_body: bool, status: int = 200) -> None:
        self._head(status, kind, len(data), digest)
        if with_body:
            self.wfile.write(data)

    def _send_file(self, path: Path, digest: str, with_body: bool) -> None:
        with path.open("rb") as source:
            self._head(200, "application/octet-stream", path.stat().st_size, digest)
            if with_body:
                shutil.copyfileobj(source, self.wfile, 1 << 20)

    def log_message(self, *_: object) -> None:
        """Write nothing: Docker tells what it cannot get."""


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server that only this machine reaches."""
    handler = type("Handler", (Images,), {"folder": folder})
    return ThreadingHTTPServer(("127.0.0.1", port), handler)


if __name__ == "__main__":
    server(Path(sys.argv[1]), int(sys.argv[2])).serve_forever()
