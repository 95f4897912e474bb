"""Docker as CVAT will find it."""

from __future__ import annotations

import json

import pytest

DAEMON_JSON = "/etc/docker/daemon.json"


def test_docker_runs_now_and_at_boot(host) -> None:
    service = host.service("docker")
    assert service.is_running, host.run("journalctl --unit docker --lines 30 --no-pager").stdout
    assert service.is_enabled


def test_compose_is_version_2(host) -> None:
    version = host.check_output("docker compose version --short").lstrip("v")
    assert tuple(int(part) for part in version.split("-")[0].split(".")[:2]) >= (2, 24)


def test_settings_are_those_that_were_asked_for(host, mirror) -> None:
    settings = json.loads(host.file(DAEMON_JSON).content_string)
    assert settings["log-driver"] == "json-file"
    assert settings["log-opts"] == {"max-size": "10m", "max-file": "3"}
    assert settings["default-address-pools"] == [{"base": "172.28.0.0/14", "size": 24}]
    assert f"{mirror}:5000" in settings["insecure-registries"]
    assert "data-root" not in settings and "no-such-setting" not in settings


def test_docker_uses_them(host, mirror) -> None:
    info = json.loads(host.check_output("docker info --format '{{json .}}'"))
    assert info["LoggingDriver"] == "json-file"
    assert info["DefaultAddressPools"] == [{"Base": "172.28.0.0/14", "Size": 24}]
    assert f"{mirror}:5000" in info["RegistryConfig"]["IndexConfigs"]
    assert "192.0.2.9:3128" in info["HttpsProxy"] and info["NoProxy"] == mirror


def test_the_proxy_s_password_is_for_root_only(host) -> None:
    assert host.file(DAEMON_JSON).mode == 0o600
    assert host.run("setpriv --reuid games --clear-groups cat /etc/docker/daemon.json").rc != 0


def test_new_networks_stay_away_from_cvat(host) -> None:
    host.check_output("docker network create molecule-probe")
    try:
        subnet = host.check_output("docker network inspect -f '{{(index .IPAM.Config 0).Subnet}}' molecule-probe")
        assert subnet.startswith(("172.28.", "172.29.", "172.30.", "172.31."))
        assert subnet.endswith("/24")
    finally:
        host.check_output("docker network rm molecule-probe")


def test_ansible_can_speak_to_docker(host) -> None:
    assert host.run("python3 -c 'import requests'").rc == 0


def test_named_users_use_docker(host) -> None:
    assert "docker" in host.user("games").groups


def test_nothing_is_left_to_do(host) -> None:
    assert not host.file("/run/annotation-server-docker").exists


@pytest.mark.parametrize("image", ["shop"])
def test_what_the_test_made_is_gone(host, image: str) -> None:
    assert image not in host.check_output("docker ps --all --format '{{.Names}}'")
