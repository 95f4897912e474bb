"""A bucket that is open, and a key that opens too much, are found and named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import bucket_checks, s3_storage
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, CheckSkipped
from ansible_collections.annotation.server.plugins.module_utils.minio_admin import AdminRefusal
from ansible_collections.annotation.server.plugins.module_utils.s3_storage import StorageError
from botocore.exceptions import ClientError, EndpointConnectionError

ENDPOINT = "http://127.0.0.1:9000"


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "x")


class S3:
    """One key's view of the buckets."""

    def __init__(self, opens: set[str], policy: dict[str, Any] | None = None, error: Exception | None = None) -> None:
        self.opens, self.policy, self.error = opens, policy, error

    def list_buckets(self) -> dict[str, Any]:
        if self.error:
            raise self.error
        return {"Buckets": [{"Name": name} for name in ("cvat-storage", "private", "payroll")]}

    def list_objects_v2(self, Bucket: str, MaxKeys: int) -> dict[str, Any]:
        if Bucket not in self.opens:
            raise refusal("AccessDenied")
        return {"Contents": [{"Key": "a picture.png"}]}

    def get_bucket_policy(self, Bucket: str) -> dict[str, Any]:
        if self.policy is None:
            raise refusal("NoSuchBucketPolicy")
        return {"Policy": json.dumps(self.policy)}


ROOT = S3({"cvat-storage", "private", "payroll"})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What somebody without a key gets, by path; 403 otherwise."""
    answers: dict[str, int] = {}
    monkeypatch.setattr(bucket_checks, "anonymous_status", lambda endpoint, path: answers.get(path, 403))
    return answers


def private(client: Any, public_read: bool = False) -> str:
    return bucket_checks.bucket_is_private(client, ENDPOINT, "cvat-storage", public_read)


def test_a_private_bucket(asked: dict[str, int]) -> None:
    assert private(ROOT) == "'cvat-storage' answers nobody without a key"


def test_reading_that_was_chosen(asked: dict[str, int]) -> None:
    public = S3(ROOT.opens, s3_storage.public_policy("cvat-storage"))
    assert "except for reading, as chosen" in private(public, public_read=True)
    with pytest.raises(CheckFailed, match="allows everybody s3:getobject") as caught:
        private(public)
    assert "object_storage_public_read" in caught.value.cure


def test_writing_for_everybody(asked: dict[str, int]) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": ["s3:PutObject"], "Resource": "arn:aws:s3:::x/*"}
    with pytest.raises(CheckFailed, match="allows everybody s3:putobject"):
        private(S3(ROOT.opens, {"Statement": [statement]}), public_read=True)


@pytest.mark.parametrize(
    ("path", "words"),
    [("cvat-storage?list-type=2&max-keys=1", "can list it"), ("cvat-storage/a%20picture.png", "can read it")],
)
def test_a_bucket_that_answers_everybody(asked: dict[str, int], path: str, words: str) -> None:
    asked[path] = 200
    with pytest.raises(CheckFailed, match=f"{words} without a key"):
        private(ROOT)


def test_the_object_storage_is_down(asked: dict[str, int]) -> None:
    down = S3(set(), error=EndpointConnectionError(endpoint_url=ENDPOINT))
    with pytest.raises(CheckFailed, match="does not answer"):
        bucket_checks.key_is_narrow(down, down, Admin(), ENDPOINT, ["cvat-storage"])


class Admin:
    """What the object storage answers to CVAT's key when it asks for a policy."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error or AdminRefusal("Access Denied.", "AccessDenied")

    def policy(self, name: str) -> dict[str, Any]:
        if isinstance(self.error, KeyError):
            return {}
        raise self.error


def narrow(cvat: S3, admin: Admin) -> str:
    return bucket_checks.key_is_narrow(ROOT, cvat, admin, ENDPOINT, ["cvat-storage"])


def test_a_narrow_key() -> None:
    assert "none of the 2 other buckets, and may not administer" in narrow(S3({"cvat-storage"}), Admin())


@pytest.mark.parametrize(
    ("opens", "admin", "words"),
    [
        ({"cvat-storage", "payroll"}, Admin(), "opens payroll, too"),
        (set(), Admin(), "does not open cvat-storage"),
        ({"cvat-storage"}, Admin(KeyError()), "may administer the whole object storage"),
    ],
)
def test_a_key_that_opens_too_much_or_too_little(opens: set[str], admin: Admin, words: str) -> None:
    with pytest.raises(CheckFailed, match=words) as caught:
        narrow(S3(opens), admin)
    assert "--tags object_storage" in caught.value.cure


def test_no_client_in_the_image() -> None:
    with pytest.raises(CheckSkipped, match="no client 'mc'"):
        narrow(S3({"cvat-storage"}), Admin(StorageError("the image has no client 'mc'")))
