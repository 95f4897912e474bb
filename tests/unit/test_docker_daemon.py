"""daemon.json: what is merged, what is refused, and what a running engine is asked to do."""

from __future__ import annotations

import ipaddress
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.annotation.server.plugins.module_utils import docker_daemon, docker_settings
from ansible_collections.annotation.server.plugins.modules import docker_daemon_config
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # Python 3.13 names the comma, older ones the brace behind it.
        ('{\n  "debug": true,\n}\n', "is no valid JSON: line "),
        ('{"https-proxy": "http://me:secret@proxy" "x": 1}', "http://...@proxy"),
        ('{\n  "debug": true\n  "dns": []\n}\n', "line 3, column 3"),
        ("[]", "no JSON object"),
        ("debug = true", "line 1, column 1: Expecting value, near 'debug = true'"),
        ('{"a": ', "line 1, column 7"),
    ],
)
def test_broken_file(text: str, message: str) -> None:
    with pytest.raises(docker_daemon.DaemonConfigError) as error:
        docker_daemon.parse(text, "/etc/docker/daemon.json")
    assert message in str(error.value) and "/etc/docker/daemon.json" in str(error.value)


@pytest.mark.parametrize("text", ["", " \n", "{}"])
def test_no_settings(text: str) -> None:
    assert docker_daemon.parse(text, "x") == {}


def test_merge_keeps_what_is_foreign() -> None:
    before = {
        "dns": ["10.0.0.1"],
        "runtimes": {"kata": {"path": "kata"}},
        "insecure-registries": ["a:5000"],
        "log-opts": {"labels": "x", "max-size": "1m"},
    }
    wanted = {
        "runtimes": {"nvidia": {"path": "nvidia-container-runtime", "args": []}},
        "insecure-registries": ["b:5000", "a:5000"],
        "log-opts": {"max-size": "10m"},
    }
    after = docker_daemon.apply(before, wanted, [])
    assert after == {
        "dns": ["10.0.0.1"],
        "runtimes": {"kata": {"path": "kata"}, "nvidia": {"path": "nvidia-container-runtime", "args": []}},
        "insecure-registries": ["a:5000", "b:5000"],
        "log-opts": {"labels": "x", "max-size": "10m"},
    }
    assert docker_daemon.apply(after, wanted, []) == after
    assert docker_daemon.apply(after, {}, ["dns", "none"]) == {k: v for k, v in after.items() if k != "dns"}
    assert before["runtimes"] == {"kata": {"path": "kata"}}


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        ({}, {}, "none"),
        ({"debug": True}, {"debug": True}, "none"),
        ({}, {"insecure-registries": ["a"], "live-restore": True}, "reload"),
        ({"runtimes": {}}, {"runtimes": {"nvidia": {}}}, "reload"),
        ({}, {"insecure-registries": ["a"], "log-driver": "local"}, "restart"),
        ({"dns": ["1.1.1.1"]}, {}, "restart"),
    ],
)
def test_action(before: dict[str, Any], after: dict[str, Any], action: str) -> None:
    assert docker_daemon.action(docker_daemon.changed_keys(before, after)) == action


def test_flags_that_the_file_sets_too() -> None:
    line = "/usr/sbin/dockerd -H fd:// --containerd=/run/containerd.sock --log-opt max-size=1m --add-runtime=x=y"
    assert docker_daemon.flag_keys(line) == {
        "hosts": "-H",
        "containerd": "--containerd",
        "log-opts": "--log-opt",
        "runtimes": "--add-runtime",
    }
    docker_daemon.check_flags({"log-driver": "local"}, line, "f")
    with pytest.raises(docker_daemon.DaemonConfigError, match=r"log-opts \(--log-opt\)"):
        docker_daemon.check_flags({"log-opts": {}}, line, "f")


@pytest.mark.parametrize(
    ("pools", "reserved", "expected"),
    [
        ([("172.28.0.0/14", 24)], ["172.20.0.0/24"], [("172.28.0.0/14", 24)]),
        ([("172.20.0.0/22", 24)], ["172.20.0.0/24"], [("172.20.1.0/24", 24), ("172.20.2.0/23", 24)]),
        ([("172.20.0.0/22", 23)], ["172.20.0.0/24"], [("172.20.2.0/23", 23)]),
        ([("172.20.0.0/24", 24), ("10.9.0.0/16", 24)], ["172.20.0.0/16"], [("10.9.0.0/16", 24)]),
        ([("fd00::/48", 64)], ["172.20.0.0/24"], [("fd00::/48", 64)]),
        ([("172.20.0.0/16", 24)], [], [("172.20.0.0/16", 24)]),
        ([], ["172.20.0.0/24"], []),
    ],
)
def test_pools(pools: list[tuple[str, int]], reserved: list[str], expected: list[tuple[str, int]]) -> None:
    cut = docker_daemon.outside([{"base": base, "size": size} for base, size in pools], reserved)
    assert [(pool["base"], pool["size"]) for pool in cut] == expected


@pytest.mark.parametrize(
    ("pools", "reserved", "message"),
    [
        ([{"base": "172.20.0.0/16", "size": 16}], ["172.20.0.0/24"], "completely inside"),
        ([{"base": "172.20.0.0/16"}], [], "must look like"),
        ([{"base": "nonsense", "size": 24}], [], "must look like"),
        ([], ["172.20.0.1/24"], "must look like"),
    ],
)
def test_pools_that_cannot_be(pools: list[dict[str, Any]], reserved: list[str], message: str) -> None:
    with pytest.raises(docker_daemon.DaemonConfigError, match=message):
        docker_daemon.outside(pools, reserved)


@given(st.integers(8, 24), st.integers(0, 255), st.integers(0, 255), st.integers(16, 30), st.integers(0, 2**16 - 1))
def test_pools_never_touch_what_is_reserved(prefix: int, second: int, third: int, hole: int, place: int) -> None:
    base = ipaddress.IPv4Network((f"10.{second}.{third}.0", prefix), strict=False)
    reserved = ipaddress.IPv4Network((int(base.network_address) + place, hole), strict=False)
    try:
        cut = docker_daemon.outside([{"base": str(base), "size": 24}], [str(reserved)])
    except docker_daemon.DaemonConfigError:
        # Nothing was left: then the rest of the pool has no room for a /24 outside.
        assert prefix >= 23 or reserved.supernet_of(base)
        return
    parts = [ipaddress.IPv4Network(pool["base"]) for pool in cut]
    assert all(part.subnet_of(base) and not part.overlaps(reserved) for part in parts)
    if hole <= 24 and base.supernet_of(reserved):
        assert sum(part.num_addresses for part in parts) == base.num_addresses - reserved.num_addresses
    assert docker_daemon.outside(cut, [str(reserved)]) == cut


WISH: dict[str, Any] = {
    "engine": "29.3.1", "address_pools": [], "reserved_subnets": ["172.20.0.0/24"], "log_driver": "",
    "log_max_size": "10m", "log_max_files": 3, "insecure_registries": [], "registry_mirrors": [],
    "http_proxy": "", "https_proxy": "", "no_proxy": "", "settings": {},
}  # fmt: skip
USUAL = {
    "log-driver": "json-file",
    "log-opts": {"max-size": "10m", "max-file": "3"},
    "default-address-pools": [{"base": "172.28.0.0/14", "size": 24}],
}


@pytest.mark.parametrize(
    ("current", "wish", "expected"),
    [
        ({}, {}, USUAL),
        ({"log-driver": "journald"}, {}, {"log-driver": "journald", "log-opts": None}),
        ({"log-driver": "journald"}, {"log_driver": "local"}, {"log-driver": "local", "log-opts": USUAL["log-opts"]}),
        ({"default-address-pools": [{"base": "10.9.0.0/16", "size": 24}]}, {},
         {"default-address-pools": [{"base": "10.9.0.0/16", "size": 24}]}),
        ({}, {"address_pools": [{"base": "172.20.0.0/23", "size": 24}]},
         {"default-address-pools": [{"base": "172.20.1.0/24", "size": 24}]}),
        ({}, {"engine": "29.1.3"}, {"min-api-version": "1.40"}),
        ({}, {"engine": "29.3.0"}, {"min-api-version": None}),
        ({}, {"engine": "28.5.2"}, {"min-api-version": None}),
        ({}, {"engine": ""}, {"min-api-version": None}),
        ({}, {"insecure_registries": ["m:5000"], "registry_mirrors": ["https://m"]},
         {"insecure-registries": ["m:5000"], "registry-mirrors": ["https://m"]}),
        ({}, {"https_proxy": "http://p:3128", "no_proxy": "lan"},
         {"proxies": {"https-proxy": "http://p:3128", "no-proxy": "lan"}}),
        ({}, {"settings": {"live-restore": True, "log-opts": {"max-size": "1g"}}},
         {"live-restore": True, "log-opts": {"max-size": "1g", "max-file": "3"}}),
    ],
)  # fmt: skip
def test_settings(current: dict[str, Any], wish: dict[str, Any], expected: dict[str, Any]) -> None:
    wanted = docker_settings.wanted(current, {**WISH, **wish})
    assert {key: wanted.get(key) for key in expected} == expected
    # What has been applied once asks for nothing more.
    applied = docker_daemon.apply(current, wanted, [])
    assert docker_daemon.apply(applied, docker_settings.wanted(applied, {**WISH, **wish}), []) == applied


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run the module with a PATH of its own, in which a test may put a dockerd or systemctl."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setattr(sys, "argv", ["docker_daemon_config"])
    monkeypatch.setattr(basic.AnsibleModule, "_log_invocation", lambda self: None)
    monkeypatch.setattr(
        basic.AnsibleModule,
        "get_bin_path",
        lambda self, name, *rest: str(programs / name) if (programs / name).exists() else None,
    )

    def call(check: bool = False, **arguments: Any) -> dict[str, Any]:
        given = {"path": str(tmp_path / "docker/daemon.json"), **arguments, "_ansible_check_mode": check}
        with patch_module_args(given), pytest.raises(SystemExit):
            docker_daemon_config.main()
        return json.loads(capsys.readouterr().out)

    return call


def program(tmp_path: Path, name: str, script: str) -> None:
    path = tmp_path / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_module_writes_once(run, tmp_path: Path) -> None:
    program(tmp_path, "dockerd", 'test -s "$3"')
    path = tmp_path / "docker/daemon.json"
    foretold = run(check=True, settings={"debug": True})
    assert foretold["changed"] and not path.exists()
    first = run(settings={"debug": True})
    assert (first["changed"], first["action"], first["validated"], first["backup"]) == (True, "reload", True, "")
    assert first["diff"]["after"] == path.read_text() == '{\n  "debug": true\n}\n'
    assert path.stat().st_mode & 0o777 == 0o644
    second = run(settings={"debug": True})
    assert (second["changed"], second["action"], second["settings"]) == (False, "none", {"debug": True})


def test_module_keeps_mode_format_and_the_file_before(run, tmp_path: Path) -> None:
    path = tmp_path / "docker/daemon.json"
    path.parent.mkdir()
    path.write_text('{"dns":["10.0.0.1"]}')
    path.chmod(0o600)
    assert not run(settings={"dns": ["10.0.0.1"]})["changed"]
    assert path.read_text() == '{"dns":["10.0.0.1"]}'
    result = run(settings={"log-driver": "local"})
    assert (result["action"], result["changed_keys"], result["validated"]) == ("restart", ["log-driver"], False)
    assert json.loads(path.read_text()) == {"dns": ["10.0.0.1"], "log-driver": "local"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert Path(result["backup"]).read_text() == '{"dns":["10.0.0.1"]}'


def test_module_hides_a_password(run, tmp_path: Path) -> None:
    path = tmp_path / "docker/daemon.json"
    run(settings={"proxies": {"https-proxy": "http://proxy:3128"}})
    assert path.stat().st_mode & 0o777 == 0o644
    run(settings={"proxies": {"https-proxy": "http://me:secret@proxy:3128"}})
    assert path.stat().st_mode & 0o777 == 0o600


def test_module_reads_only(run, tmp_path: Path) -> None:
    assert run()["settings"] == {}
    assert not (tmp_path / "docker").exists()


@pytest.mark.parametrize("content", ['{"debug": true,}', '{"debug": \n', "[1]", "\xff"])
def test_module_leaves_a_broken_file(run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "docker/daemon.json"
    path.parent.mkdir()
    path.write_bytes(content.encode("latin-1"))
    result = run(settings={"debug": True})
    assert result["failed"] and path.read_bytes() == content.encode("latin-1")


def test_module_leaves_the_file_when_docker_refuses(run, tmp_path: Path) -> None:
    program(tmp_path, "dockerd", "echo 'unable to configure the Docker daemon with file '$3': bad' >&2; exit 1")
    result = run(settings={"nonsense": True})
    assert result["failed"] and "bad" in result["msg"] and str(tmp_path / "docker/daemon.json") in result["msg"]
    assert not (tmp_path / "docker/daemon.json").exists()


def test_module_lives_with_an_engine_that_cannot_validate(run, tmp_path: Path) -> None:
    program(tmp_path, "dockerd", "echo 'unknown flag: --validate' >&2; exit 125")
    assert run(settings={"debug": True})["validated"] is False


def test_module_refuses_what_the_service_sets(run, tmp_path: Path) -> None:
    (tmp_path / "docker.default").write_text('DOCKER_OPTS="--log-driver=syslog"\n')
    program(tmp_path, "systemctl", (
        "echo 'ExecStart={ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS ; x=no }'\n"
        f"echo 'EnvironmentFiles={tmp_path}/docker.default (ignore_errors=yes)'"
    ))  # fmt: skip
    result = run(settings={"log-driver": "local"})
    assert result["failed"] and "log-driver (--log-driver)" in result["msg"]
    assert not (tmp_path / "docker/daemon.json").exists()
    assert run(settings={"debug": True})["changed"]


def test_module_takes_back_to_the_letter_what_it_merged(run, tmp_path: Path) -> None:
    path, memory = tmp_path / "docker/daemon.json", str(tmp_path / "before/docker-daemon.json")
    path.parent.mkdir()
    path.write_text('{ "dns":["10.0.0.1"] }')
    run(settings={"log-driver": "local"}, memory=memory)
    run(settings={"runtimes": {"nvidia": {"path": "n"}}}, memory=memory)
    assert (tmp_path / "before").stat().st_mode & 0o777 == 0o700
    foretold = run(check=True, memory=memory, undo=True)
    assert foretold["changed_keys"] == ["log-driver", "runtimes"] and "nvidia" in path.read_text()
    assert run(memory=memory, undo=True)["action"] == "restart"
    assert path.read_text() == '{ "dns":["10.0.0.1"] }'
    assert run(memory=memory, undo=True)["changed"] is False


def test_module_removes_the_file_that_was_not_there(run, tmp_path: Path) -> None:
    memory = str(tmp_path / "memory.json")
    run(settings={"debug": True}, memory=memory)
    assert run(memory=memory, undo=True)["changed"] is True
    assert not (tmp_path / "docker/daemon.json").exists()


def test_module_without_a_memory_takes_nothing_back(run, tmp_path: Path) -> None:
    run(settings={"debug": True})
    assert run(memory=str(tmp_path / "none.json"), undo=True)["changed"] is False
