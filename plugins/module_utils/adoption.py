"""From a server that was set up by hand to settings that take it over, and what it leaves open.

Pure functions over what the module ``hand_made_server`` returns: ``containers`` (docker inspect), ``network`` (docker
network inspect of CVAT's network, or empty), ``listeners``, ``folders``, ``superusers`` and ``storages``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

PROJECT = "cvat"
# What hand-made servers call their functions, and what this project calls them.
FUNCTIONS = {
    "openvino-omz-public-yolo-v3-tf": {"name": "yolov3"},
    "openvino-dextr": {"name": "dextr"},
    "pth-facebookresearch-sam-vit-h": {"name": "sam1"},
    "sam2": {"name": "sam2"},
    # The id stays, because tasks and people know the function by it.
    "sam2-tce": {"name": "sam2", "id": "sam2-tce"},
}
# User and password that guides and images bring; never shown.
_USERS, _WORDS = ("minio", "minioadmin", "admin"), ("minio", "minio123", "minioadmin")
KNOWN_LOGINS = {(user, word) for user in _USERS for word in _WORDS}
RISKS = {
    "nuclio": "it asks for no password and holds Docker's socket: whoever reaches it is root on the server",
    "minio": "the object storage and its administration",
    "cvat_db": "the database",
    "cvat_clickhouse": "the event log",
    "cvat_redis_inmem": "the queues: whoever writes to them runs code in CVAT's workers",
    "cvat_redis_ondisk": "the cache of pictures",
    "cvat_opa": "the rules that decide who may do what",
    "cvat_grafana": "the dashboards",
}


@dataclass(frozen=True)
class Exposure:
    """Something that is open. ``key`` stays the same while the thing stays the same."""

    key: str
    what: str
    why: str


def name(container: dict[str, Any]) -> str:
    """Return a container's name."""
    return str(container["Name"]).lstrip("/")


def labels(container: dict[str, Any]) -> dict[str, str]:
    """Return a container's labels."""
    return container["Config"].get("Labels") or {}


def environment(container: dict[str, Any]) -> dict[str, str]:
    """Return a container's environment."""
    return dict(pair.split("=", 1) for pair in container["Config"].get("Env") or [] if "=" in pair)


def find(server: dict[str, Any], wanted: str) -> dict[str, Any] | None:
    """Return the container of that name."""
    return next((each for each in server["containers"] if name(each) == wanted), None)


def mount(container: dict[str, Any] | None, destination: str) -> str:
    """Return the folder of the host behind a folder of a container; empty for volumes and where there is none."""
    for each in (container or {}).get("Mounts") or []:
        if each.get("Type") == "bind" and each.get("Destination") == destination:
            return str(each["Source"])
    return ""


def is_function(container: dict[str, Any]) -> bool:
    """Tell whether Nuclio made this container for a function."""
    return bool(labels(container).get("nuclio.io/function-name"))


def published(container: dict[str, Any]) -> list[tuple[int, int]]:
    """Return (port of the host, port inside) that more than the server itself can reach."""
    found = set()
    for inside, places in ((container.get("HostConfig") or {}).get("PortBindings") or {}).items():
        live = ((container.get("NetworkSettings") or {}).get("Ports") or {}).get(inside) or places or []
        for place in live:
            address = place.get("HostIp") or "0.0.0.0"  # noqa: S104 - compared with, not bound to
            if not ipaddress.ip_address(address).is_loopback and place.get("HostPort"):
                found.add((int(place["HostPort"]), int(inside.split("/")[0])))
    return sorted(found)


def _ports(server: dict[str, Any]) -> Iterator[Exposure]:
    for container in server["containers"]:
        who = name(container)
        for port, inside in published(container):
            if who == "traefik" and inside in (8080, 8443, 443, 80):
                continue  # CVAT itself, which is there to be reached.
            key = f"port {who} {inside}"
            if is_function(container):
                yield Exposure(key, f"{who} on port {port}", "anybody may use the model; the port changes at a restart")
            elif who in RISKS or labels(container).get("com.docker.compose.project") == PROJECT:
                yield Exposure(key, f"{who} on port {port}", RISKS.get(who, "a part of CVAT that nobody needs outside"))


def _listeners(server: dict[str, Any]) -> Iterator[Exposure]:
    for each in server["listeners"]:
        if each["port"] in (2375, 2376) and not ipaddress.ip_address(each["address"]).is_loopback:
            why = "whoever reaches it without a certificate is root on the server"
            yield Exposure(f"dockerd {each['port']}", f"Docker itself on port {each['port']}", why)


def _folders(server: dict[str, Any]) -> Iterator[Exposure]:
    for path, folder in sorted(server["folders"].items()):
        if int(folder["mode"], 8) & 0o002 and not int(folder["mode"], 8) & 0o1000:
            yield Exposure(
                f"folder {path}", f"{path} with mode {folder['mode']}", "every program may change and delete"
            )


def _logins(server: dict[str, Any]) -> Iterator[Exposure]:
    settings = environment(find(server, "minio") or {"Config": {}})
    login = (settings.get("MINIO_ROOT_USER", ""), settings.get("MINIO_ROOT_PASSWORD", ""))
    if find(server, "minio") and (login in KNOWN_LOGINS or (not any(login) and not _has_login_file(settings))):
        yield Exposure("login minio", "the object storage's first password", "it stands in guides and in the image")
    for each in server["storages"]:
        if each.get("public"):
            why = "everybody who reaches the object storage may read it"
            yield Exposure(f"public {each['resource']}", f"the bucket {each['resource']}", why)


def _has_login_file(settings: dict[str, str]) -> bool:
    return any(key.startswith("MINIO_ROOT_") and key.endswith("_FILE") for key in settings)


def _addresses(server: dict[str, Any]) -> Iterator[Exposure]:
    plan = ((server["network"].get("IPAM") or {}).get("Config") or [{}])[0] if server["network"] else {}
    if plan and not plan.get("IPRange"):
        why = "after a restart a model may hold a service's address ('address already in use')"
        yield Exposure("ip_range", f"the network {server['network']['Name']} without ip_range", why)


def exposures(server: dict[str, Any]) -> list[dict[str, str]]:
    """List what is open or will break, the ports first."""
    looks: list[Callable[[dict[str, Any]], Iterator[Exposure]]] = [_ports, _listeners, _logins, _folders, _addresses]
    return [asdict(each) for look in looks for each in look(server)]


def problems(server: dict[str, Any]) -> list[str]:
    """List what must be done by hand before the server can be taken over."""
    cvat = find(server, "cvat_server")
    if cvat is None:
        return ["No container cvat_server is here, so there is nothing to take over: run playbooks/site.yml."]
    found = []
    if not release(server):
        found.append(
            f"CVAT runs as {cvat['Config']['Image']}, which is no release. Move it to a release by hand first (its "
            "database can only go forward), or set annotation_server_cvat_version to one that is at least as new."
        )
    if not cvat["State"].get("Running"):
        found.append("CVAT does not run: start it as you always do, so that its users and storages can be read.")
    project = labels(cvat).get("com.docker.compose.project", "")
    if project != PROJECT:
        found.append(
            f"CVAT's Compose project is called '{project}', so its volumes have other names than '{PROJECT}_cvat_db'. "
            f"Start it once as project {PROJECT} with these volumes (docker compose -p {PROJECT}), then come back."
        )
    storage = find(server, "minio")
    if storage and labels(storage).get("com.docker.compose.project", "") != PROJECT:
        where = mount(storage, "/data") or "a volume"
        found.append(
            f"The container minio was started by itself and holds the name. Its data is in {where}: "
            + ("it stays there. Run docker rm -f minio." if where != "a volume" else "copy it to a folder first.")
        )
    return found


def release(server: dict[str, Any]) -> str:
    """Return the release that runs, such as v2.80.0; empty for development versions."""
    image = (find(server, "cvat_server") or {"Config": {"Image": ""}})["Config"]["Image"]
    match = re.search(r":(v\d+\.\d+\.\d+)(@|$)", image)
    return match.group(1) if match else ""


def _storages(server: dict[str, Any]) -> list[dict[str, str]]:
    """Return buckets of the server's own object storage that CVAT knows, each once by its name in CVAT."""
    found: dict[str, dict[str, str]] = {}
    addresses = {"minio", "localhost", "127.0.0.1"}
    for attached in ((find(server, "minio") or {}).get("NetworkSettings") or {}).get("Networks", {}).values():
        addresses.add(attached.get("IPAddress") or "minio")
    for each in server["storages"]:
        endpoint = parse_qs(each.get("specific_attributes") or "").get("endpoint_url", [""])[0]
        if urlsplit(endpoint).hostname in addresses:
            found.setdefault(each["display_name"], {"name": each["resource"], "display_name": each["display_name"]})
    return list(found.values())


def functions(server: dict[str, Any]) -> tuple[list[dict[str, str]], list[str]]:
    """Return the list of functions in this project's words, and the names of those that it does not know."""
    names = sorted({labels(each)["nuclio.io/function-name"] for each in server["containers"] if is_function(each)})
    return [dict(FUNCTIONS[each]) for each in names if each in FUNCTIONS], [n for n in names if n not in FUNCTIONS]


def settings(server: dict[str, Any]) -> dict[str, Any]:
    """Return the variables that describe the server as it is, without secrets."""
    cvat, storage = find(server, "cvat_server"), find(server, "minio")
    found: dict[str, Any] = {"annotation_server_cvat_version": release(server)}
    rule = " ".join(value for key, value in labels(cvat or {"Config": {}}).items() if key.endswith(".rule"))
    if host := re.search(r"Host\(`([^`]+)`\)", rule):
        found["annotation_server_host"] = host.group(1)
    ports = [port for port, inside in published(find(server, "traefik") or {}) if inside == 8080]
    found["annotation_server_http_port"] = ports[0] if ports else 8080
    found["annotation_server_share_dir"] = mount(cvat, "/home/django/share")
    found["annotation_server_superuser"] = (server["superusers"] or [""])[0]
    found["annotation_server_object_storage"] = storage is not None
    if storage:
        found["annotation_server_object_storage_dir"] = mount(storage, "/data")
        buckets = _storages(server)
        if buckets:
            found["annotation_server_bucket"] = buckets[0]["name"]
            found["object_storage_display_name"] = buckets[0]["display_name"]
            found["object_storage_extra_buckets"] = buckets[1:]
    found = {key: value for key, value in found.items() if value not in ("", [])}
    if known := functions(server)[0]:
        interactors = [each.get("id", each["name"]) for each in known if each["name"] == "sam2"]
        found["nuclio_functions"] = known
        found["verify_functions"] = interactors
        found["verify_interactor"] = (interactors or [""])[0]
    return found


def compare(before: list[dict[str, str]], after: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return one row for each thing that was or is open: what, why, before, after (open or closed)."""
    now, then = ({each["key"]: each for each in side} for side in (after, before))
    return [
        {
            "what": each["what"],
            "why": each["why"],
            "before": "open" if each["key"] in then else "closed",
            "after": "open" if each["key"] in now else "closed",
        }
        for each in [*before, *(item for item in after if item["key"] not in then)]
    ]
