"""After a power cut everything that was begun is whole, and packages can be installed again."""

from __future__ import annotations


def test_nothing_is_half_installed(host) -> None:
    assert host.check_output("dpkg --audit") == ""
    assert host.check_output("ls -A /var/lib/dpkg/updates") == ""


def test_what_was_begun_is_finished(host) -> None:
    assert host.check_output("echo '{\"a\": 1}' | jq .a") == "1"


def test_what_was_there_in_part_is_whole(host) -> None:
    # Manual pages are kept off this host from the start.
    assert "/usr/bin/" not in host.check_output("dpkg --verify less")
    assert host.run("less --version").rc == 0


def test_lists_are_brought_anew_by_who_installs_next(host) -> None:
    # What every role asks for: lists of the last hour are not brought again.
    task = "name=ed update_cache=true cache_valid_time=3600"
    assert host.ansible("ansible.builtin.apt", task, check=False)["changed"]
    assert host.package("ed").is_installed
