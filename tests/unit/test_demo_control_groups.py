"""One image boots on machines with cgroup v1, v2 or both; here is what differs, for those that this machine is not."""

import re
import subprocess
from pathlib import Path

import pytest

from demo import hosts

UNIT = Path(__file__).parents[2] / "demo/images/host/stay-joinable.service"
# /proc/1/cgroup of a host, in its own cgroup namespace or not.
V2 = "0::/init.scope\n"
HYBRID = "12:pids:/\n3:memory:/\n1:name=systemd:/\n0::/init.scope\n"
NESTED = "3:memory:/anno-1/c0ffee\n0::/anno-1/c0ffee/init.scope\n"
V1 = "12:pids:/\n3:memory:/\n1:name=systemd:/init.scope\n"


def setting(name: str) -> str:
    found = re.search(rf"^{name}=(.*)$", UNIT.read_text(), re.M)
    assert found
    return found[1]


@pytest.mark.parametrize(("tree", "needed"), [(V2, False), (HYBRID, True), (NESTED, True), (V1, True)])
def test_only_where_there_are_old_trees_a_process_is_kept(tmp_path: Path, tree: str, needed: bool) -> None:
    (tmp_path / "cgroup").write_text(tree)
    asked = setting("ExecCondition").replace("/proc/1/cgroup", str(tmp_path / "cgroup"))
    assert (subprocess.run(asked.split(), check=False).returncode == 0) is needed


@pytest.mark.parametrize(("tree", "group"), [(HYBRID, ""), (NESTED, "/anno-1/c0ffee")])
def test_it_is_kept_in_the_container_s_own_group(tmp_path: Path, tree: str, group: str) -> None:
    (tmp_path / "cgroup").write_text(tree)
    found = re.search(r"\$\((sed .*?)\)/cgroup\.procs", setting("ExecStart").replace("\\\\", "\\"))
    assert found
    asked = found[1].replace("/proc/1/cgroup", str(tmp_path / "cgroup"))
    assert subprocess.run(["sh", "-c", asked], capture_output=True, text=True, check=True).stdout.strip() == group


def test_no_host_is_given_the_machine_s_own_tree() -> None:
    assert "--cgroupns=private" in hosts.FLAGS
    assert not [flag for flag in hosts.FLAGS if "/sys/fs/cgroup" in flag or flag == "--privileged"]
