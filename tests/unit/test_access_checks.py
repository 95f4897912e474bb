"""Names, signing in and open ports: what people would meet in their browsers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import access_checks
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, CheckWarning
from docker_containers import container

HOSTS = ["cvat.lan", "192.168.1.5"]


class Handler(BaseHTTPRequestHandler):
    """Traefik and Django, as far as a browser meets them."""

    server: Front

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""

    def answer(self, status: int, content: Any = None, **cookies: str) -> None:
        """Send JSON, and cookies."""
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in cookies.items():
            self.send_header("Set-Cookie", f"{name}={value}; Path=/; HttpOnly")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Any request."""
        front, host = self.server, self.headers["Host"].rpartition(":")[0]
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "null")
        if host not in front.hosts:
            return self.answer(404, "404 page not found")
        if self.path == "/api/server/about":
            return self.answer(front.about, {"version": "2.80.0"})
        if self.path == "/api/auth/login":
            right = body == {"username": "admin", "password": "secret"}
            if front.login != 200 or not right:
                return self.answer(front.login if right else 400, "Disk usage is too high")
            return self.answer(200, {"key": "k"}, sessionid="s1", csrftoken="c1")
        if "sessionid=s1" not in self.headers.get("Cookie", ""):
            return self.answer(401)
        if self.command == "PATCH":
            is_known = self.headers["Origin"] == front.scheme + self.headers["Host"]
            if self.headers.get("X-CSRFToken") != "c1" or not is_known:
                return self.answer(403, {"detail": "CSRF Failed: Origin checking failed"})
            front.changes.append((self.path, body))
            return self.answer(front.change, {})
        return self.answer(200, {"id": 3, "username": "admin"})

    do_POST = do_PATCH = do_GET


class Front(ThreadingHTTPServer):
    """The server; tests change what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.hosts = set(HOSTS)
        self.about = self.login = self.change = 200
        self.scheme = "http://"
        self.changes: list[tuple[str, Any]] = []


@pytest.fixture
def front() -> Iterator[Front]:
    server = Front()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def door(front: Front) -> access_checks.Door:
    return access_checks.Door("127.0.0.1", front.server_address[1])


def test_every_name_answers(front: Front) -> None:
    text = access_checks.names_answer(door(front), [*HOSTS, HOSTS[0]])
    assert text.startswith("CVAT answers to cvat.lan:") and text.count("cvat.lan") == 1


def test_a_name_that_traefik_does_not_know(front: Front) -> None:
    front.hosts = {"cvat.lan"}
    with pytest.raises(CheckFailed, match=r"to the name 192.168.1.5 \(404\)") as caught:
        access_checks.names_answer(door(front), HOSTS)
    assert "annotation_server_extra_hosts" in caught.value.cure


def test_cvat_is_down_behind_traefik(front: Front) -> None:
    front.about = 502
    with pytest.raises(CheckFailed, match=r"CVAT answers 502 under the name cvat.lan"):
        access_checks.names_answer(door(front), HOSTS)


def test_nobody_answers() -> None:
    with pytest.raises(CheckFailed, match=r"nobody answers at 127.0.0.1:1: "):
        access_checks.names_answer(access_checks.Door("127.0.0.1", 1), HOSTS)


def test_a_certificate_that_nobody_trusts(front: Front) -> None:
    speaks_no_tls = access_checks.Door("127.0.0.1", front.server_address[1], is_tls=True)
    with pytest.raises(CheckFailed, match=r"the certificate does not do for cvat.lan"):
        access_checks.names_answer(speaks_no_tls, HOSTS)


def test_the_servers_own_address(front: Front) -> None:
    assert "answers" in access_checks.own_address_answers(door(front), "192.168.1.5", HOSTS)
    with pytest.raises(CheckWarning, match=r"gets 404; CVAT answers to cvat.lan, 192.168.1.5 only") as caught:
        access_checks.own_address_answers(door(front), "10.0.0.9", HOSTS)
    assert "add 10.0.0.9" in caught.value.cure
    with pytest.raises(CheckWarning, match="does not answer at"):
        access_checks.own_address_answers(access_checks.Door("127.0.0.1", 1), "10.0.0.9", HOSTS)


def test_people_sign_in_and_nothing_is_changed(front: Front) -> None:
    assert "signing in" in access_checks.people_sign_in(door(front), HOSTS, "admin", "secret")
    assert front.changes == [("/api/users/3", {})] * 2


@pytest.mark.parametrize(
    ("fault", "words", "cure"),
    [
        ({"login": 503}, "refuses to log anybody in: .*Disk usage", "docker image prune"),
        ({"login": 500}, "gives 500 and no session", "docker logs cvat_server"),
        ({"scheme": "https://"}, "may change nothing: .*CSRF Failed", "X-Forwarded-Proto"),
        ({"change": 500}, "a change under the name cvat.lan:[0-9]+ gives 500", "docker logs cvat_server"),
    ],
)
def test_people_cannot_work(front: Front, fault: dict[str, Any], words: str, cure: str) -> None:
    for name, value in fault.items():
        setattr(front, name, value)
    with pytest.raises(CheckFailed, match=words) as caught:
        access_checks.people_sign_in(door(front), HOSTS, "admin", "secret")
    assert cure in caught.value.cure


def test_a_wrong_password(front: Front) -> None:
    with pytest.raises(CheckFailed, match="refuses the user 'admin'"):
        access_checks.people_sign_in(door(front), HOSTS, "admin", "wrong")


@pytest.mark.parametrize(
    ("host", "port", "is_tls", "shown"),
    [
        ("cvat.lan", 8080, False, "cvat.lan:8080"),
        ("cvat.lan", 80, False, "cvat.lan"),
        ("cvat.lan", 443, True, "cvat.lan"),
        ("cvat.lan", 80, True, "cvat.lan:80"),
        ("fd00::5", 8080, False, "[fd00::5]:8080"),
    ],
)
def test_names_as_browsers_show_them(host: str, port: int, is_tls: bool, shown: str) -> None:
    assert access_checks.Door("127.0.0.1", port, is_tls).shown(host) == shown


def bound(address: str, port: int) -> list[dict[str, str]]:
    return [{"HostIp": address, "HostPort": str(port)}]


def test_open_ports() -> None:
    found = [
        container("traefik", ports={8080: bound("0.0.0.0", 8080), 8090: bound("127.0.0.1", 8090)}),
        container("nuclio", ports={8070: bound("::1", 8070)}),
    ]
    text = access_checks.open_ports(found, [8080], {22, 8080})
    assert text.endswith("open on 8080 only; other programs of this host listen on 22")


@pytest.mark.parametrize("address", ["0.0.0.0", "", "::", "192.168.1.5"])
def test_ports_that_should_be_shut(address: str) -> None:
    found = [container("minio", ports={9000: bound(address, 9000)})]
    with pytest.raises(CheckFailed, match=r"port 9000 \(minio\) is open to other machines") as caught:
        access_checks.open_ports(found, [8080], [])
    assert "annotation_server_admin_bind" in caught.value.cure


def test_a_port_of_a_model_deployed_by_hand_is_named_and_fails_nothing() -> None:
    other = container("nuclio-nuclio-own", function="own", by_hand=True, ports={8080: bound("", 32769)})
    with pytest.raises(CheckWarning, match=r"port 32769 \(nuclio-nuclio-own\) is open to other machines") as caught:
        access_checks.open_ports([other], [8080], [])
    assert "nuclio_functions_remove=own" in caught.value.cure
    ours = container("minio", ports={9000: bound("", 9000)})
    with pytest.raises(CheckFailed, match=r"^port 9000 \(minio\) is open") as failed:
        access_checks.open_ports([other, ours], [8080], [])
    assert failed.type is CheckFailed


def test_ports_of_this_host(tmp_path: Path) -> None:
    head = "  sl  local_address rem_address   st\n"
    lines = ["0: 0100007F:1F86 00000000:0000 0A x", "1: 00000000:0016 00000000:0000 0A x", "2: 0500A8C0:2328 0 01 x"]
    (tmp_path / "tcp").write_text(head + "\n".join(lines))
    own, every = "0" * 24 + "01000000", "0" * 32
    (tmp_path / "tcp6").write_text(head + f"0: {own}:1F90 {every}:0000 0A x\n1: {every}:0050 {every}:0000 0A x\n")
    assert access_checks.listening(tmp_path) == {22, 80}
    assert access_checks.listening(tmp_path / "none") == set()
