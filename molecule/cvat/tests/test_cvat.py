"""CVAT as people on the network and administrators on the server meet it."""

from __future__ import annotations

import ipaddress
import json

import pytest

TREE = "/opt/annotation-server/cvat/v2.80.0"
SECRETS = "/etc/annotation-server/secrets"
ADDRESSES = {
    "cvat_clickhouse": 2,
    "cvat_db": 3,
    "nuclio": 5,
    "traefik": 6,
    "cvat_redis_inmem": 7,
    "cvat_opa": 8,
    "cvat_vector": 9,
    "cvat_grafana": 10,
    "cvat_redis_ondisk": 11,
    "cvat_worker_utils": 12,
    "cvat_worker_export": 13,
    "cvat_worker_webhooks": 14,
    "cvat_worker_import": 15,
    "cvat_worker_annotation": 16,
    "cvat_worker_quality_reports": 17,
    "cvat_ui": 18,
    "cvat_worker_chunks": 19,
    "minio": 20,
    "cvat_worker_consensus": 21,
    "cvat_server": 30,
}
WITH_SHARE = ["cvat_server", "cvat_worker_import", "cvat_worker_export", "cvat_worker_annotation", "cvat_worker_chunks"]


@pytest.fixture(scope="module")
def containers(host) -> dict[str, dict]:
    names = host.check_output("docker ps --all --filter label=com.docker.compose.project=cvat --format '{{.Names}}'")
    return {
        item["Name"].lstrip("/"): item
        for item in json.loads(host.check_output("docker inspect " + names.replace("\n", " ")))
    }


def environment(container: dict) -> dict[str, str]:
    # A variable without a value has no sign either.
    return {line.partition("=")[0]: line.partition("=")[2] for line in container["Config"]["Env"]}


def is_cvat(container: dict) -> bool:
    return "/cvat/server:" in container["Config"]["Image"]


def status(host, path: str, name: str, port: int = 8080) -> str:
    return host.check_output(
        f"curl -s -o /dev/null -w '%{{http_code}}' -H 'Host: {name}' http://127.0.0.1:{port}{path}"
    )


@pytest.mark.parametrize("name", ["annotation.test", "annotation.test:8080", "cvat.lan", "localhost", "127.0.0.1"])
def test_page_and_api_answer_under_every_name(host, name: str) -> None:
    assert status(host, "/", name) == "200"
    assert status(host, "/api/server/about", name) == "200"


def test_other_names_reach_nothing(host) -> None:
    assert status(host, "/", "elsewhere.test") == "404"


def test_cvat_is_well_and_of_the_pinned_version(host) -> None:
    assert status(host, "/api/server/health/?format=json", "annotation.test") == "200"
    about = json.loads(host.check_output("curl -s -H 'Host: annotation.test' http://127.0.0.1:8080/api/server/about"))
    assert about["version"] == "2.80.0"


def test_every_service_runs_and_comes_back_after_a_reboot(containers) -> None:
    assert set(ADDRESSES) <= set(containers)
    for name, container in containers.items():
        assert container["State"]["Status"] == "running", name
        assert container["HostConfig"]["RestartPolicy"]["Name"] in ("always", "unless-stopped"), name


def test_addresses_are_the_guides(containers) -> None:
    found = {name: item["NetworkSettings"]["Networks"]["cvat_cvat"]["IPAddress"] for name, item in containers.items()}
    assert {name: found[name] for name in ADDRESSES} == {name: f"172.20.0.{end}" for name, end in ADDRESSES.items()}
    assert len(set(found.values())) == len(found)


def test_models_have_a_network_of_their_own_with_the_dashboard_in_it(host, containers) -> None:
    (network,) = json.loads(host.check_output("docker network inspect cvat_functions"))
    assert network["Internal"]
    assert [container["Name"] for container in network["Containers"].values()] == ["nuclio"]
    place = containers["nuclio"]["NetworkSettings"]["Networks"]["cvat_functions"]
    assert (place["IPAddress"], place["MacAddress"]) == ("172.20.1.5", "02:42:ac:14:01:05")
    assert host.interface("cvat-functions").addresses[0] == "172.20.1.1"


def test_what_models_may_send_is_judged_before_docker_starts(host) -> None:
    assert host.service("annotation-server-functions").is_enabled
    before = host.check_output("systemctl show --property=Before --value annotation-server-functions.service").split()
    assert "docker.service" in before
    tables = host.check_output("nft list tables").splitlines()
    assert {f"table {family} annotation_server_functions" for family in ("bridge", "inet")} <= set(tables)


def test_other_containers_are_numbered_out_of_the_way(host, containers) -> None:
    image = containers["cvat_opa"]["Config"]["Image"]
    host.check_output(f"docker run --detach --name passer-by --network cvat_cvat {image}")
    try:
        address = host.check_output(
            "docker inspect passer-by --format '{{.NetworkSettings.Networks.cvat_cvat.IPAddress}}'"
        )
    finally:
        host.check_output("docker rm --force passer-by")
    assert ipaddress.ip_address(address) in ipaddress.ip_network("172.20.0.128/25")


def test_only_cvat_is_open_to_the_network(host) -> None:
    listening = [line.split()[3].rsplit(":", 1) for line in host.check_output("ss -Hltn").splitlines()]
    where = {port: {address for address, number in listening if number == port} for _, port in listening}
    assert where["8080"] == {"0.0.0.0"}
    for port in ("8070", "8090", "9000", "9001"):
        assert where[port] == {"127.0.0.1"}, port


def test_share_is_read_only_in_the_right_services(host, containers) -> None:
    host.check_output("echo hello > /mnt/share/hello.txt")
    mounted = {
        name: mount["RW"]
        for name, container in containers.items()
        for mount in container["Mounts"]
        if mount["Destination"] == "/home/django/share"
    }
    assert mounted == dict.fromkeys(WITH_SHARE, False)
    assert host.check_output("docker exec cvat_server cat /home/django/share/hello.txt") == "hello"
    assert "Read-only" in host.run("docker exec --user root cvat_server touch /home/django/share/x").stderr
    host.check_output("rm /mnt/share/hello.txt")


def test_functions_are_called_through_the_dashboard(containers) -> None:
    servers = {name: environment(item) for name, item in containers.items() if is_cvat(item)}
    assert len(servers) >= 9
    for name, variables in servers.items():
        assert variables["CVAT_NUCLIO_INVOKE_METHOD"] == "dashboard", name
        assert variables["SMOKESCREEN_OPTS"] == "--allow-address=172.20.0.20", name
        assert variables["CVAT_HEALTH_DISK_USAGE_MAX"] == "99", name
        assert "minio" in variables["no_proxy"].split(","), name


def test_cvat_reaches_the_object_storage_through_its_proxy_and_nothing_else_inside(host) -> None:
    ask = "docker exec cvat_server curl -s -o /dev/null -w '%{http_code}' -x http://127.0.0.1:4750"
    assert host.check_output(f"{ask} http://minio:9000/minio/health/live") == "200"
    assert host.check_output(f"{ask} http://cvat_grafana:3000/") == "407"


def test_logs_are_limited(containers) -> None:
    for name, container in containers.items():
        log = container["HostConfig"]["LogConfig"]
        assert log["Type"] == "json-file" and {"max-size", "max-file"} <= set(log["Config"]), name


def test_images_come_from_the_mirror(containers, mirror) -> None:
    for name, container in containers.items():
        assert container["Config"]["Image"].startswith(f"{mirror}:5000/"), name


def test_object_storage_is_unprivileged_and_knows_its_password_from_a_file(host, containers) -> None:
    minio = containers["minio"]
    assert minio["Config"]["User"] == "1000:1000"
    assert minio["HostConfig"]["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in minio["HostConfig"]["SecurityOpt"]
    assert minio["HostConfig"]["ReadonlyRootfs"]
    assert host.run("docker exec --user 0 minio touch /usr/local/bin/mine").rc != 0
    assert minio["State"]["Health"]["Status"] == "healthy"
    with host.sudo():
        for secret in ("object_storage_root_user", "object_storage_root_password"):
            assert host.file(f"{SECRETS}/{secret}").content_string not in json.dumps(minio)


def test_first_user_is_a_superuser(host) -> None:
    answer = host.check_output(
        "curl -s -H 'Host: annotation.test' http://127.0.0.1:8080/api/users/self"
        f" -u admin:$(cat {SECRETS}/cvat_superuser_password)"
    )
    assert json.loads(answer)["is_superuser"] is True


def test_secrets_are_for_root_only(host) -> None:
    assert host.file(SECRETS).mode == 0o700
    for name in ("cvat_superuser_password", "object_storage_root_user", "object_storage_root_password"):
        assert host.file(f"{SECRETS}/{name}").mode == 0o600
    assert host.file(f"{TREE}/.env").mode == 0o600
    password = host.file(f"{SECRETS}/cvat_superuser_password").content_string
    for path in (f"{TREE}/.env", f"{TREE}/docker-compose.custom.override.yml"):
        assert password not in host.file(path).content_string


def test_compose_in_the_tree_knows_the_project(host, containers) -> None:
    assert len(host.check_output(f"cd {TREE} && docker compose ps --quiet").split()) == len(containers)


def test_tree_is_whole_and_says_where_it_came_from(host) -> None:
    origin = json.loads(host.file(f"{TREE}/.annotation-server.json").content_string)
    assert origin["version"] == "v2.80.0" and len(origin["sha256"]) == 64
    assert not host.file(f"{TREE}.partial").exists
