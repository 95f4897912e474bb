"""The dashboard: what CVAT asks it, and the states that only it keeps current."""

from __future__ import annotations

import requests
from nuclio_system import Nuclio


def ask(nuclio: Nuclio, path: str, **headers: str) -> requests.Response:
    """GET from the dashboard."""
    told = {key.replace("_", "-"): value for key, value in headers.items()}
    return requests.get(f"{nuclio.dashboard}{path}", headers=told, timeout=30)


def test_functions_are_listed_by_name(nuclio: Nuclio, behaviour: str) -> None:
    record = ask(nuclio, "/api/functions").json()[behaviour]
    assert {"metadata", "spec", "status"} <= set(record)
    assert record["metadata"]["annotations"]["type"] == "interactor"
    assert record["status"]["state"] == "ready"


def test_the_list_can_be_of_one_project(nuclio: Nuclio, behaviour: str) -> None:
    assert behaviour in ask(nuclio, "/api/functions", x_nuclio_project_name="contract").json()
    assert behaviour not in ask(nuclio, "/api/functions", x_nuclio_project_name="default").json()


def test_one_function_by_name(nuclio: Nuclio, behaviour: str) -> None:
    assert ask(nuclio, f"/api/functions/{behaviour}").json()["metadata"]["name"] == behaviour
    assert ask(nuclio, "/api/functions/contract-nobody").status_code == 404


def test_projects_are_listed_by_name(nuclio: Nuclio) -> None:
    assert ask(nuclio, "/api/projects").json()["contract"]["metadata"]["name"] == "contract"


def test_an_invocation_reaches_a_function_that_publishes_no_port(nuclio: Nuclio, behaviour: str) -> None:
    response = nuclio.invoke(behaviour, x_contract="passed on")
    assert response.status_code == 200
    assert response.headers["X-Seen"] == "yes"
    assert response.json()["headers"]["X-Contract"] == "passed on"
    assert response.json()["method"] == "POST"


def test_an_unknown_function_is_404_and_no_name_is_400(nuclio: Nuclio) -> None:
    assert nuclio.invoke("contract-nobody").status_code == 404
    assert requests.post(f"{nuclio.dashboard}/api/function_invocations", timeout=30).status_code == 400


def test_only_the_dashboard_notes_that_a_container_stopped_or_came_back(nuclio: Nuclio, stoppable: str) -> None:
    container = nuclio.container(stoppable)
    container.stop(timeout=1)
    try:
        assert nuclio.function(stoppable)["status"]["state"] == "ready"
        assert nuclio.wait_state(stoppable, "unhealthy", timeout=45) == "unhealthy"
    finally:
        container.start()
    assert nuclio.wait_state(stoppable, "ready", timeout=45) == "ready"
