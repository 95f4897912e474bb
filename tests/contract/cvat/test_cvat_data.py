"""Buckets, tasks, frames and annotations through cvat-sdk."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from cvat_neighbours import Bucket
from cvat_sdk import Client, models
from cvat_sdk.api_client import exceptions
from cvat_sdk.core.exceptions import BackgroundRequestException
from cvat_sdk.core.proxies.tasks import ResourceType, Task
from cvat_stand_in import Server
from PIL import Image


def storage(server: Server, **changes: Any) -> models.CloudStorageWriteRequest:
    """A request to register the bucket."""
    fields = {
        "provider_type": "AWS_S3_BUCKET",
        "resource": Bucket.name,
        "display_name": "Pictures",
        "credentials_type": "KEY_SECRET_KEY_PAIR",
        "key": Bucket.key,
        "secret_key": "secret",
        "specific_attributes": f"endpoint_url={server.endpoint}&region=us-east-1",
        **changes,
    }
    for name, model in (("provider_type", models.ProviderTypeEnum), ("credentials_type", models.CredentialsTypeEnum)):
        fields[name] = model(fields[name])
    return models.CloudStorageWriteRequest(**fields)


@pytest.fixture
def bucket(client: Client, stand_in: Server) -> Iterator[int]:
    """The bucket, registered; gives the id."""
    made, _ = client.api_client.cloudstorages_api.create(storage(stand_in))
    yield made.id
    client.api_client.cloudstorages_api.destroy(made.id)


def refused(client: Client, request: models.CloudStorageWriteRequest) -> str:
    """The text of the 400 that a registration gets."""
    with pytest.raises(exceptions.ApiException) as error:
        client.api_client.cloudstorages_api.create(request)
    assert error.value.status == 400
    return str(error.value.body)


def test_a_bucket_is_registered_and_asked(client: Client, bucket: int) -> None:
    api = client.api_client.cloudstorages_api
    found, _ = api.list(name="Pictures")
    assert [item.id for item in found.results] == [bucket]
    assert not hasattr(found.results[0], "secret_key")
    assert api.retrieve_status(bucket)[0] == "AVAILABLE"
    content, _ = api.retrieve_content_v2(bucket)
    assert "red.png" in [item.name for item in content.content]


def test_names_need_not_be_unique(client: Client, stand_in: Server, bucket: int) -> None:
    api = client.api_client.cloudstorages_api
    twin, _ = api.create(storage(stand_in))
    assert twin.id != bucket
    api.destroy(twin.id)


def test_a_bucket_that_does_not_answer_is_not_registered(client: Client, stand_in: Server) -> None:
    before = client.api_client.cloudstorages_api.list()[0].count
    absent = refused(client, storage(stand_in, resource="absent"))
    assert absent == "resource: The resource absent not found. It may have been deleted."
    assert "Access forbidden" in refused(client, storage(stand_in, key="other-key"))
    private = "endpoint_url=http://172.31.255.254:9000&region=us-east-1"
    assert "not found" in refused(client, storage(stand_in, specific_attributes=private))
    assert client.api_client.cloudstorages_api.list()[0].count == before


def test_keys_have_a_length(server: Server) -> None:
    request = {"provider_type": "AWS_S3_BUCKET", "resource": "x", "display_name": "x", "key": "k" * 41}
    request |= {"credentials_type": "KEY_SECRET_KEY_PAIR", "secret_key": "s"}
    auth = (server.user, server.password)
    reply = requests.post(f"{server.url}/api/cloudstorages", json=request, auth=auth, timeout=30)
    assert reply.status_code == 400
    assert reply.text == "key: Ensure this field has no more than 40 characters."


def test_a_proxy_refuses_private_addresses(stand_in: Server) -> None:
    command = "curl -s -o /dev/null -w %{http_code} -x http://127.0.0.1:4750 http://172.31.255.254:9000/"
    assert stand_in.container.exec_run(command).output == b"407"


def test_a_task_from_the_bucket(client: Client, bucket: int, files: dict[str, bytes]) -> None:
    params = {"cloud_storage_id": bucket, "use_cache": True, "image_quality": 70}
    task = client.tasks.create_from_data(
        {"name": "from the bucket", "labels": [{"name": "car"}]},
        ["red.png", "more/"],
        resource_type=ResourceType.SHARE,
        data_params=params,
    )
    assert task.size == 2
    names = [frame.name for frame in task.get_meta().frames]
    assert names == ["more/blue.png", "red.png"]
    assert task.get_frame(1, quality="original").read() == files["red.png"]
    task.remove()


def test_a_task_from_the_share(client: Client, stand_in: Server, files: dict[str, bytes]) -> None:
    spec = {"name": "from the share", "labels": [{"name": "car"}]}
    task = client.tasks.create_from_data(spec, ["more/blue.png"], resource_type=ResourceType.SHARE)
    assert task.get_frame(0, quality="original").read() == files["more/blue.png"]
    assert [item.name for item in client.api_client.server_api.list_share()[0]] == ["more", "notes.txt", "red.png"]
    task.remove()


@pytest.mark.parametrize(
    ("name", "words"), [("absent.png", "not found on the cloud storage"), ("notes.txt", "No media")]
)
def test_a_task_that_cannot_be_made_says_why(client: Client, bucket: int, name: str, words: str) -> None:
    task = client.tasks.create({"name": "fails", "labels": [{"name": "car"}]})
    with pytest.raises(BackgroundRequestException, match=words):
        task.upload_data([name], resource_type=ResourceType.SHARE, params={"cloud_storage_id": bucket})
    task.remove()


def test_uploaded_pictures_become_frames(task: Task, tmp_path: Path) -> None:
    assert (task.size, task.mode) == (2, "annotation")
    assert [(frame.name, frame.width, frame.height) for frame in task.get_frames_info()] == [
        ("a.png", 60, 40),
        ("b.png", 30, 20),
    ]
    assert task.get_frame(0, quality="original").read() == (tmp_path / "a.png").read_bytes()
    compressed = Image.open(BytesIO(task.get_frame(1, quality="compressed").read()))
    assert (compressed.format, compressed.size) == ("JPEG", (30, 20))
    (job,) = task.get_jobs()
    assert (job.start_frame, job.stop_frame, job.state) == (0, 1, "new")


def test_a_frame_outside_the_task_is_an_error(task: Task) -> None:
    with pytest.raises(exceptions.ApiException) as error:
        task.get_frame(2)
    assert error.value.status in (400, 404)


def test_data_is_added_once(task: Task, tmp_path: Path) -> None:
    with pytest.raises(exceptions.ApiException) as error:
        task.upload_data([tmp_path / "a.png"])
    assert error.value.status in (400, 405, 409)


def test_annotations_come_back(task: Task) -> None:
    (label,) = task.get_labels()
    box = {"type": "rectangle", "frame": 0, "label_id": label.id, "points": [1.0, 2.0, 10.0, 20.0], "attributes": []}
    mask = {
        "type": "mask",
        "frame": 1,
        "label_id": label.id,
        "points": [1.0, 5.0, 2.0, 3.0, 4.0, 4.0],
        "attributes": [],
    }
    value = {"spec_id": label.attributes[0].id, "value": "green"}
    task.set_annotations({"shapes": [{**box, "attributes": [value]}, mask], "tags": [], "tracks": []})
    first, second = task.get_annotations().shapes
    assert (first.points, first.attributes[0].value, second.points) == (box["points"], "green", mask["points"])
    (job,) = task.get_jobs()
    assert {shape.id for shape in job.get_annotations().shapes} == {first.id, second.id}
    task.update_annotations({"shapes": [{**box, "id": first.id, "points": [0.0, 0.0, 5.0, 5.0]}]})
    assert sorted(shape.id for shape in task.get_annotations().shapes) == sorted([first.id, second.id])
    task.remove_annotations(ids=[first.id])
    assert [shape.id for shape in task.get_annotations().shapes] == [second.id]
    task.remove_annotations()
    assert not task.get_annotations().shapes


def test_an_unknown_label_is_refused(task: Task) -> None:
    shape = {"type": "rectangle", "frame": 0, "label_id": 2_000_000_000, "points": [1.0, 2.0, 3.0, 4.0]}
    with pytest.raises(exceptions.ApiException) as error:
        task.set_annotations({"shapes": [shape]})
    assert error.value.status in (400, 404)


def test_a_deleted_task_is_gone(client: Client, task: Task) -> None:
    task.remove()
    with pytest.raises(exceptions.NotFoundException):
        client.tasks.retrieve(task.id)
