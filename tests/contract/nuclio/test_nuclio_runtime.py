"""The Python runtime as a handler sees it, through the dashboard."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from nuclio_system import Nuclio


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("application/json", "dict"), ("application/json; charset=utf-8", "bytes"), ("text/plain", "bytes")],
)
def test_the_body_is_parsed_for_exactly_application_json(
    nuclio: Nuclio, behaviour: str, content_type: str, body: str
) -> None:
    assert nuclio.invoke(behaviour, body=b"{}", content_type=content_type).json()["body"] == body


@pytest.mark.parametrize(
    ("path", "status", "content"),
    [("/text", 200, b"text"), ("/bytes", 200, b"\x00\xff"), ("/dict", 200, b'{"a": 1}'), ("/pair", 418, b"teapot")],
)
def test_what_a_handler_may_return(nuclio: Nuclio, behaviour: str, path: str, status: int, content: bytes) -> None:
    response = nuclio.invoke(behaviour, path)
    assert (response.status_code, response.content) == (status, content)


def test_an_exception_is_500_with_its_traceback_and_the_worker_lives_on(nuclio: Nuclio, behaviour: str) -> None:
    before = nuclio.invoke(behaviour).json()
    response = nuclio.invoke(behaviour, "/fail")
    assert response.status_code == 500
    assert "wrong on purpose" in response.text
    assert "Traceback" in response.text
    after = nuclio.invoke(behaviour).json()
    assert (after["process"], after["starts"]) == (before["process"], 1)


def test_the_environment_of_function_yaml_reaches_the_handler(nuclio: Nuclio, behaviour: str) -> None:
    assert nuclio.invoke(behaviour).json()["variable"] == "kept"


def test_without_a_free_worker_the_answer_is_503(nuclio: Nuclio, behaviour: str) -> None:
    with ThreadPoolExecutor() as pool:
        busy = pool.submit(nuclio.invoke, behaviour, "/sleep", b"2")
        time.sleep(0.5)
        assert nuclio.invoke(behaviour, "/text").status_code == 503
        assert busy.result().text == "awake"


def test_a_body_over_the_limit_is_refused(nuclio: Nuclio, behaviour: str) -> None:
    assert nuclio.invoke(behaviour, body=b"x" * 90_000, content_type="text/plain").status_code == 200
    assert nuclio.invoke(behaviour, body=b"x" * 110_000, content_type="text/plain").status_code in (400, 413)


def test_an_event_that_takes_too_long_is_given_up_and_the_worker_replaced(nuclio: Nuclio, behaviour: str) -> None:
    before = nuclio.invoke(behaviour).json()["process"]
    assert nuclio.invoke(behaviour, "/sleep", b"30").status_code == 408
    assert nuclio.invoke(behaviour).json()["process"] != before


def test_a_worker_that_ends_takes_the_container_with_it_and_the_restart_policy_brings_it_back(
    nuclio: Nuclio, stoppable: str
) -> None:
    before = nuclio.container(stoppable).attrs["RestartCount"]
    assert nuclio.invoke(stoppable, "/die").status_code == 500
    end = time.monotonic() + 60
    while (state := nuclio.container(stoppable).attrs)["RestartCount"] == before and time.monotonic() < end:
        time.sleep(0.3)
    assert state["RestartCount"] > before
    assert state["State"]["Running"]
