"""Who may ask, and how: versions, health, logins, CSRF, media types."""

import pytest
import requests
from cvat_sdk import Client
from cvat_sdk.api_client import exceptions
from cvat_stand_in import Server, create_superuser, wait_until_healthy


def test_the_sdk_of_this_release_supports_the_server(client: Client) -> None:
    assert client.get_server_version().release[:2] == (2, 80)


def test_health_names_every_part(server: Server) -> None:
    reply = requests.get(f"{server.url}/api/server/health/?format=json", timeout=30)
    assert reply.status_code == 200
    assert set(reply.json().values()) == {"working"}
    assert {"DatabaseBackend", "DiskUsage", "OPAHealthCheck", "Cache backend: media"} <= set(reply.json())


def test_the_user_is_an_administrator(client: Client, server: Server) -> None:
    user, _ = client.api_client.users_api.retrieve_self()
    assert user.username == server.user
    assert user.is_superuser


def test_a_wrong_password_is_400(server: Server) -> None:
    with Client(server.url) as client, pytest.raises(exceptions.ApiException) as error:
        client.login((server.user, "wrong"))
    assert error.value.status == 400
    assert "Unable to log in with provided credentials" in error.value.body


def test_without_credentials_it_is_401(server: Server) -> None:
    reply = requests.get(f"{server.url}/api/tasks", timeout=30)
    assert reply.status_code == 401
    assert reply.json() == {"detail": "Authentication credentials were not provided."}


def test_token_and_basic_authentication(server: Server) -> None:
    names = {"username": server.user, "password": server.password}
    reply = requests.post(f"{server.url}/api/auth/login", json=names, timeout=30)
    headers = {"Authorization": f"Token {reply.json()['key']}"}
    url = f"{server.url}/api/users/self"
    assert requests.get(url, headers=headers, timeout=30).json()["username"] == server.user
    assert requests.get(url, auth=(server.user, server.password), timeout=30).status_code == 200


def test_a_session_without_csrf_token_cannot_write(server: Server) -> None:
    with requests.Session() as session:
        names = {"username": server.user, "password": server.password}
        session.post(f"{server.url}/api/auth/login", json=names, timeout=30)
        reply = session.post(f"{server.url}/api/tasks", json={"name": "x"}, timeout=30)
        assert reply.status_code == 403
        assert "CSRF Failed" in reply.json()["detail"]
        token = {"X-CSRFToken": str(session.cookies["csrftoken"])}
        reply = session.post(f"{server.url}/api/tasks", json={"name": "x", "labels": []}, headers=token, timeout=30)
        assert reply.status_code == 201
        assert session.delete(reply.json()["url"], headers=token, timeout=30).status_code == 204


def test_answers_have_cvats_media_type(server: Server) -> None:
    reply = requests.get(f"{server.url}/api/tasks", auth=(server.user, server.password), timeout=30)
    assert reply.headers["Content-Type"] == "application/vnd.cvat+json"


def test_what_is_not_there_is_404(client: Client) -> None:
    with pytest.raises(exceptions.NotFoundException):
        client.tasks.retrieve(2_000_000_000)
    with pytest.raises(exceptions.NotFoundException):
        client.api_client.requests_api.retrieve("action=create&target=task&id=2000000000")


def test_a_second_superuser_of_the_same_name_fails(stand_in: Server) -> None:
    code, output = create_superuser(stand_in.container, stand_in.user, "another password")
    assert code == 1
    assert b"That username is already taken" in output


def test_objects_survive_a_restart(client: Client, stand_in: Server) -> None:
    task = client.tasks.create({"name": "kept", "labels": [{"name": "car"}]})
    stand_in.container.restart()
    stand_in.url = wait_until_healthy(stand_in.container)
    with Client(stand_in.url) as again:
        again.login((stand_in.user, stand_in.password))
        assert again.tasks.retrieve(task.id).name == "kept"
        again.tasks.retrieve(task.id).remove()


def test_an_empty_change_of_oneself_needs_the_right_origin(server: Server) -> None:
    """What verify sends to see whether a browser could save work; it changes nothing."""
    with requests.Session() as session:
        login = {"username": server.user, "password": server.password}
        assert session.post(f"{server.url}/api/auth/login", json=login, timeout=30).status_code == 200
        me = session.get(f"{server.url}/api/users/self", timeout=30).json()
        headers = {"X-CSRFToken": session.cookies["csrftoken"], "Origin": server.url}
        url = f"{server.url}/api/users/{me['id']}"
        assert session.patch(url, json={}, headers=headers, timeout=30).status_code == 200
        elsewhere = {**headers, "Origin": "http://elsewhere.lan"}
        assert session.patch(url, json={}, headers=elsewhere, timeout=30).status_code == 403
        assert session.get(f"{server.url}/api/users/self", timeout=30).json()["email"] == me["email"]
