"""Each check passes on a good server, and on a bad one says what is wrong and what to do."""

from __future__ import annotations

import pytest
from ansible_collections.annotation.server.plugins.module_utils import server_checks as checks


def answers(*replies: tuple[int, str, str]):
    """Stand in for ``run_command``: the given replies, one a call; the last one stays."""
    left = list(replies)

    def run(command: list[str]) -> tuple[int, str, str]:
        assert command[0] == "docker"
        return left.pop(0) if len(left) > 1 else left[0]

    return run


def test_all_containers_run() -> None:
    found: dict[str, dict[str, str]] = {}
    run = answers((0, "aa\nbb\n", ""), (0, "cvat_db\tpostgres:15\trunning\t172.20.0.3 \nnuclio\tn:1\trunning\t\n", ""))
    assert checks.containers_run(run, "cvat", found) == "2 containers run"
    assert found["cvat_db"] == {"image": "postgres:15", "state": "running", "address": "172.20.0.3"}
    assert found["nuclio"]["address"] == ""


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        ([(1, "", "Cannot connect to the Docker daemon")], "Cannot connect"),
        ([(0, "", "")], "no containers"),
        ([(0, "aa\n", ""), (0, "cvat_db\tp\texited\t\n", "")], "cvat_db is exited"),
    ],
)
def test_containers_that_do_not_run(replies: list, words: str) -> None:
    with pytest.raises(checks.CheckFailed, match=words) as caught:
        checks.containers_run(answers(*replies), "cvat", {})
    assert caught.value.cure


def test_models_are_those_that_this_project_deployed() -> None:
    ours = 'running\tsam2\t{"annotation-server/content-hash": "1"}\n'
    others = 'exited\tmine\t{"name": "Mine"}\nexited\tbare\t\n'
    assert checks.models_on_server(answers((0, ours + others, ""))) == {"sam2": "running"}
    assert checks.models_on_server(answers((0, "", ""))) == {}


def test_share() -> None:
    good = answers((0, "token\n", ""), (1, "", "touch: cannot touch: Read-only file system"))
    assert "cannot be written" in checks.share_is_read_only(good, "cvat_server", "/mnt/share", "token", "f")


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        ([(1, "", "No such file or directory")], "does not appear"),
        ([(0, "token", ""), (0, "", "")], "can write"),
        ([(0, "token", ""), (1, "", "Permission denied")], "not because it is mounted read-only"),
    ],
)
def test_share_faults(replies: list, words: str) -> None:
    with pytest.raises(checks.CheckFailed, match=words):
        checks.share_is_read_only(answers(*replies), "cvat_server", "/mnt/share", "token", "f")


def test_proxy() -> None:
    assert "200" in checks.proxy_reaches(answers((0, "200\n", "")), "cvat_server", "http://p", "http://minio")
    with pytest.raises(checks.CheckFailed, match="407") as caught:
        checks.proxy_reaches(answers((1, "", "HTTPError: HTTP Error 407")), "cvat_server", "http://p", "http://minio")
    assert "SMOKESCREEN_OPTS" in caught.value.cure


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((0, "127.0.0.1:8070\n", ""), "127.0.0.1:8070 only"),
        ((1, "", "Error: No public port '8070' published for nuclio"), "not published"),
    ],
)
def test_private_port(reply: tuple[int, str, str], words: str) -> None:
    assert words in checks.port_is_private(answers(reply), "nuclio", 8070)


@pytest.mark.parametrize("line", ["0.0.0.0:8070\n", "[::]:8070\n", "127.0.0.1:8070\n192.168.1.5:8070\n"])
def test_open_port(line: str) -> None:
    with pytest.raises(checks.CheckFailed, match="owns this server"):
        checks.port_is_private(answers((0, line, "")), "nuclio", 8070)


def test_checklist_goes_on_after_a_failure() -> None:
    def bad() -> str:
        raise checks.CheckFailed("broken", "mend it")

    def absent() -> str:
        raise checks.CheckSkipped("no bucket here")

    result = checks.Checklist()
    assert not result.run("a", "A", bad)
    assert not result.run("b", "B", absent)
    assert result.run("c", "C", lambda: "fine")
    assert [check.state for check in result.checks] == ["failed", "skipped", "ok"]
    assert [check.name for check in result.failed] == ["a"]
    assert result.as_dicts()[0]["cure"] == "mend it"
