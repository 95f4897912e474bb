"""The processor in a process of its own: what a handler gets, and what becomes of its answer."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

TESTS = Path(__file__).parents[2]
PROCESSOR = TESTS / "stand_ins/nuclio/processor/py"
FUNCTION = TESTS / "contract/nuclio/functions/behaviour"


@dataclass
class Processor:
    """A running processor."""

    process: subprocess.Popen[bytes]
    url: str
    ready_url: str

    def post(self, path: str = "/", body: bytes = b"", **headers: str) -> requests.Response:
        """Send one event."""
        told = {key.replace("_", "-"): value for key, value in headers.items()}
        return requests.post(self.url + path, data=body, headers=told, timeout=20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(folder: Path, environment: dict[str, str] | None = None, **trigger: Any) -> Processor:
    """Start a processor for the contract tests' function; wait until it serves or ends."""
    config = {
        "metadata": {"namespace": "nuclio", "name": "unit"},
        "spec": {
            "handler": "main:handler",
            "eventTimeout": "2s",
            "triggers": {"http": {"kind": "http", "name": "http", **trigger}},
        },
    }
    path = folder / "processor.yaml"
    path.write_text(json.dumps(config))
    http, ready = free_port(), free_port()
    program = f"import sys; from _processor.main import main; sys.exit(main({http}, {ready}))"
    settings = {
        "NUCLIO_PROCESSOR_CONFIG": str(path),
        "NUCLIO_PYTHON_EXE_PATH": sys.executable,
        "NUCLIO_PYTHON_PATH": str(FUNCTION),
        "PYTHONPATH": str(PROCESSOR),
    }
    process = subprocess.Popen([sys.executable, "-c", program], env=os.environ | settings | (environment or {}))
    started = Processor(process, f"http://127.0.0.1:{http}", f"http://127.0.0.1:{ready}/ready")
    while process.poll() is None:
        try:
            if requests.get(started.ready_url, timeout=5).status_code == 200 and requests.get(started.url, timeout=5):
                break
        except requests.ConnectionError:
            pass
        time.sleep(0.05)
    return started


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processor]:
    """One worker, a limit of 1000 bytes."""
    started = run(
        tmp_path_factory.mktemp("processor"),
        workerAvailabilityTimeoutMilliseconds=200,
        attributes={"maxRequestBodySize": 1000},
    )
    yield started
    started.process.terminate()
    started.process.wait()


@pytest.mark.parametrize(
    ("content_type", "body"), [("application/json", "dict"), ("application/json; charset=utf-8", "bytes")]
)
def test_only_exactly_application_json_is_parsed(processor: Processor, content_type: str, body: str) -> None:
    assert processor.post(body=b"{}", content_type=content_type).json()["body"] == body


def test_json_that_cannot_be_parsed_stays_bytes(processor: Processor) -> None:
    assert processor.post(body=b"{", content_type="application/json").json()["body"] == "bytes"


@pytest.mark.parametrize(
    ("path", "status", "content"),
    [("/text", 200, b"text"), ("/bytes", 200, b"\x00\xff"), ("/dict", 200, b'{"a": 1}'), ("/pair", 418, b"teapot")],
)
def test_answers(processor: Processor, path: str, status: int, content: bytes) -> None:
    response = processor.post(path)
    assert (response.status_code, response.content) == (status, content)


def test_a_response_keeps_its_headers_and_type(processor: Processor) -> None:
    response = processor.post()
    assert response.headers["X-Seen"] == "yes"
    assert response.headers["Content-Type"] == "application/json"


def test_an_exception_is_500_and_the_worker_lives_on(processor: Processor) -> None:
    before = processor.post().json()
    response = processor.post("/fail")
    assert (response.status_code, "Traceback" in response.text) == (500, True)
    after = processor.post().json()
    assert (after["process"], after["starts"]) == (before["process"], 1)


def test_no_free_worker_is_503(processor: Processor) -> None:
    busy = threading.Thread(target=processor.post, args=("/sleep", b"1"))
    busy.start()
    time.sleep(0.3)
    assert processor.post("/text").status_code == 503
    busy.join()


def test_too_large_a_body_is_refused(processor: Processor) -> None:
    assert processor.post(body=b"x" * 1000).status_code == 200
    assert processor.post(body=b"x" * 1001).status_code == 400


def test_a_handler_that_takes_too_long_is_given_up(processor: Processor) -> None:
    before = processor.post().json()["process"]
    assert processor.post("/sleep", b"20").status_code == 408
    assert processor.post().json()["process"] != before


def test_each_worker_is_a_process(tmp_path: Path) -> None:
    started = run(tmp_path, numWorkers=2)
    try:
        seen = {(answer["worker"], answer["process"]) for answer in (started.post().json() for _ in range(4))}
        assert {worker for worker, _ in seen} == {0, 1}
        assert len({process for _, process in seen}) == 2
    finally:
        started.process.terminate()
        started.process.wait()


def test_init_context_that_raises_ends_the_processor(tmp_path: Path) -> None:
    started = run(tmp_path, {"BREAK": "start"})
    assert started.process.wait(timeout=10) == 1


def test_a_worker_that_ends_takes_the_processor_with_it(tmp_path: Path) -> None:
    started = run(tmp_path)
    with pytest.raises(requests.ConnectionError):
        started.post("/die")
    assert started.process.wait(timeout=10) == 1
