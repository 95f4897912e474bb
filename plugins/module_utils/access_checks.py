"""Whether people can open CVAT and sign in, by every name they use, and nothing else is open to them."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, CheckWarning
from ansible_collections.annotation.server.plugins.module_utils.docker_view import Container, foreign_cure

TIMEOUT = 15
LOOPBACK = ("127.", "::1", "[::1]")
_LISTENING = "0A"  # proc_net_tcp: state TCP_LISTEN


@dataclass
class Answer:
    """What CVAT, or whoever stands in front of it, answered."""

    status: int
    text: str
    cookies: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Door:
    """Where this server answers people: an address and port of the host, plain or over TLS."""

    address: str
    port: int
    is_tls: bool = False
    ca_path: str | None = None

    def ask(
        self,
        host: str,
        path: str,
        method: str = "GET",
        body: Mapping[str, Any] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send what a browser would send that opened CVAT under the name ``host``.

        Raises:
            OSError: nobody answers, or the certificate is not for this name.
        """
        cookies = cookies or {}
        origin = f"{'https' if self.is_tls else 'http'}://{self.shown(host)}"
        headers = {"Host": self.shown(host), "Origin": origin, "Referer": f"{origin}/"}
        headers["Accept"] = "application/vnd.cvat+json"
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
            headers["X-CSRFToken"] = cookies.get("csrftoken", "")
        if body is not None:
            headers["Content-Type"] = "application/json"
        sock = socket.create_connection((self.address, self.port), timeout=TIMEOUT)
        try:
            if self.is_tls:
                context = ssl.create_default_context()
                if self.ca_path:
                    context.load_verify_locations(self.ca_path)
                sock = context.wrap_socket(sock, server_hostname=host)
            connection = http.client.HTTPConnection(self.address, self.port, timeout=TIMEOUT)
            connection.sock = sock
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            reply = connection.getresponse()
            text = reply.read(1_000_000).decode(errors="replace")
            given = SimpleCookie()
            for line in reply.msg.get_all("Set-Cookie") or []:
                given.load(line)
        except http.client.HTTPException as problem:
            raise OSError(f"{type(problem).__name__}: {problem}") from problem
        finally:
            sock.close()
        return Answer(reply.status, text, {name: morsel.value for name, morsel in given.items()})

    def shown(self, host: str) -> str:
        """Return a name as it stands in a browser's address line."""
        host = f"[{host}]" if ":" in host else host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def names_answer(door: Door, hosts: Iterable[str]) -> str:
    """CVAT answers under every configured name and address; Traefik's 404 means that it does not know the name."""
    hosts = list(dict.fromkeys(hosts))
    for host in hosts:
        try:
            answer = door.ask(host, "/api/server/about")
        except ssl.SSLError as problem:
            reason = getattr(problem, "verify_message", "") or problem
            raise CheckFailed(
                f"the certificate does not do for {host}: {reason}", "Run site.yml with --tags tls,cvat."
            ) from problem
        except OSError as problem:
            raise CheckFailed(
                f"nobody answers at {door.address}:{door.port}: {problem}", "Run site.yml with --tags cvat."
            ) from problem
        if answer.status == 404:
            raise CheckFailed(
                f"CVAT does not answer to the name {host} (404)",
                "Add it to annotation_server_extra_hosts and run site.yml with --tags cvat.",
            )
        if answer.status != 200:
            raise CheckFailed(
                f"CVAT answers {answer.status} under the name {host}", "See 'docker logs traefik' on the server."
            )
    return f"CVAT answers to {', '.join(door.shown(host) for host in hosts)}"


def own_address_answers(door: Door, address: str, hosts: Iterable[str]) -> str:
    """CVAT answers to the server's own address in the network, which people try when the name does not resolve."""
    try:
        answer = door.ask(address, "/api/server/about")
    except OSError as problem:
        raise CheckWarning(
            f"CVAT does not answer at {door.shown(address)}: {problem}",
            "Set annotation_server_http_bind to 0.0.0.0 if people are to open CVAT from other machines.",
        ) from problem
    if answer.status == 404:
        raise CheckWarning(
            f"whoever opens {door.shown(address)} gets 404; CVAT answers to {', '.join(hosts)} only",
            f"If people type the address, add {address} to annotation_server_extra_hosts.",
        )
    if answer.status != 200:
        raise CheckWarning(f"{door.shown(address)} answers {answer.status}", "See 'docker logs traefik' on the server.")
    return f"{door.shown(address)} answers"


def people_sign_in(door: Door, hosts: Iterable[str], user: str, password: str) -> str:
    """A browser signs in and changes something under every name: cookies and the protection against CSRF agree.

    Nothing is changed: the change that is sent is empty.
    """
    hosts = list(dict.fromkeys(hosts))
    for host in hosts:
        shown = door.shown(host)
        try:
            login = door.ask(host, "/api/auth/login", "POST", {"username": user, "password": password})
            if login.status in (400, 401):
                raise CheckFailed(
                    f"CVAT refuses the user {user!r} under the name {shown} ({login.status})",
                    "Does the file cvat_superuser_password hold this user's password? See docs/security.md.",
                )
            if login.status == 503:
                raise CheckFailed(
                    f"CVAT refuses to log anybody in: {login.text.strip()[:200] or '503'}",
                    "A full disk does that: free space, for example with docker image prune.",
                )
            if login.status != 200 or "sessionid" not in login.cookies:
                raise CheckFailed(
                    f"signing in under the name {shown} gives {login.status} and no session",
                    "See 'docker logs cvat_server' on the server.",
                )
            own = door.ask(host, "/api/users/self", cookies=login.cookies)
            number = json.loads(own.text)["id"] if own.status == 200 else None
            change = door.ask(host, f"/api/users/{number}", "PATCH", {}, {**login.cookies, **own.cookies})
        except (OSError, ValueError, KeyError) as problem:
            raise CheckFailed(
                f"signing in under the name {shown} fails: {problem}", "See 'docker logs cvat_server' on the server."
            ) from problem
        if change.status == 403:
            raise CheckFailed(
                f"who signs in under the name {shown} may change nothing: {change.text.strip()[:200]}",
                "CSRF: CVAT must see the name that people typed. A proxy in front must pass on Host and "
                "X-Forwarded-Proto; see docs/tls.md.",
            )
        if change.status != 200:
            raise CheckFailed(
                f"a change under the name {shown} gives {change.status}",
                "See 'docker logs cvat_server' on the server.",
            )
    return f"signing in and saving work under {', '.join(door.shown(host) for host in hosts)}"


def listening(root: Path = Path("/proc/net")) -> set[int]:
    """Return the TCP ports on which this host listens for other machines (source: proc_pid_net(5))."""
    found = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = (root / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _number, local, _remote, state, *_rest = line.split()
            address, _, port = local.rpartition(":")
            # Words of the machine's byte order: 127.0.0.1 is 0100007F, ::1 ends with 01000000.
            is_own = address.endswith("7F") if len(address) == 8 else address in _OWN_V6
            if state == _LISTENING and not is_own:
                found.add(int(port, 16))
    return found


_OWN_V6 = ("00000000000000000000000001000000", "0000000000000000FFFF00000100007F")


def open_ports(containers: list[Container], wanted: Iterable[int], others: Iterable[int]) -> str:
    """Of the server's containers only the wanted ports are open to other machines.

    Args:
        containers: of the server.
        wanted: ports that people and administrators are meant to reach.
        others: ports on which the host listens, for the answer only: what is not ours is not judged.
    """
    wanted = set(wanted)
    published = [
        (port, container)
        for container in containers
        for address, port in container.ports
        if not address.startswith(LOOPBACK)
    ]
    unwanted = [(port, container) for port, container in published if port not in wanted]
    ours = [(port, container) for port, container in unwanted if not container.is_foreign]
    if unwanted:
        shown = sorted({f"port {port} ({container.name})" for port, container in ours or unwanted})
        text = f"{', '.join(shown)} is open to other machines"
        if not ours:
            raise CheckWarning(text, foreign_cure([container for _port, container in unwanted]))
        raise CheckFailed(
            text, "Run site.yml with --tags cvat,models; administration ports follow annotation_server_admin_bind."
        )
    reachable = sorted({port for port, _container in published})
    rest = sorted(set(others) - set(reachable))
    text = f"CVAT and its models are open on {', '.join(map(str, reachable)) or 'no port'} only"
    return text + (f"; other programs of this host listen on {', '.join(map(str, rest))}" if rest else "")


def own_address() -> str:
    """Return the address with which this server speaks to other machines; empty without a route. Sends nothing."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: an address for examples
            return str(probe.getsockname()[0])
    except OSError:
        return ""
