"""What the newest Ansible said, and that it was what it should have been."""

from __future__ import annotations

import re

import pytest

RUNS = ("old", "work", "again")


@pytest.fixture
def control(host):
    """The control node."""
    if host.check_output("hostname") != "annotation-compat":
        pytest.skip("it is about the control node")
    return host


@pytest.fixture
def server(host):
    """A server."""
    if host.check_output("hostname") == "annotation-compat":
        pytest.skip("it is about the servers")
    return host


def said(control, run: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", control.file(f"/root/{run}.log").content_string)


def counted(control, run: str) -> dict[str, int]:
    """The line of the recap."""
    line = re.findall(r"^annotation-compat-\S+ +: (.*)$", said(control, run), re.M)[-1]
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def test_it_is_the_newest_ansible_and_python(control) -> None:
    version = control.check_output("/root/venv/bin/ansible --version")
    assert version.startswith("ansible [core 2.21.")
    assert "python version = 3.13." in version


@pytest.mark.parametrize("run", RUNS)
def test_nothing_is_deprecated_and_nobody_is_warned(control, run: str) -> None:
    warnings = re.findall(r"^\[(?:DEPRECATION )?WARNING\].*", said(control, run), re.M)
    # In check mode about groups that are numbers without a name, as the object storage's is.
    assert [line for line in warnings if "look up group with gid 1000" not in line] == []


@pytest.mark.parametrize("run", ["old", "work"])
def test_it_did_real_work(control, run: str) -> None:
    assert counted(control, run)["changed"] > 0
    assert counted(control, run)["failed"] == 0


def test_a_finished_server_is_left_as_it_is(control) -> None:
    assert counted(control, "again")["changed"] == 0


def test_an_ordinary_user_came_in_and_used_sudo_with_a_password(server) -> None:
    settings = server.check_output("/usr/sbin/sshd -T").splitlines()
    assert "permitrootlogin no" in settings and "passwordauthentication no" in settings
    assert server.run("runuser -u operator -- sudo --non-interactive true").rc != 0
    asked = server.check_output("journalctl --identifier sudo --output cat")
    assert "operator : " in asked and "USER=root ; COMMAND=/bin/sh" in asked


def test_the_server_has_its_release_s_python(server) -> None:
    releases = {"annotation-compat-12": "Python 3.11.", "annotation-compat-site": "Python 3.13."}
    assert server.check_output("python3 --version").startswith(releases[server.check_output("hostname")])


def test_the_user_writes_into_the_share(server) -> None:
    server.check_output("runuser -u operator -- touch /mnt/share/by-hand")


def test_the_firewall_stands(server) -> None:
    assert server.service("annotation-server-firewall").is_enabled
    assert "table inet annotation_server" in server.check_output("nft list tables")
