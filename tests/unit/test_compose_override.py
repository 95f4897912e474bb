"""The override file: what it says for a release of the usual shape, and for shapes that later releases may have."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.annotation.server.plugins.filter import compose as filters
from ansible_collections.annotation.server.plugins.module_utils import compose_networks
from ansible_collections.annotation.server.plugins.module_utils import compose_override as co

CVAT = "cvat/server:${CVAT_VERSION:-v2.80.0}"


def cvat_service(**more: Any) -> dict[str, Any]:
    return {"image": CVAT, "restart": "always", "networks": {"cvat": None}, **more}


RELEASE: dict[str, Any] = {
    "name": "cvat",
    "services": {
        "cvat_db": {"image": "postgres:15-alpine", "restart": "always", "networks": {"cvat": None}},
        "cvat_server": cvat_service(
            labels={
                "traefik.enable": "true",
                "traefik.http.routers.cvat.rule": "Host(`${CVAT_HOST:-localhost}`) && (PathPrefix(`/api/`))",
            },
            networks={"cvat": {"aliases": ["cvat-server"]}},
        ),
        "cvat_worker_import": cvat_service(),
        "cvat_worker_utils": cvat_service(),
        "traefik": {
            "image": "traefik:v3.6",
            "restart": "always",
            "networks": {"cvat": None},
            "ports": [
                {"mode": "ingress", "target": 8080, "published": "8080", "protocol": "tcp"},
                {"mode": "ingress", "target": 8090, "published": "8090", "protocol": "tcp"},
            ],
            "logging": {"driver": "json-file", "options": {"max-size": "100m", "max-file": "10"}},
        },
        "nuclio": {
            "image": "quay.io/nuclio/dashboard:1.16.3-amd64",
            "restart": "always",
            "networks": {"cvat": None},
            "ports": [{"mode": "ingress", "target": 8070, "published": "8070", "protocol": "tcp"}],
        },
    },
    "networks": {"cvat": {"name": "cvat_cvat"}},
}
STORAGE = {
    "image": "docker.io/pgsty/silo:R@sha256:0",
    "user": "1000:1000",
    "dir": "/mnt/minio-data",
    "secrets_dir": "/etc/annotation-server/secrets",
    "healthcheck": ["CMD", "curl", "-fsS", "http://127.0.0.1:9000/minio/health/live"],
}
OPTIONS: dict[str, Any] = {
    "subnet": "172.20.0.0/24",
    "ip_range": "172.20.0.128/25",
    "hosts": ["cvat.lan", "localhost"],
    "http_bind": "0.0.0.0",
    "http_port": 80,
    "admin_bind": "127.0.0.1",
    "share_dir": "/mnt/share",
    "log_max_size": "50m",
    "log_max_file": "5",
    "object_storage": STORAGE,
    "functions": compose_networks.functions("172.20.1.0/24"),
}


def build(
    release: dict[str, Any] | None = None, previous: dict[str, Any] | None = None, **options: Any
) -> dict[str, Any]:
    return co.build(release or RELEASE, {**OPTIONS, **options}, previous)


def with_service(name: str, service: dict[str, Any]) -> dict[str, Any]:
    release = copy.deepcopy(RELEASE)
    release["services"][name] = service
    return release


def test_addresses_of_the_guide() -> None:
    services = build()["services"]
    assert services["cvat_server"]["networks"]["cvat"]["ipv4_address"] == "172.20.0.30"
    assert services["minio"]["networks"]["cvat"] == {"ipv4_address": "172.20.0.20", "aliases": ["minio"]}
    config = build()["networks"]["cvat"]["ipam"]["config"]
    assert config == [{"subnet": "172.20.0.0/24", "ip_range": "172.20.0.128/25", "gateway": "172.20.0.1"}]


def test_unknown_service_keeps_its_address_when_another_comes() -> None:
    first = build(with_service("cvat_zeta", cvat_service()))
    assert first["services"]["cvat_zeta"]["networks"]["cvat"]["ipv4_address"] == "172.20.0.4"
    release = with_service("cvat_zeta", cvat_service())
    release["services"]["cvat_alpha"] = cvat_service()
    second = build(release, previous=co.addresses_in(co.from_yaml(co.to_yaml(first))))["services"]
    assert second["cvat_zeta"]["networks"]["cvat"]["ipv4_address"] == "172.20.0.4"
    assert second["cvat_alpha"]["networks"]["cvat"]["ipv4_address"] == "172.20.0.22"


def test_services_off_the_network_get_no_address() -> None:
    for service in (
        {"image": "x", "network_mode": "host"},
        {"image": "x", "networks": {"other": None}},
        {"image": "x"},
    ):
        assert "networks" not in build(with_service("aside", service))["services"]["aside"]


def test_share_is_mounted_read_only_where_cvat_documents_it() -> None:
    services = build()["services"]
    mounted = {name for name, service in services.items() if "volumes" in service and name != "minio"}
    assert mounted == {"cvat_server", "cvat_worker_import"}
    mount = services["cvat_server"]["volumes"][0]
    assert (mount["source"], mount["target"], mount["read_only"]) == ("/mnt/share", "/home/django/share", True)
    assert mount["bind"] == {"create_host_path": False}


def test_ports_replace_those_of_the_release() -> None:
    services = build()["services"]
    assert services["traefik"]["ports"] == ["0.0.0.0:80:8080", "127.0.0.1:8090:8090"]
    assert services["nuclio"]["ports"] == ["127.0.0.1:8070:8070"]
    assert services["minio"]["ports"] == ["127.0.0.1:9000:9000", "127.0.0.1:9001:9001"]
    assert co.to_yaml(build()).count("ports: !override") == 3


def test_dashboard_is_published_for_administrators_where_the_release_stopped_doing_so() -> None:
    release = copy.deepcopy(RELEASE)
    del release["services"]["nuclio"]["ports"]
    assert build(release)["services"]["nuclio"]["ports"] == ["127.0.0.1:8070:8070"]


def test_any_other_published_port_is_for_administrators() -> None:
    release = with_service("cvat_db", {"image": "x", "networks": {"cvat": None}, "ports": ["5432:5432", "53:53/udp"]})
    assert build(release)["services"]["cvat_db"]["ports"] == ["127.0.0.1:5432:5432", "127.0.0.1:53:53/udp"]


def test_port_without_numbers_is_named() -> None:
    release = with_service("x", {"image": "x", "networks": {"cvat": None}, "ports": ["${PORT}:80"]})
    with pytest.raises(co.OverrideError, match="PORT"):
        build(release)


def test_ipv6_bind_address_is_put_in_brackets() -> None:
    assert build(admin_bind="::1")["services"]["nuclio"]["ports"] == ["[::1]:8070:8070"]


def test_every_host_name_reaches_cvat() -> None:
    rule = build()["services"]["cvat_server"]["labels"]["traefik.http.routers.cvat.rule"]
    assert rule == "(Host(`cvat.lan`) || Host(`localhost`)) && (PathPrefix(`/api/`))"
    listed = copy.deepcopy(RELEASE)
    listed["services"]["cvat_server"]["labels"] = ["traefik.http.routers.cvat.rule=Host(`${CVAT_HOST:-localhost}`)"]
    assert build(listed)["services"]["cvat_server"]["labels"] == {
        "traefik.http.routers.cvat.rule": "(Host(`cvat.lan`) || Host(`localhost`))"
    }


def test_functions_are_called_through_the_dashboard_by_every_cvat_container() -> None:
    for name, service in build()["services"].items():
        environment = service.get("environment", {})
        is_cvat = name in ("cvat_server", "cvat_worker_import", "cvat_worker_utils")
        assert (environment.get("CVAT_NUCLIO_INVOKE_METHOD") == "dashboard") == is_cvat, name


def test_proxies_and_own_environment() -> None:
    services = build(
        proxies={"http_proxy": "http://p:3128", "https_proxy": ""}, server_env={"CVAT_HEALTH_DISK_USAGE_MAX": 95}
    )["services"]
    assert services["cvat_server"]["environment"]["CVAT_HEALTH_DISK_USAGE_MAX"] == "95"
    assert services["nuclio"]["environment"] == {"http_proxy": "http://p:3128"}
    assert "environment" not in services["cvat_db"]


def test_image_prefix_goes_before_every_image() -> None:
    services = build(image_prefix="mirror:5000/")["services"]
    assert services["cvat_server"]["image"] == "mirror:5000/cvat/server:${CVAT_VERSION:-v2.80.0}"
    assert services["nuclio"]["image"] == "mirror:5000/quay.io/nuclio/dashboard:1.16.3-amd64"
    assert services["minio"]["image"] == "mirror:5000/docker.io/pgsty/silo:R@sha256:0"
    assert "image" not in build()["services"]["cvat_server"]


def test_logs_are_limited_everywhere_and_own_limits_kept() -> None:
    services = build()["services"]
    assert services["cvat_db"]["logging"]["options"] == {"max-size": "50m", "max-file": "5"}
    assert services["traefik"]["logging"]["options"] == {"max-size": "100m", "max-file": "10"}


def test_everything_comes_back_after_a_reboot() -> None:
    release = with_service("cvat_new", {"image": CVAT, "restart": "on-failure", "networks": {"cvat": None}})
    release["services"]["cvat_migrate"] = {"image": CVAT, "networks": {"cvat": None}}
    release["services"]["cvat_new"]["depends_on"] = {"cvat_migrate": {"condition": "service_completed_successfully"}}
    services = build(release)["services"]
    assert services["cvat_new"]["restart"] == "always"
    assert "restart" not in services["cvat_migrate"]
    assert "restart" not in services["cvat_db"]


def test_object_storage_is_unprivileged_and_its_password_is_a_file() -> None:
    override = build()
    minio = override["services"]["minio"]
    assert (minio["user"], minio["cap_drop"], minio["restart"]) == ("1000:1000", ["ALL"], "always")
    assert (minio["read_only"], minio["tmpfs"], minio["environment"]["HOME"]) == (True, ["/tmp"], "/tmp")
    assert minio["environment"]["MINIO_ROOT_PASSWORD_FILE"] == "/run/secrets/object_storage_root_password"
    assert override["secrets"]["object_storage_root_password"] == {
        "file": "/etc/annotation-server/secrets/object_storage_root_password"
    }


def test_without_object_storage() -> None:
    override = build(object_storage=None)
    assert "minio" not in override["services"] and "secrets" not in override


def test_extra_is_laid_over() -> None:
    extra = {
        "services": {
            "cvat_server": {"volumes": ["/mnt/more:/home/django/more:ro"], "mem_limit": "8g"},
            "nuclio": {"ports": ["127.0.0.1:18070:8070"]},
            "mail": {"image": "mail"},
        }
    }
    services = build(extra=extra)["services"]
    assert len(services["cvat_server"]["volumes"]) == 2
    assert services["cvat_server"]["mem_limit"] == "8g"
    assert services["nuclio"]["ports"] == ["127.0.0.1:18070:8070"]
    assert isinstance(services["nuclio"]["ports"], co.Replace)
    assert services["mail"] == {"image": "mail"}


def test_extra_cannot_give_an_address_twice() -> None:
    extra = {"services": {"cvat_db": {"networks": {"cvat": {"ipv4_address": "172.20.0.30"}}}}}
    with pytest.raises(co.OverrideError, match="both cvat_db and cvat_server"):
        build(extra=extra)


def test_text_is_read_back_with_its_tags() -> None:
    override = build()
    assert co.from_yaml(co.to_yaml(override)) == override
    assert co.addresses_in(co.from_yaml(co.to_yaml(override)))["cvat_server"] == "172.20.0.30"
    assert co.from_yaml("a: [") == {} and co.from_yaml("") == {} and co.from_yaml("- x") == {}
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load(co.to_yaml(override))


def test_not_a_cvat_tree() -> None:
    with pytest.raises(co.OverrideError, match="no network 'cvat'"):
        build({"services": {"web": {"image": "x"}}})


def test_a_release_with_its_own_minio() -> None:
    with pytest.raises(co.OverrideError, match="cvat_object_storage"):
        build(with_service("minio", cvat_service()))


def test_filters_translate_errors_and_give_text() -> None:
    text = filters.override(RELEASE, OPTIONS)
    assert filters.override(RELEASE, OPTIONS, text) == text
    attached = {"id": {"Name": "cvat_new", "IPv4Address": "172.20.0.77/24"}, "x": {"Name": "cvat_db"}}
    release = with_service("cvat_new", cvat_service())
    assert filters.override_addresses(filters.override(release, OPTIONS, "", attached))["cvat_new"] == "172.20.0.77"
    assert filters.override_addresses(text)["minio"] == "172.20.0.20"
    with pytest.raises(AnsibleFilterError, match="ip_range"):
        filters.override(RELEASE, {**OPTIONS, "ip_range": "10.0.0.0/8"})
    with pytest.raises(AnsibleFilterError, match="ip_range"):
        filters.addresses([], "172.20.0.0/24", "10.0.0.0/8")
    assert filters.foreign_holders(
        {"id": {"Name": "x", "IPv4Address": "172.20.0.20/24"}}, {"minio": "172.20.0.20"}, []
    ) == ["x holds 172.20.0.20 of minio"]


TLS = {"mode": "internal", "port": 8443, "hosts": ["cvat.lab", "10.0.0.5"], "dir": "/etc/tls", "checksum": "abc"}


def traefik(**tls: Any) -> dict[str, Any]:
    return co.build(RELEASE, {**OPTIONS, "tls": {**TLS, "email": "", "server": "", **tls}})["services"]["traefik"]


def test_tls_is_spoken_where_the_release_has_its_routers() -> None:
    """Grafana's router is in a file of the release that names the entry point web; so it stays right."""
    proxy = traefik()
    assert proxy["environment"]["TRAEFIK_ENTRYPOINTS_web_HTTP_TLS"] == "true"
    assert proxy["environment"]["TRAEFIK_ENTRYPOINTS_plain_HTTP_REDIRECTIONS_ENTRYPOINT_TO"] == ":8443"
    assert proxy["ports"][:2] == ["0.0.0.0:8443:8080", "0.0.0.0:80:8081"]
    assert {mount["source"] for mount in proxy["volumes"]} == {"/etc/tls", "/etc/tls/traefik.yml"}


def test_another_certificate_changes_the_proxy_only() -> None:
    before, after = (
        co.build(RELEASE, {**OPTIONS, "tls": {**TLS, "checksum": checksum}})["services"] for checksum in ("abc", "def")
    )
    assert [name for name in before if before[name] != after[name]] == ["traefik"]


def test_acme_names_what_an_authority_can_certify() -> None:
    proxy = traefik(mode="acme", port=443, hosts=["cvat.example.org", "www.example.org"], email="a@example.org")
    environment = proxy["environment"]
    assert environment["TRAEFIK_ENTRYPOINTS_web_HTTP_TLS_DOMAINS_0_MAIN"] == "cvat.example.org"
    assert environment["TRAEFIK_ENTRYPOINTS_web_HTTP_TLS_DOMAINS_0_SANS"] == "www.example.org"
    assert environment["TRAEFIK_CERTIFICATESRESOLVERS_acme_ACME_TLSCHALLENGE"] == "true"
    assert proxy["volumes"] == ["cvat_letsencrypt:/letsencrypt"]


def test_acme_without_port_443_is_asked_over_plain_http() -> None:
    environment = traefik(mode="acme", port=8443, email="a@example.org")["environment"]
    assert environment["TRAEFIK_CERTIFICATESRESOLVERS_acme_ACME_HTTPCHALLENGE_ENTRYPOINT"] == "plain"


def test_without_tls_nothing_of_it_is_written() -> None:
    proxy = co.build(RELEASE, OPTIONS)["services"]["traefik"]
    assert "environment" not in proxy and proxy["ports"][0] == "0.0.0.0:80:8080"
