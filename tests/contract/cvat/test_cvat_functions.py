"""Functions through CVAT's API. With CVAT_URL only what every CVAT with the serverless file can answer is asked."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from cvat_neighbours import Dashboard
from cvat_sdk import Client, models
from cvat_sdk.core.proxies.tasks import Task
from cvat_stand_in import Server


def call(client: Client, method: str, path: str, body: dict | None = None) -> tuple[int, Any]:
    """A plain request in the session of the client; gives status and parsed answer."""
    headers = {"X-CSRFToken": client.api_client.cookies["csrftoken"].value, "Content-Type": "application/json"}
    headers["Cookie"] = "; ".join(f"{name}={value.value}" for name, value in client.api_client.cookies.items())
    reply = client.api_client.rest_client.pool_manager.request(
        method, client.api_map.host + path, body=json.dumps(body) if body else None, headers=headers
    )
    return reply.status, json.loads(reply.data) if reply.data else None


def test_functions_are_listed_with_what_their_annotations_say(client: Client, stand_in: Server) -> None:
    status, functions = call(client, "GET", "/api/lambda/functions")
    assert status == 200
    found = {item["id"]: item for item in functions}
    assert set(found) == {"clicker", "finder", "follower", "old-follower"}, "a function of unknown type must be dropped"
    assert found["clicker"]["kind"] == "interactor"
    assert found["clicker"]["startswith_box"] is True, 'bool("false") is True upstream'
    assert (found["clicker"]["version"], found["clicker"]["min_neg_points"]) == (2, -1)
    assert [label["name"] for label in found["finder"]["labels_v2"]] == ["car", "ship"]


def test_the_models_page_is_switched_on(client: Client) -> None:
    assert client.api_client.server_api.retrieve_plugins()[0].models is True


def test_a_prompt_reaches_the_function_with_the_original_picture(task: Task, stand_in: Server, tmp_path: Path) -> None:
    prompt = {"task": task.id, "frame": 0, "pos_points": [[5, 6]], "neg_points": [], "obj_bbox": []}
    status, answer = call(task._client, "POST", "/api/lambda/functions/clicker", prompt)
    assert (status, answer) == (200, Dashboard.answers["clicker"])
    name, payload = Dashboard.calls[-1]
    assert name == "clicker"
    assert base64.b64decode(payload.pop("image")) == (tmp_path / "a.png").read_bytes()
    assert payload == {"pos_points": [[5, 6]], "neg_points": [], "obj_bbox": []}


def test_a_prompt_without_points_is_400(task: Task, stand_in: Server) -> None:
    status, answer = call(task._client, "POST", "/api/lambda/functions/clicker", {"task": task.id, "frame": 0})
    assert status == 400
    assert "called without mandatory argument: pos_points" in answer


def test_an_unknown_function_is_404(client: Client, stand_in: Server) -> None:
    assert call(client, "GET", "/api/lambda/functions/absent")[0] == 404


def test_a_call_for_no_task_is_400(client: Client, stand_in: Server) -> None:
    assert call(client, "POST", "/api/lambda/functions/clicker", {"frame": 0})[0] == 400


@pytest.mark.parametrize("name", ["follower", "old-follower"])
def test_a_tracker_begins_with_shapes_and_goes_on_with_states(task: Task, stand_in: Server, name: str) -> None:
    shape = {"type": "rectangle", "points": [0, 0, 2, 2]}
    begin = {"task": task.id, "frame": 0, "shapes": [shape]}
    status, answer = call(task._client, "POST", f"/api/lambda/functions/{name}", begin)
    assert (status, answer["shapes"]) == (200, [{"type": "rectangle", "points": [1, 1, 3, 3]}])
    is_new = name == "follower"
    assert Dashboard.calls[-1][1]["shapes"] == [shape if is_new else shape["points"]]
    go_on = {"task": task.id, "frame": 1, "states": answer["states"]}
    assert call(task._client, "POST", f"/api/lambda/functions/{name}", go_on)[0] == 200
    sent = Dashboard.calls[-1][1]
    assert (sent["states"], sent["shapes"]) == ([{"n": 1}], [None])
    forged = {**go_on, "states": ["forged:by:me"]}
    assert call(task._client, "POST", f"/api/lambda/functions/{name}", forged)[0] == 400


def test_a_tracker_knows_its_shapes(task: Task, stand_in: Server) -> None:
    begin = {"task": task.id, "frame": 0, "shapes": [{"type": "polygon", "points": [0, 0, 2, 2, 3, 1]}]}
    status, answer = call(task._client, "POST", "/api/lambda/functions/follower", begin)
    assert (status, answer) == (400, "This function does not support shapes of type 'polygon'")


@pytest.mark.parametrize("as_polygon", [False, True])
def test_a_detector_annotates_a_whole_task(client: Client, task: Task, stand_in: Server, as_polygon: bool) -> None:
    request = models.FunctionCallRequest(function="finder", task=task.id, cleanup=True, conv_mask_to_poly=as_polygon)
    started, _ = client.api_client.lambda_api.create_requests(request)
    until = time.monotonic() + 30
    while (state := client.api_client.lambda_api.retrieve_requests(started.id)[0]).status not in ("finished", "failed"):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert (state.status, state.progress, state.exc_info) == ("finished", 100, None)
    shapes = task.get_annotations().shapes
    assert len(shapes) == 4, "two per frame: the task has no label 'ship'"
    assert shapes[0].points == [1, 1, 3, 3]
    assert shapes[1].type.value == ("polygon" if as_polygon else "mask")
    assert shapes[1].points == ([0, 0, 1, 0, 1, 1] if as_polygon else [0, 1, 1, 2, 2, 3, 3, 4])
