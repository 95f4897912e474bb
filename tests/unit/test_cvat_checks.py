"""The walk through CVAT's API finds what is wrong, and removes what it made."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import known_picture as kp
from ansible_collections.annotation.server.plugins.module_utils.cvat_checks import TASK_NAME, CvatChecks
from ansible_collections.annotation.server.plugins.module_utils.server_checks import CheckFailed, CheckSkipped

PICTURE = kp.draw(64, 48)


def rows(mask: bytearray) -> list[list[int]]:
    return [list(mask[y * 64 : (y + 1) * 64]) for y in range(48)]


class FakeCvat:
    """Answers from tables; ``interactor`` makes a mask of a prompt."""

    def __init__(self, interactor: Any = None) -> None:
        self.interactor = interactor
        self.answers: dict[str, Any] = {
            "/api/server/health/": {"DatabaseBackend": "working"},
            "/api/server/about": {"version": "2.80.0"},
            "/api/cloudstorages": [{"id": 3, "resource": "cvat-storage", "display_name": "Object storage"}],
            "/api/cloudstorages/3/status": "AVAILABLE",
            "/api/lambda/functions": [{"id": "sam2", "kind": "interactor"}],
            "/api/tasks": [],
            "/api/tasks/7/data/meta": {"frames": [{"width": 64, "height": 48}]},
        }
        self.request_state = {"status": "finished"}
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.deleted: list[str] = []

    def get(self, path: str, query: dict[str, Any] | None = None) -> Any:
        return self.answers[path]

    list_all = get

    def post(self, path: str, body: dict[str, Any]) -> Any:
        self.posted.append((path, body))
        if path == "/api/tasks":
            return {"id": 7}
        if path == "/api/tasks/7/data":
            return {"rq_id": "rq"}
        return self.interactor(body)

    def delete(self, path: str) -> None:
        self.deleted.append(path)

    def wait_for_request(self, request_id: str, timeout: float) -> dict[str, Any]:
        return self.request_state


def walk(fake: FakeCvat, picture: kp.KnownPicture | None = PICTURE) -> CvatChecks:
    return CvatChecks(fake, picture_name="verify.png", picture=picture, size=(64, 48), task_id=7)


def perfect(body: dict[str, Any]) -> dict[str, Any]:
    """Answer as a good model would: the star, or the background when that was clicked."""
    points = body["pos_points"]
    if points and not PICTURE.mask[points[0][1] * 64 + points[0][0]]:
        return {"mask": rows(bytearray(1 - value for value in PICTURE.mask))}
    return {"mask": rows(PICTURE.mask)}


def test_a_good_server_passes() -> None:
    fake = FakeCvat(perfect)
    checks = CvatChecks(fake, picture_name="verify.png", picture=PICTURE)
    assert "CVAT 2.80.0" in checks.health()
    assert "available" in checks.cloud_storage("cvat-storage")
    assert checks.functions(["sam2"], {"sam2": "running"}) == "sam2 (interactor)"
    assert "64x48 pixels from the bucket" in checks.create_task()
    assert fake.posted[1][1]["cloud_storage_id"] == 3
    assert "IoU of the box's mask with the known star 1.000" in checks.masks("sam2", 0.8)
    assert len(checks.latencies) == 3
    checks.clean_up()
    checks.clean_up()
    assert fake.deleted == ["/api/tasks/7"]


def test_a_task_left_over_by_a_killed_run_is_removed_and_others_are_not() -> None:
    fake = FakeCvat()
    fake.answers["/api/tasks"] = [{"id": 5, "name": TASK_NAME}, {"id": 6, "name": TASK_NAME + " of mine"}]
    checks = CvatChecks(fake, picture_name="verify.png")
    assert checks.clean_up() == [5]
    assert fake.deleted == ["/api/tasks/5"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda body: {"mask": rows(bytearray(64 * 48))}, "empty"),
        (lambda body: {"mask": rows(bytearray([1]) + bytearray(64 * 48 - 1))}, "does not hold the point"),
        (lambda body: {"mask": rows(bytearray(b"\1" * (64 * 48)))}, "the same mask"),
        (lambda body: {"mask": [[1]]}, "1x1 pixels"),
        (lambda body: {"shapes": []}, "neither"),
    ],
)
def test_masks_that_make_no_sense(answer: Any, words: str) -> None:
    with pytest.raises(CheckFailed, match=words):
        walk(FakeCvat(answer)).masks("sam2", 0.0)


def test_a_mask_below_the_wanted_agreement() -> None:
    def loose(body: dict[str, Any]) -> dict[str, Any]:
        answer = perfect(body)
        return {"mask": [[1] * 64 if 0 < y < 47 else row for y, row in enumerate(answer["mask"])]} | (
            {} if body["obj_bbox"] else answer
        )

    assert "IoU" in walk(FakeCvat(loose)).masks("sam2", 0.0)
    with pytest.raises(CheckFailed, match=r"at least 0\.8"):
        walk(FakeCvat(loose)).masks("sam2", 0.8)


@pytest.mark.parametrize(
    ("path", "value", "check", "words"),
    [
        ("/api/server/health/", {"DiskUsage": "91 % full"}, lambda c: c.health(), "DiskUsage: 91 % full"),
        ("/api/cloudstorages", [], lambda c: c.cloud_storage("cvat-storage"), "no cloud storage"),
        ("/api/cloudstorages/3/status", "FORBIDDEN", lambda c: c.cloud_storage("cvat-storage"), "is FORBIDDEN"),
        ("/api/lambda/functions", [], lambda c: c.functions(["sam2"], {}), "does not list sam2 .it lists: none"),
        ("/api/lambda/functions", [], lambda c: c.functions([], {"dextr": "running"}), "does not list dextr"),
        ("/api/lambda/functions", [], lambda c: c.functions([], {"dextr": "exited"}), "dextr is exited"),
    ],
)
def test_faults_are_named(path: str, value: Any, check: Any, words: str) -> None:
    fake = FakeCvat()
    fake.answers[path] = value
    with pytest.raises(CheckFailed, match=words) as caught:
        check(walk(fake))
    assert caught.value.cure


def test_a_task_that_cvat_cannot_make() -> None:
    fake = FakeCvat()
    fake.request_state = {"status": "failed", "message": "No media data found"}
    with pytest.raises(CheckFailed, match="No media data found"):
        walk(fake).create_task()


def test_no_model_asked_for_is_said_not_passed() -> None:
    with pytest.raises(CheckSkipped):
        walk(FakeCvat()).functions([], {})
