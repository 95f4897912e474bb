"""Servers that were managed from there, by a user who is not root."""

from __future__ import annotations

testinfra_hosts = ["ansible://servers"]


def test_an_ordinary_user_came_in_and_used_sudo_with_a_password(host) -> None:
    settings = host.check_output("/usr/sbin/sshd -T").splitlines()
    assert "permitrootlogin no" in settings and "passwordauthentication no" in settings
    assert host.run("runuser -u operator -- sudo --non-interactive true").rc != 0
    asked = host.check_output("journalctl --identifier sudo --output cat")
    assert "operator : " in asked and "USER=root ; COMMAND=/bin/sh" in asked


def test_the_server_has_its_release_s_python(host) -> None:
    releases = {"annotation-compat-12": "Python 3.11.", "annotation-compat-site": "Python 3.13."}
    assert host.check_output("python3 --version").startswith(releases[host.check_output("hostname")])


def test_the_user_writes_into_the_share(host) -> None:
    host.check_output("runuser -u operator -- touch /mnt/share/by-hand")


def test_the_firewall_stands(host) -> None:
    assert host.service("annotation-server-firewall").is_enabled
    assert "table inet annotation_server" in host.check_output("nft list tables").splitlines()
