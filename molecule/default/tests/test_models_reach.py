"""Whom a model reaches, asked from inside its container: nobody. And whom it would reach without the rules."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator

import pytest

MODEL = "nuclio-nuclio-sam2"
OTHER = "nuclio-nuclio-sam2-auto"
RULES = "annotation-server-functions.service"
ASK = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"
SERVICES = {
    "cvat_db": 5432,
    "cvat_redis_inmem": 6379,
    "cvat_redis_ondisk": 6666,
    "cvat_clickhouse": 8123,
    "cvat_server": 8080,
}
ON_THE_SERVER = 7878  # where something of the server's own listens, for this test


def reaches(host, address: str, port: int) -> bool:
    return host.run(f"docker exec {MODEL} python -c '{ASK}' {address} {port}").rc == 0


def networks(host, name: str) -> dict[str, str]:
    (container,) = json.loads(host.check_output(f"docker inspect {name}"))
    return {name: each["IPAddress"] for name, each in container["NetworkSettings"]["Networks"].items()}


@pytest.fixture(scope="module")
def address(host) -> Iterator[str]:
    """An address of the server's own on which it listens at ON_THE_SERVER, in the models' network."""
    unit = "listens-for-a-test"
    host.check_output(f"systemd-run --unit={unit} python3 -m http.server {ON_THE_SERVER} --bind 0.0.0.0")
    yield "172.20.1.1"
    host.check_output(f"systemctl stop {unit}")


@pytest.fixture
def no_rules(host) -> Iterator[None]:
    """The same server without the rules."""
    host.check_output(f"systemctl stop {RULES}")
    yield
    host.check_output(f"systemctl start {RULES}")


def test_models_are_alone_with_the_dashboard(host) -> None:
    (network,) = json.loads(host.check_output("docker network inspect cvat_functions"))
    names = {container["Name"] for container in network["Containers"].values()}
    assert {MODEL, OTHER, "nuclio"} <= names
    assert not [name for name in names if name != "nuclio" and not name.startswith("nuclio-nuclio-")]
    assert ipaddress.ip_address(networks(host, MODEL)["cvat_functions"]) in ipaddress.ip_network("172.20.1.128/25")
    assert networks(host, "nuclio") == {"cvat_cvat": "172.20.0.5", "cvat_functions": "172.20.1.5"}


@pytest.mark.parametrize("dashboard", ["172.20.1.5", "172.20.0.5", "nuclio"])
def test_a_model_does_not_reach_the_dashboard(host, dashboard: str) -> None:
    assert not reaches(host, dashboard, 8070)


@pytest.mark.parametrize("service", SERVICES)
def test_a_model_does_not_reach_cvat_and_its_databases(host, service: str) -> None:
    assert not reaches(host, networks(host, service)["cvat_cvat"], SERVICES[service])


def test_a_model_does_not_reach_another_model(host) -> None:
    assert not reaches(host, networks(host, OTHER)["cvat_functions"], 8080)


def test_a_model_does_not_reach_the_server_and_the_network_around(host, address) -> None:
    own = host.check_output("ip -4 -oneline address show dev eth0").split()[3].split("/")[0]
    gateway = host.check_output("ip route show default").split()[2]
    assert not [reached for reached in (address, own, "172.20.0.1") if reaches(host, reached, ON_THE_SERVER)]
    assert not [port for port in (22, 8070, 8080) if reaches(host, address, port)]
    assert not reaches(host, gateway.rpartition(".")[0] + ".2", 5000)  # the mirror, which the server reaches


def test_without_the_rules_it_would_reach_them(host, address, no_rules) -> None:
    """What is asked above is there to be reached."""
    assert reaches(host, "172.20.1.5", 8070)
    assert reaches(host, networks(host, OTHER)["cvat_functions"], 8080)
    assert reaches(host, address, ON_THE_SERVER)


def test_verify_asks_the_same(host) -> None:
    checks = json.loads(host.file("/var/lib/annotation-server/verify.json").content_string)["checks"]
    assert [check["state"] for check in checks if check["name"] == "functions_reach"] == ["ok"]
