#!/usr/bin/python3
"""Stands for Traefik: reads the same labels and rules, lets haproxy do the work, reloads when containers change.

Understood: traefik.enable, routers.NAME.rule and .entrypoints, services.NAME.loadbalancer.server.port, the file
provider's routers and services with {{ env "NAME" }}, and its certificates; of entry points ADDRESS, HTTP_TLS and
HTTP_REDIRECTIONS_ENTRYPOINT_TO and _SCHEME; in rules Host, HostRegexp, PathPrefix, Path, &&, ||, brackets.
"""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CONFIG = Path("/tmp/haproxy.cfg")
MATCHERS = {
    "Host": "req.hdr(host),host_only,lower -m str",
    "HostRegexp": "req.hdr(host),host_only,lower -m reg",
    "PathPrefix": "path -m beg",
    "Path": "path -m str",
}
TOKEN = re.compile(r"\s*(&&|\|\||\(|\)|!|(\w+)\(((?:`[^`]*`\s*,?\s*)+)\))")


@dataclass(frozen=True)
class Router:
    """A rule and the address that it leads to."""

    name: str
    rule: str
    entrypoints: tuple[str, ...]
    address: str


def conditions(rule: str) -> list[str]:
    """A Traefik rule as haproxy conditions of which one must hold; brackets are multiplied out.

    Raises ValueError for what is not understood.
    """
    tokens, position = [], 0
    while position < len(rule.rstrip()):
        match = TOKEN.match(rule, position)
        if not match:
            raise ValueError(f"cannot read the rule {rule!r} at character {position}")
        tokens.append(match)
        position = match.end()
    terms, rest = _either(tokens)
    if rest:
        raise ValueError(f"the rule {rule!r} does not end where it should")
    return [" ".join(term) for term in terms]


def _either(tokens: list) -> tuple[list, list]:
    terms, tokens = _both(tokens)
    while tokens and tokens[0][1] == "||":
        more, tokens = _both(tokens[1:])
        terms = terms + more
    return terms, tokens


def _both(tokens: list) -> tuple[list, list]:
    terms, tokens = _one(tokens)
    while tokens and tokens[0][1] == "&&":
        more, tokens = _one(tokens[1:])
        terms = [left + right for left in terms for right in more]
    return terms, tokens


def _one(tokens: list) -> tuple[list, list]:
    if not tokens:
        raise ValueError("a rule ends too early")
    if tokens[0][1] == "(":
        terms, rest = _either(tokens[1:])
        if not rest or rest[0][1] != ")":
            raise ValueError("a bracket is not closed")
        return terms, rest[1:]
    if tokens[0][2] not in MATCHERS:
        raise ValueError(f"unknown matcher {tokens[0][1]!r}")
    words = re.findall(r"`([^`]*)`", tokens[0][3])
    name = tokens[0][2]
    words = [word.lower() for word in words] if name == "Host" else words
    return [[f"{{ {MATCHERS[name]} -- '{word}' }}"] for word in words], tokens[1:]


class DockerConnection(http.client.HTTPConnection):
    """HTTP over the Docker socket."""

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/var/run/docker.sock")


def containers() -> list[dict]:
    """Running containers that want to be routed to."""
    connection = DockerConnection("localhost", timeout=10)
    connection.request("GET", "/containers/json?filters=%7B%22label%22%3A%5B%22traefik.enable%3Dtrue%22%5D%7D")
    found = json.loads(connection.getresponse().read())
    connection.close()
    return found


def docker_routers() -> list[Router]:
    """Routers out of labels."""
    routers = []
    for container in containers():
        labels = {key.lower(): value for key, value in container["Labels"].items()}
        address = next((net["IPAddress"] for net in container["NetworkSettings"]["Networks"].values()), "")
        ports = [value for key, value in labels.items() if key.endswith(".loadbalancer.server.port")]
        for key, rule in labels.items():
            if match := re.fullmatch(r"traefik\.http\.routers\.(.+)\.rule", key):
                entry = labels.get(f"traefik.http.routers.{match[1]}.entrypoints", "web")
                if address and ports:
                    routers.append(Router(match[1], rule, tuple(entry.split(",")), f"{address}:{ports[0]}"))
    return routers


def dynamic(folder: str) -> list[dict[str, Any]]:
    """What the files of the file provider's folder say, with the environment's values in them."""
    found = []
    for path in sorted(Path(folder).glob("*.yml")) if folder else []:
        text = re.sub(r'\{\{\s*env "(\w+)"\s*\}\}', lambda match: os.environ.get(match[1], ""), path.read_text())
        found.append(yaml.safe_load(text) or {})
    return found


def file_routers(folder: str) -> list[Router]:
    """Routers out of the file provider's folder; middlewares are not looked at."""
    routers = []
    for content in dynamic(folder):
        http_part: dict[str, Any] = content.get("http", {})
        for name, router in http_part.get("routers", {}).items():
            url = http_part["services"][router["service"]]["loadBalancer"]["servers"][0]["url"]
            routers.append(Router(name, router["rule"], tuple(router["entryPoints"]), url.removeprefix("http://")))
    return routers


def write_certificates(folder: str) -> Path | None:
    """The file provider's certificates as haproxy wants them, the default one first; None without one.

    Read once, as Traefik does: another certificate in the same file is not noticed before a restart.
    """
    found = []
    for content in dynamic(folder):
        part: dict[str, Any] = content.get("tls", {})
        default = part.get("stores", {}).get("default", {}).get("defaultCertificate")
        found += [pair for pair in [default, *part.get("certificates", [])] if pair]
    if not found:
        return None
    target = Path("/tmp/certificates")
    target.mkdir(mode=0o700, exist_ok=True)
    for number, pair in enumerate(found):
        text = Path(pair["certFile"]).read_text() + "\n" + Path(pair["keyFile"]).read_text()
        (target / f"{number}.pem").write_text(text)
    return target


def entry(name: str, address: str, certificates: Path | None) -> list[str]:
    """One entry point: plain, with TLS, or one that sends people elsewhere."""
    if target := setting(name, "HTTP_REDIRECTIONS_ENTRYPOINT_TO"):
        port = "" if target == ":443" else target
        scheme = setting(name, "HTTP_REDIRECTIONS_ENTRYPOINT_SCHEME") or "https"
        where = f"{scheme}://%[req.hdr(host),host_only]{port}%[capture.req.uri]"
        return [f"frontend {name}", f"    bind *{address}", f"    http-request redirect code 301 location {where}"]
    if setting(name, "HTTP_TLS") == "true":
        if certificates is None:
            raise ValueError(f"the entry point {name} has no certificate")
        lines = [
            f"frontend {name}",
            f"    bind *{address} ssl crt {certificates}/0.pem crt {certificates} alpn h2,http/1.1",
        ]
        return [*lines, "    http-request set-header X-Forwarded-Proto https"]
    return [f"frontend {name}", f"    bind *{address}", "    http-request set-header X-Forwarded-Proto http"]


def setting(entrypoint: str, name: str) -> str:
    """A setting of an entry point; upper and lower case are the same, as in Traefik."""
    wanted = f"TRAEFIK_ENTRYPOINTS_{entrypoint}_{name}".upper()
    return next((value for key, value in os.environ.items() if key.upper() == wanted), "")


def render(routers: list[Router], entrypoints: dict[str, str], certificates: Path | None = None) -> str:
    """The haproxy configuration. Longer rules come first, as in Traefik; no match is its 404."""
    front, back = [], []
    for name, address in entrypoints.items():
        front += entry(name, address, certificates)
        for router in sorted(routers, key=lambda item: -len(item.rule)):
            if name in router.entrypoints:
                try:
                    front += [f"    use_backend {router.name} if {term}" for term in conditions(router.rule)]
                except ValueError as error:
                    print(f"router {router.name}: {error}", file=sys.stderr, flush=True)
        front.append("    default_backend nothing")
    for router in routers:
        back += [f"backend {router.name}", f"    server one {router.address} resolvers docker init-addr last,libc,none"]
    return (Path("/etc/stand-in/traefik.cfg").read_text()) + "\n".join([*front, *back, ""])


def main() -> None:
    """Write the configuration, run haproxy, look every second."""
    entrypoints = {
        key[len("TRAEFIK_ENTRYPOINTS_") : -len("_ADDRESS")].lower(): value
        for key, value in os.environ.items()
        if key.startswith("TRAEFIK_ENTRYPOINTS_") and key.endswith("_ADDRESS")
    }
    folder = os.environ.get("TRAEFIK_PROVIDERS_FILE_DIRECTORY", "")
    certificates = write_certificates(folder)
    haproxy: subprocess.Popen | None = None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    seen = None
    try:
        while haproxy is None or haproxy.poll() is None:
            try:
                text = render(docker_routers() + file_routers(folder), entrypoints, certificates)
            except (OSError, ValueError, KeyError) as error:
                print(f"providers: {error}", file=sys.stderr, flush=True)
                text = seen or render([], entrypoints, certificates)
            if text != seen:
                CONFIG.write_text(text)
                if haproxy is None:
                    haproxy = subprocess.Popen(["haproxy", "-W", "-db", "-f", CONFIG])
                else:
                    haproxy.send_signal(signal.SIGUSR2)
                seen = text
            time.sleep(1)
        sys.exit("haproxy has ended")
    finally:
        if haproxy:
            haproxy.terminate()


if __name__ == "__main__":
    main()
