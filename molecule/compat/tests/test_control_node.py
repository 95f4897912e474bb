"""What the newest Ansible said, and that it was what it should have been."""

from __future__ import annotations

import re

import pytest

testinfra_hosts = ["ansible://annotation-compat"]
RUNS = ("old", "work", "again")


def said(host, run: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", host.file(f"/root/{run}.log").content_string)


def counted(host, run: str) -> dict[str, int]:
    """The line of the recap."""
    line = re.findall(r"^annotation-compat-\S+ +: (.*)$", said(host, run), re.M)[-1]
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def test_it_is_the_newest_ansible_and_python(host) -> None:
    version = host.check_output("/root/venv/bin/ansible --version")
    assert version.startswith("ansible [core 2.21.")
    assert "python version = 3.13." in version


@pytest.mark.parametrize("run", RUNS)
def test_nothing_is_deprecated_and_nobody_is_warned(host, run: str) -> None:
    warnings = re.findall(r"^\[(?:DEPRECATION )?WARNING\].*", said(host, run), re.M)
    # In check mode about groups that are numbers without a name, as the object storage's is.
    assert [line for line in warnings if "look up group with gid 1000" not in line] == []


@pytest.mark.parametrize("run", ["old", "work"])
def test_it_did_real_work(host, run: str) -> None:
    assert counted(host, run)["changed"] > 0
    assert counted(host, run)["failed"] == 0


def test_a_finished_server_is_left_as_it_is(host) -> None:
    assert counted(host, "again")["changed"] == 0
