"""Downloads against a real HTTP server that knows ranges, or not, and breaks the connection when told to."""

from __future__ import annotations

import hashlib
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils.resumable_download import DownloadError, download

CONTENT = bytes(range(256)) * 4000
SUM = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Remembers what it sent; ``breaks_after`` ends that many connections early, after half of what was asked for."""

    knows_ranges = True
    breaks = 0
    sent = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        begin = 0
        if self.server.knows_ranges and (given := self.headers.get("Range")):
            begin = int(given.removeprefix("bytes=").rstrip("-"))
        if begin >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[begin:]
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.breaks:
            self.server.breaks -= 1
            body = body[: len(body) // 2]
        self.server.sent += len(body)  # before the other side has it, and looks at this number
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def opener(url: str, *, headers: dict[str, str], timeout: float) -> Any:
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)


def bring(server: Server, target: Path, sha256: str = SUM, attempts: int = 3) -> int:
    url = f"http://127.0.0.1:{server.server_port}/weights.pt"
    return download(url, target, sha256, opener, attempts, 5, sleep=lambda seconds: None)


def test_a_file_is_brought(server: Server, tmp_path: Path) -> None:
    assert bring(server, tmp_path / "weights.pt") == len(CONTENT)
    assert (tmp_path / "weights.pt").read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["weights.pt"]


def test_a_connection_that_breaks_costs_nothing_twice(server: Server, tmp_path: Path) -> None:
    server.breaks = 2
    bring(server, tmp_path / "weights.pt")
    assert (tmp_path / "weights.pt").read_bytes() == CONTENT
    assert server.sent == len(CONTENT)


def test_the_next_run_goes_on(server: Server, tmp_path: Path) -> None:
    server.breaks = 1
    with pytest.raises(DownloadError, match="the next run goes on from them"):
        bring(server, tmp_path / "weights.pt", attempts=1)
    assert not (tmp_path / "weights.pt").exists()
    assert bring(server, tmp_path / "weights.pt") == len(CONTENT) // 2
    assert server.sent == len(CONTENT)


def test_a_part_that_is_complete_is_only_checked(server: Server, tmp_path: Path) -> None:
    (tmp_path / "weights.pt.part").write_bytes(CONTENT)
    assert bring(server, tmp_path / "weights.pt") == 0
    assert server.sent == 0


def test_a_server_without_ranges_sends_everything_again(server: Server, tmp_path: Path) -> None:
    server.knows_ranges = False
    (tmp_path / "weights.pt.part").write_bytes(b"other")
    bring(server, tmp_path / "weights.pt")
    assert (tmp_path / "weights.pt").read_bytes() == CONTENT


def test_a_wrong_sum_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="another sha256 than 0000"):
        bring(server, tmp_path / "weights.pt", sha256="0" * 64)
    assert not list(tmp_path.iterdir())


def test_nobody_there(server: Server, tmp_path: Path) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadError, match="could not be downloaded"):
        bring(server, tmp_path / "weights.pt", attempts=2)
