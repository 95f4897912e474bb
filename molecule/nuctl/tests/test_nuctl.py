"""nuctl as the next role and an administrator find it, also after every wrong input."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("folder", ["/opt/annotation-server/bin"])
def test_nuctl_has_the_version_of_the_dashboard(host, folder: str) -> None:
    assert "Label: 1.16.3" in host.check_output(f"{folder}/nuctl version")


def test_nuctl_belongs_to_root_and_everybody_may_run_it(host) -> None:
    nuctl = host.file("/opt/annotation-server/bin/nuctl")
    assert (nuctl.user, nuctl.mode) == ("root", 0o755)


def test_no_download_is_left_behind(host) -> None:
    assert host.check_output("ls -A /opt/annotation-server/bin") == "nuctl"


@pytest.mark.parametrize("folder", ["/root/unverified", "/root/other"])
def test_what_was_refused_was_not_installed(host, folder: str) -> None:
    assert not host.file(f"{folder}/nuctl").exists


@pytest.mark.parametrize("folder", ["/root/by-digest", "/root/local"])
def test_other_ways_install_the_same(host, folder: str) -> None:
    if not host.file("/root/by-digest").exists:
        pytest.skip("before the side effects")
    same = host.file("/opt/annotation-server/bin/nuctl").sha256sum
    assert host.file(f"{folder}/nuctl").sha256sum == same
