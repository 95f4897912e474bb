"""The Compose file that turns a CVAT release into this server: a pure function from what the release defines.

``build`` gives the structure, ``to_yaml`` the text. Nothing here runs a command; the input is what
``docker compose config --no-interpolate --format json`` says about the release's own files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from ansible_collections.annotation.server.plugins.module_utils import compose_addresses, compose_networks
from ansible_collections.annotation.server.plugins.module_utils.share_checks import SHARE_SERVICES, SHARE_TARGET

NETWORK = "cvat"
HTTP_PORT = 8080  # Traefik's port inside, for people; whatever else a service publishes is for administrators
DASHBOARD_PORT = 8070
# With TLS, the release's own entry point speaks it, so that every router of the release is found there, whatever
# provides it. Plain HTTP comes in beside it and is sent there.
PLAIN_PORT = 8081
TLS_FILES = ("own", "internal")  # the other kind is acme
TLS_DIR = "/etc/traefik/tls"
TLS_RULES = "/etc/traefik/rules/annotation_server_tls.yml"
ACME_VOLUME = "cvat_letsencrypt"
ACME_DIR = "/letsencrypt"
OBJECT_STORAGE_PORTS = (9000, 9001)
# Where the object storage and its client write besides the data, into memory: MinIO makes ~/.minio at its start.
HOME = "/tmp"  # noqa: S108 - of a container of its own
LASTING_RESTARTS = ("always", "unless-stopped")
CVAT_IMAGE = re.compile(r"(^|/)cvat/server(?=[:@]|$)")
# Traefik's rules in the release name one host: Host(`${CVAT_HOST:-localhost}`).
RULE_HOST = re.compile(r"Host\(`\$\{CVAT_HOST[^`]*`\)")


class OverrideError(ValueError):
    """The release cannot be turned into this server; the message says why."""


class Replace(list):
    """A list that replaces the one of the files before, instead of being appended to it (``!override``)."""


class _Dumper(yaml.SafeDumper):
    """YAML as people write it: lists indented, no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(Replace, lambda dumper, data: dumper.represent_sequence("!override", data))


def to_yaml(override: Mapping[str, Any]) -> str:
    """Return the Compose file's text for ``build``'s result, keys in the order they were built."""
    return yaml.dump(dict(override), Dumper=_Dumper, sort_keys=False, width=1000, default_flow_style=False)


def literal(value: Any) -> str:
    """Return a text that Compose takes as it is; it would put variables in the place of $NAME."""
    return str(value).replace("$", "$$")


def on_network(service: Mapping[str, Any]) -> bool:
    """Tell whether a service joins the project's network: not with ``network_mode``, nor when on others only."""
    return not service.get("network_mode") and NETWORK in (service.get("networks") or {})


def one_shots(services: Mapping[str, Any]) -> set[str]:
    """Return the services that others wait for to end: restarting them for ever would be wrong."""
    return {
        name
        for service in services.values()
        for name, condition in (service.get("depends_on") or {}).items()
        if isinstance(condition, Mapping) and condition.get("condition") == "service_completed_successfully"
    }


def port_of(port: Any) -> tuple[int, int, str]:
    """Return (published, target, protocol) of one entry of ``ports``, in the long or the short form.

    Raises:
        OverrideError: a form without fixed numbers, such as a range or a variable.
    """
    if isinstance(port, Mapping):
        published, target = port.get("published", port["target"]), port["target"]
        protocol = port.get("protocol", "tcp")
    else:
        text, _, protocol = str(port).partition("/")
        published, _, target = ":".join(text.split(":")[-2:]).rpartition(":")
        published = published or target
    try:
        return int(published), int(target), str(protocol or "tcp")
    except ValueError as error:
        raise OverrideError(f"The release publishes a port in a form that is not understood: {port!r}.") from error


def bound(address: str, published: int, target: int, protocol: str = "tcp") -> str:
    """Return a port in Compose's short form; IPv6 addresses are put in brackets."""
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{published}:{target}" + ("" if protocol == "tcp" else f"/{protocol}")


def published_ports(name: str, service: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """Return the ports of one service: CVAT's on its bind address, everything else on the administrators'."""
    ports = []
    for entry in service.get("ports") or []:
        published, target, protocol = port_of(entry)
        if name == "traefik" and target == HTTP_PORT:
            tls = options.get("tls")
            if tls:
                ports.append(bound(options["http_bind"], tls["port"], target))
            ports.append(bound(options["http_bind"], options["http_port"], PLAIN_PORT if tls else target))
        elif not (name == "nuclio" and target == DASHBOARD_PORT):
            ports.append(bound(options["admin_bind"], published, target, protocol))
    if name == "nuclio":
        ports.append(bound(options["admin_bind"], DASHBOARD_PORT, DASHBOARD_PORT))
    return ports


def proxy_tls(tls: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Traefik must know to speak TLS.

    Args:
        tls: ``mode`` (own, internal or acme), ``port``, ``hosts``; for files ``dir`` and ``checksum`` of the
            certificate; for acme ``email`` and ``server`` (empty for Let's Encrypt).
    """
    environment = {
        "TRAEFIK_ENTRYPOINTS_plain_ADDRESS": f":{PLAIN_PORT}",
        # The port that people use, which need not be the one inside.
        "TRAEFIK_ENTRYPOINTS_plain_HTTP_REDIRECTIONS_ENTRYPOINT_TO": f":{tls['port']}",
        "TRAEFIK_ENTRYPOINTS_plain_HTTP_REDIRECTIONS_ENTRYPOINT_SCHEME": "https",
    }
    if tls["mode"] in TLS_FILES:
        return {
            "environment": {**environment, "TRAEFIK_ENTRYPOINTS_web_HTTP_TLS": "true"},
            # Traefik does not notice another certificate; another label makes Compose start it anew, and only it.
            "labels": {"annotation.server.certificate": str(tls["checksum"])},
            "volumes": [
                bind(str(tls["dir"]), TLS_DIR, read_only=True),
                bind(f"{tls['dir']}/traefik.yml", TLS_RULES, read_only=True),
            ],
        }
    resolver = "TRAEFIK_CERTIFICATESRESOLVERS_acme_ACME"
    environment |= {
        "TRAEFIK_ENTRYPOINTS_web_HTTP_TLS_CERTRESOLVER": "acme",
        # Named here, because the rules also have names that no authority certifies, such as localhost.
        "TRAEFIK_ENTRYPOINTS_web_HTTP_TLS_DOMAINS_0_MAIN": str(tls["hosts"][0]),
        f"{resolver}_EMAIL": literal(tls["email"]),
        f"{resolver}_STORAGE": f"{ACME_DIR}/acme.json",
    }
    if tls["hosts"][1:]:
        environment["TRAEFIK_ENTRYPOINTS_web_HTTP_TLS_DOMAINS_0_SANS"] = ",".join(tls["hosts"][1:])
    if tls["server"]:
        environment[f"{resolver}_CASERVER"] = literal(tls["server"])
    if int(tls["port"]) == 443:
        environment[f"{resolver}_TLSCHALLENGE"] = "true"
    else:
        environment[f"{resolver}_HTTPCHALLENGE_ENTRYPOINT"] = "plain"
    return {"environment": environment, "volumes": [f"{ACME_VOLUME}:{ACME_DIR}"]}


def labels_for_hosts(service: Mapping[str, Any], hosts: list[str]) -> dict[str, str]:
    """Return the Traefik rules of a service, rewritten so that each of ``hosts`` matches."""
    anyone = "(" + " || ".join(f"Host(`{host}`)" for host in hosts) + ")"
    labels = service.get("labels") or {}
    if not isinstance(labels, Mapping):
        labels = dict(str(label).partition("=")[::2] for label in labels)
    return {
        name: RULE_HOST.sub(anyone, rule)
        for name, rule in labels.items()
        if name.endswith(".rule") and RULE_HOST.search(str(rule))
    }


def environment_of(name: str, service: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str]:
    """Return what a service must know beside the release's own environment."""
    environment: dict[str, str] = {}
    is_cvat = bool(CVAT_IMAGE.search(service.get("image", "")))
    if is_cvat:
        # Through the dashboard, by name: functions publish no port and are still found after a reboot.
        environment |= {"CVAT_NUCLIO_HOST": "nuclio", "CVAT_NUCLIO_INVOKE_METHOD": "dashboard"}
        # boto3 adds checksums that some S3 servers refuse.
        environment |= {
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        }
    if is_cvat or name == "nuclio":
        environment |= {key: literal(value) for key, value in options.get("proxies", {}).items() if value}
    if is_cvat:
        environment |= {key: literal(value) for key, value in options.get("server_env", {}).items()}
    return environment


def service_override(
    name: str, service: Mapping[str, Any], address: str | None, options: Mapping[str, Any], one_shot: bool
) -> dict[str, Any]:
    """Return the additions for one service of the release."""
    result: dict[str, Any] = {}
    if options.get("image_prefix") and service.get("image"):
        result["image"] = options["image_prefix"] + service["image"]
    if service.get("restart") not in LASTING_RESTARTS and not one_shot:
        result["restart"] = "always"
    if address:
        result["networks"] = {NETWORK: {"ipv4_address": address}}
    ports = published_ports(name, service, options)
    if ports:
        result["ports"] = Replace(ports)
    labels = labels_for_hosts(service, options["hosts"])
    if labels:
        result["labels"] = labels
    environment = environment_of(name, service, options)
    if environment:
        result["environment"] = environment
    if options.get("share_dir") and name in SHARE_SERVICES:
        result["volumes"] = [bind(options["share_dir"], SHARE_TARGET, read_only=True)]
    result["logging"] = log_limits(options, service.get("logging"))
    if name == "traefik" and options.get("tls"):
        result = merged(result, proxy_tls(options["tls"]))
    return result


def bind(source: str, target: str, read_only: bool = False) -> dict[str, Any]:
    """Return a bind mount that fails when its folder is missing, instead of making an empty one."""
    mount: dict[str, Any] = {"type": "bind", "source": literal(source), "target": target}
    if read_only:
        mount["read_only"] = True
    return {**mount, "bind": {"create_host_path": False}}


def log_limits(options: Mapping[str, Any], own: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return json-file logging with limits; a limit that the release sets itself is kept."""
    limits = (own or {}).get("options") or {}
    return {
        "driver": "json-file",
        "options": {
            "max-size": str(limits.get("max-size", options["log_max_size"])),
            "max-file": str(limits.get("max-file", options["log_max_file"])),
        },
    }


def object_storage(address: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the service ``minio``: unprivileged, read-only, its root account given by files, for administrators."""
    storage = options["object_storage"]
    return {
        "container_name": "minio",
        "image": options.get("image_prefix", "") + storage["image"],
        "command": ["server", "/data", "--console-address", f":{OBJECT_STORAGE_PORTS[1]}"],
        "restart": "always",
        "user": storage["user"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "read_only": True,
        "tmpfs": [HOME],
        "networks": {NETWORK: {"ipv4_address": address, "aliases": ["minio"]}},
        "ports": Replace([bound(options["admin_bind"], port, port) for port in OBJECT_STORAGE_PORTS]),
        "environment": {
            "HOME": HOME,
            "MINIO_ROOT_USER_FILE": "/run/secrets/object_storage_root_user",
            "MINIO_ROOT_PASSWORD_FILE": "/run/secrets/object_storage_root_password",
            **{key: literal(value) for key, value in storage.get("env", {}).items()},
        },
        "secrets": ["object_storage_root_user", "object_storage_root_password"],
        "volumes": [bind(storage["dir"], "/data")],
        "healthcheck": {
            "test": list(storage["healthcheck"]),
            "interval": "10s",
            "timeout": "5s",
            "retries": 5,
            "start_period": "30s",
        },
        "logging": log_limits(options),
    }


def merged(base: Any, extra: Any, key: str = "") -> Any:
    """Return ``base`` with ``extra`` laid over it, as Compose does with a further file.

    Mappings are merged key by key and lists appended to, except those that Compose itself replaces.
    """
    if isinstance(base, Mapping) and isinstance(extra, Mapping):
        return {
            **base,
            **{name: merged(base[name], extra[name], name) if name in base else extra[name] for name in extra},
        }
    if isinstance(base, Replace) and isinstance(extra, list):
        return Replace(extra)
    if isinstance(base, list) and isinstance(extra, list) and key not in ("command", "entrypoint", "test"):
        return base + [item for item in extra if item not in base]
    return extra


def build(release: Mapping[str, Any], options: Mapping[str, Any], previous: Mapping[str, str] | None = None) -> dict:
    """Return the override file's structure.

    Args:
        release: the release's merged Compose files.
        options: ``subnet``, ``ip_range``, ``addresses``, ``hosts``, ``http_bind``, ``http_port``, ``admin_bind``,
            ``share_dir``, ``image_prefix``, ``proxies``, ``server_env``, ``log_max_size``, ``log_max_file``,
            ``tls`` (None, or what ``proxy_tls`` takes), ``object_storage`` (None, or ``image``, ``user``, ``dir``,
            ``secrets_dir``, ``healthcheck``, ``env``), ``functions`` (the models' network, of
            ``compose_networks.functions``) and ``extra`` (laid over the result).
        previous: addresses that services have now; those outside the map keep theirs.

    Raises:
        OverrideError: the release has no such network, or has a service of the name ``minio`` itself, or ``extra``
            gives an address twice.
        compose_addresses.AddressError: see there.
    """
    services = release.get("services") or {}
    if NETWORK not in (release.get("networks") or {}):
        raise OverrideError(f"The release's Compose files define no network '{NETWORK}'. Is this a CVAT source tree?")
    storage = options.get("object_storage")
    if storage and "minio" in services:
        raise OverrideError("The release brings a service 'minio' of its own. Set cvat_object_storage to false.")
    joined = [name for name, service in services.items() if on_network(service)]
    addresses = compose_addresses.assign(
        [*joined, *(["minio"] if storage else [])],
        options["subnet"],
        options["ip_range"],
        previous=previous,
        chosen=options.get("addresses"),
    )
    ends = one_shots(services)
    result: dict[str, Any] = {
        "services": {
            name: service_override(name, services[name], addresses.get(name), options, one_shot=name in ends)
            for name in sorted(services)
        },
        "networks": {
            NETWORK: {
                "driver": "bridge",
                "ipam": {
                    "config": [
                        {
                            "subnet": options["subnet"],
                            "ip_range": options["ip_range"],
                            # Without it Docker takes the first address of ip_range.
                            "gateway": compose_addresses.gateway(options["subnet"]),
                        }
                    ]
                },
            }
        },
    }
    result = merged(result, functions_network(services, options["functions"]))
    if storage:
        result["services"]["minio"] = object_storage(addresses["minio"], options)
        result["secrets"] = {
            name: {"file": literal(f"{storage['secrets_dir']}/{name}")}
            for name in ("object_storage_root_user", "object_storage_root_password")
        }
    if (options.get("tls") or {}).get("mode") == "acme":
        result["volumes"] = {ACME_VOLUME: {}}
    result = merged(result, options.get("extra") or {})
    refuse_doubles(addresses_in(result))
    return result


def functions_network(services: Mapping[str, Any], network: Mapping[str, Any]) -> dict[str, Any]:
    """Return the models' network with the dashboard in it, who calls them; CVAT itself never does."""
    if "nuclio" not in services:
        return {}
    place = {"ipv4_address": network["dashboard"], "mac_address": network["dashboard_mac"]}
    return {
        "services": {"nuclio": {"networks": {compose_networks.KEY: place}}},
        "networks": {compose_networks.KEY: compose_networks.definition(network)},
    }


def refuse_doubles(addresses: Mapping[str, str]) -> None:
    """Refuse one address for two services, which only ``extra`` can bring about.

    Raises:
        OverrideError: names both services.
    """
    owners: dict[str, str] = {}
    for name, address in addresses.items():
        if address in owners:
            raise OverrideError(
                f"The address {address} is given to both {owners[address]} and {name}. "
                "Choose addresses with cvat_addresses: the other services then make way."
            )
        owners[address] = name


def addresses_in(override: Mapping[str, Any]) -> dict[str, str]:
    """Return the fixed addresses that an override file gives, by service."""
    found = {}
    for name, service in (override.get("services") or {}).items():
        networks = (service or {}).get("networks") or {}
        address = (networks.get(NETWORK) or {}).get("ipv4_address") if isinstance(networks, Mapping) else None
        if address:
            found[name] = str(address)
    return found


class _Loader(yaml.SafeLoader):
    """Reads what Compose reads: its own tags are passed over."""


def _plain(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.ScalarNode)  # noqa: S101 - a node is one of three kinds
    return loader.construct_scalar(node)


_Loader.add_multi_constructor("!", _plain)


def from_yaml(text: str) -> dict[str, Any]:
    """Read an override file; one that is empty or cannot be read counts as none, because it will be replaced."""
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError:
        return {}
    return content if isinstance(content, dict) else {}
