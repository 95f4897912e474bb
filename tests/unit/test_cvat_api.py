"""The client of CVAT's REST API against a small CVAT in this process."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from ansible_collections.annotation.server.plugins.module_utils.cvat_api import CvatClient, CvatError, explain
from cvat_server import HOST, FakeCvat


@pytest.fixture
def cvat() -> Iterator[FakeCvat]:
    server = FakeCvat()
    yield server
    server.shutdown()
    server.server_close()


def client(cvat: FakeCvat, **options) -> CvatClient:
    return CvatClient(
        cvat.url, **{"host": HOST, "username": "admin", "password": "secret", "sleep": lambda _: None} | options
    )


def test_logs_in_once(cvat: FakeCvat) -> None:
    user = client(cvat)
    user.get("/api/cloudstorages")
    user.get("/api/cloudstorages")
    assert [path for _, path in cvat.seen].count("/api/auth/login") == 1


def test_wrong_password_is_named_with_the_user(cvat: FakeCvat) -> None:
    with pytest.raises(CvatError, match="refuses the user 'admin': Unable to log in") as caught:
        client(cvat, password="wrong").get("/api/cloudstorages")
    assert caught.value.status == 400
    assert "wrong" not in str(caught.value)


def test_token_needs_no_login(cvat: FakeCvat) -> None:
    client(cvat, token="personal").get("/api/cloudstorages")
    assert ("POST", "/api/auth/login") not in cvat.seen


def test_another_host_name_meets_traefik(cvat: FakeCvat) -> None:
    with pytest.raises(CvatError) as caught:
        client(cvat, host="other.lan").get("/api/cloudstorages")
    assert caught.value.status == 404


def test_every_page_is_read(cvat: FakeCvat) -> None:
    for number in range(205):
        cvat.add(display_name=str(number))
    found = client(cvat).list_all("/api/cloudstorages")
    assert [item["display_name"] for item in found] == [str(number) for number in range(205)]


def test_error_has_status_body_and_cvats_words(cvat: FakeCvat) -> None:
    with pytest.raises(CvatError, match="Not found") as caught:
        client(cvat).get("/api/cloudstorages/7")
    assert (caught.value.status, caught.value.body) == (404, '{"detail": "Not found."}')


def test_nothing_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(CvatError, match="does not answer at") as caught:
        CvatClient(url, username="admin", password="secret").get("/api/server/about")
    assert caught.value.status is None


def test_waits_while_cvat_starts(cvat: FakeCvat) -> None:
    cvat.starting = 3
    assert client(cvat, patience=30).get("/api/cloudstorages")["count"] == 0


def test_does_not_wait_unasked(cvat: FakeCvat) -> None:
    cvat.starting = 1
    with pytest.raises(CvatError) as caught:
        client(cvat).get("/api/cloudstorages")
    assert caught.value.status == 502


def test_changes_are_not_repeated(cvat: FakeCvat) -> None:
    user = client(cvat, patience=30)
    user.get("/api/cloudstorages")
    cvat.starting = 1
    with pytest.raises(CvatError):
        user.post("/api/cloudstorages", {})
    assert cvat.seen.count(("POST", "/api/cloudstorages")) == 1


def test_delete_answers_nothing(cvat: FakeCvat) -> None:
    storage = cvat.add()
    assert client(cvat).delete(f"/api/cloudstorages/{storage['id']}") is None
    assert cvat.storages == []


def test_request_is_followed_to_its_end(cvat: FakeCvat) -> None:
    name = "action=create&target=task&id=7"
    cvat.requests[name] = [{"status": "queued"}, {"status": "started"}, {"status": "failed", "message": "no images"}]
    assert client(cvat).wait_for_request(name, timeout=30)["message"] == "no images"


def test_request_that_takes_too_long(cvat: FakeCvat) -> None:
    cvat.requests["slow"] = [{"status": "started"}]
    with pytest.raises(CvatError, match=r"not finished slow after 0\.5 seconds \(it is started\)"):
        client(cvat).wait_for_request("slow", timeout=0.5)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"detail": "Not found."}', "Not found."),
        ('{"key": ["Too long.", "Really."], "detail": "No."}', "key: Too long. Really.; No."),
        ('["one", "two"]', "one two"),
        ("plain words\n", "plain words"),
        ("<html>a proxy's page</html>", ""),
        ("", ""),
    ],
)
def test_words_of_a_refusal(body: str, words: str) -> None:
    assert explain(body) == words
