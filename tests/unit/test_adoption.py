"""What is found on servers that were set up by hand."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import adoption

OURS = {"com.docker.compose.project": "cvat"}


def container(name: str, image: str = "x", project: str = "cvat", **rest: Any) -> dict[str, Any]:
    """Return what docker inspect says of a container."""
    ports = {f"{inside}/tcp": [{"HostIp": ip, "HostPort": str(port)}] for ip, port, inside in rest.get("ports", [])}
    labels = {"com.docker.compose.project": project, **rest.get("labels", {})}
    return {
        "Name": f"/{name}",
        "State": {"Running": rest.get("running", True)},
        "Config": {"Image": image, "Labels": labels, "Env": rest.get("env", [])},
        "HostConfig": {"PortBindings": ports},
        "NetworkSettings": {"Ports": ports, "Networks": {"cvat_cvat": {"IPAddress": rest.get("ip", "")}}},
        "Mounts": [{"Type": "bind", "Source": where, "Destination": to} for where, to in rest.get("mounts", [])],
    }


def function(name: str, port: int) -> dict[str, Any]:
    """Return a function as nuctl deploys it without further words."""
    labels = {"nuclio.io/function-name": name}
    return container(f"nuclio-nuclio-{name}", project="", labels=labels, ports=[("0.0.0.0", port, 8080)])


@pytest.fixture
def server() -> dict[str, Any]:
    """A server as the guide leaves it."""
    host_rule = {"traefik.http.routers.cvat.rule": "Host(`cvat.lab`) && PathPrefix(`/api/`)"}
    share, data = [("/mnt/share", "/home/django/share")], [("/mnt/minio-data", "/data")]
    everywhere = "0.0.0.0"
    return {
        "containers": [
            container("cvat_server", "cvat/server:v2.80.0", labels=host_rule, mounts=share),
            container("traefik", ports=[(everywhere, 8081, 8080), (everywhere, 8090, 8090)]),
            container("nuclio", ports=[("", 8070, 8070)]),
            container("cvat_db", ports=[("127.0.0.1", 5432, 5432)]),
            container(
                "minio",
                ip="172.20.0.20",
                mounts=data,
                ports=[(everywhere, 9000, 9000)],
                env=["MINIO_ROOT_USER=minio", "MINIO_ROOT_PASSWORD=minio123"],
            ),
            container("somebodys", project="other", ports=[(everywhere, 3000, 3000)]),
            function("sam2-tce", 32768),
            function("mine", 32769),
        ],
        "network": {"Name": "cvat_cvat", "IPAM": {"Config": [{"Subnet": "172.20.0.0/24"}]}},
        "listeners": [{"address": "::", "port": 2375, "process": "dockerd", "pid": 1}],
        "folders": {"/mnt/share": {"mode": "0777"}, "/mnt/minio-data": {"mode": "0750"}},
        "superusers": ["django", "second"],
        "storages": [
            {"resource": "a", "display_name": "A", "specific_attributes": "endpoint_url=http://172.20.0.20:9000"},
            {"resource": "b", "display_name": "B", "specific_attributes": "endpoint_url=http://minio:9000&region=x"},
            {"resource": "far", "display_name": "Far", "specific_attributes": "region=us-east-1"},
        ],
    }


def test_settings_describe_the_server(server) -> None:
    assert adoption.problems(server) == []
    assert adoption.settings(server) == {
        "annotation_server_cvat_version": "v2.80.0",
        "annotation_server_host": "cvat.lab",
        "annotation_server_http_port": 8081,
        "annotation_server_share_dir": "/mnt/share",
        "annotation_server_superuser": "django",
        "annotation_server_object_storage": True,
        "annotation_server_object_storage_dir": "/mnt/minio-data",
        "annotation_server_bucket": "a",
        "object_storage_display_name": "A",
        "object_storage_extra_buckets": [{"name": "b", "display_name": "B"}],
        "nuclio_functions": [{"name": "sam2", "id": "sam2-tce"}],
        "verify_functions": ["sam2-tce"],
        "verify_interactor": "sam2-tce",
    }
    assert adoption.functions(server)[1] == ["mine"]


def test_what_is_open_is_named_and_nothing_else(server) -> None:
    assert [each["key"] for each in adoption.exposures(server)] == [
        "port traefik 8090",
        "port nuclio 8070",
        "port minio 9000",
        "port nuclio-nuclio-sam2-tce 8080",
        "port nuclio-nuclio-mine 8080",
        "dockerd 2375",
        "login minio",
        "folder /mnt/share",
        "ip_range",
    ]
    assert "minio123" not in str(adoption.exposures(server))


def test_an_object_storage_without_any_login_has_the_images_own(server) -> None:
    storage = adoption.find(server, "minio")
    storage["Config"]["Env"] = ["MINIO_ROOT_USER_FILE=/run/user", "MINIO_ROOT_PASSWORD_FILE=/run/password"]
    assert "login minio" not in [each["key"] for each in adoption.exposures(server)]
    storage["Config"]["Env"] = []
    assert "login minio" in [each["key"] for each in adoption.exposures(server)]


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "cvat_server",
            {"Config": {"Image": "cvat/server:dev", "Labels": {"com.docker.compose.project": "cvat"}}},
            "no release",
        ),
        ("cvat_server", {"State": {"Running": False}}, "does not run"),
        ("cvat_server", {"Config": {"Image": "cvat/server:v2.80.0", "Labels": {}}}, "project is called ''"),
        ("minio", {"Config": {"Image": "x", "Labels": {}}}, "docker rm -f minio"),
        ("minio", {"Config": {"Image": "x", "Labels": {}}, "Mounts": []}, "copy it to a folder"),
    ],
)
def test_what_hinders_is_said_with_the_way_out(server, name: str, change: dict[str, Any], said: str) -> None:
    adoption.find(server, name).update(change)
    (problem,) = adoption.problems(server)
    assert said in problem


def test_an_empty_server_has_nothing_to_take_over() -> None:
    empty = ("containers", "listeners", "superusers", "storages")
    nothing: dict[str, Any] = {**{key: [] for key in empty}, "network": {}, "folders": {}}
    assert "run playbooks/site.yml" in adoption.problems(nothing)[0]
    assert adoption.exposures(nothing) == []


def test_before_and_after_are_told_apart() -> None:
    gone, stays, new = ({"key": key, "what": key, "why": "w"} for key in ("gone", "stays", "new"))
    rows = adoption.compare([gone, stays], [stays, new])
    assert [(row["what"], row["before"], row["after"]) for row in rows] == [
        ("gone", "open", "closed"),
        ("stays", "open", "open"),
        ("new", "closed", "open"),
    ]
