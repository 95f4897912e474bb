"""Whether the object storage gives nothing away: the bucket is private, and CVAT's key opens nothing but the bucket."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.parse import quote

from ansible.module_utils.urls import open_url
from ansible_collections.annotation.server.plugins.module_utils import s3_storage
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, CheckSkipped
from ansible_collections.annotation.server.plugins.module_utils.minio_admin import AdminRefusal
from ansible_collections.annotation.server.plugins.module_utils.s3_storage import StorageError

#: A policy that every MinIO has; only administrators may read it.
POLICY = "readwrite"
READING = ("s3:getobject",)
REFUSED = ("403", "AccessDenied")


class Admin(Protocol):
    """What is needed of the administrator's view (see :mod:`minio_admin`)."""

    def policy(self, name: str) -> dict[str, Any] | None:
        """Return a policy's document, or None."""


def anonymous_status(endpoint: str, path: str) -> int:
    """Return the HTTP status that somebody without any key gets."""
    try:
        with open_url(f"{endpoint}/{path}", timeout=15, use_proxy=False, use_netrc=False) as answer:
            return int(answer.status)
    except HTTPError as error:
        return int(error.code)


def bucket_is_private(client: Any, endpoint: str, bucket: str, public_read: bool) -> str:
    """Nobody lists, reads or writes the bucket without a key; reading may have been allowed on purpose.

    Args:
        client: boto3 with the root account.
        endpoint: where this host reaches the object storage.
        bucket: its name.
        public_read: whether ``object_storage_public_read`` was chosen.
    """
    cure = "Run site.yml with --tags object_storage; object_storage_public_read: true if everybody is meant to read it."
    with _explained(endpoint):
        policy = s3_storage.bucket_policy(client, bucket)
        page = client.list_objects_v2(Bucket=bucket, MaxKeys=1)
    allowed = sorted(
        action.lower()
        for effect, actions, _resources, principals, _condition in s3_storage.canonical(policy)
        if effect == "Allow" and "*" in principals
        for action in actions
    )
    if beyond := [action for action in allowed if not (public_read and action in READING)]:
        raise CheckFailed(f"the bucket '{bucket}' allows everybody {', '.join(beyond)}", cure)
    asked = {"list it": f"{quote(bucket)}?list-type=2&max-keys=1"}
    if not public_read:
        for item in page.get("Contents", []):  # one at most
            asked["read it"] = f"{quote(bucket)}/{quote(item['Key'])}"
    try:
        open_to_all = [what for what, path in asked.items() if anonymous_status(endpoint, path) < 400]
    except OSError as problem:
        raise CheckFailed(
            f"{endpoint} does not answer: {problem}", "See 'docker logs minio' on the server."
        ) from problem
    if open_to_all:
        raise CheckFailed(f"whoever reaches {endpoint} can {' and '.join(open_to_all)} without a key", cure)
    return f"'{bucket}' answers nobody without a key" + (", except for reading, as chosen" if public_read else "")


def key_is_narrow(root: Any, cvat: Any, admin: Admin, endpoint: str, buckets: Iterable[str]) -> str:
    """CVAT's key opens its buckets and nothing else: no other bucket, no administration.

    Args:
        root: boto3 with the root account, to know which buckets there are.
        cvat: boto3 with CVAT's key.
        admin: the administrator's view with CVAT's key.
        endpoint: where this host reaches the object storage.
        buckets: those that the key is for.
    """
    cure = "Run site.yml with --tags object_storage, which gives CVAT a user of its own."
    buckets = list(buckets)
    with _explained(endpoint):
        everything = [item["Name"] for item in root.list_buckets()["Buckets"]]
        shut = [name for name in buckets if name in everything and not _opens(cvat, name)]
        others = [name for name in everything if name not in buckets]
        opened = [name for name in others if _opens(cvat, name)]
    if shut:
        raise CheckFailed(f"CVAT's key does not open {', '.join(shut)}", cure)
    if opened:
        raise CheckFailed(f"CVAT's key opens {', '.join(opened)}, too, which are not CVAT's", cure)
    try:
        admin.policy(POLICY)
    except AdminRefusal as refusal:
        if refusal.code != "AccessDenied":
            raise CheckSkipped(f"whether CVAT's key may administer cannot be told: {refusal}") from refusal
    except StorageError as problem:
        raise CheckSkipped(f"whether CVAT's key may administer cannot be told: {problem}") from problem
    else:
        raise CheckFailed("CVAT's key may administer the whole object storage", cure)
    rest = f"none of the {len(others)} other buckets" if others else "there is no other bucket"
    return f"CVAT's key opens {', '.join(buckets)}, {rest}, and may not administer"


def _opens(client: Any, bucket: str) -> bool:
    """Tell whether a key may list a bucket."""
    try:
        client.list_objects_v2(Bucket=bucket, MaxKeys=1)
    except s3_storage.ClientError as error:
        if s3_storage.code_of(error) in REFUSED:
            return False
        raise
    return True


@contextlib.contextmanager
def _explained(endpoint: str) -> Iterator[None]:
    """Turn boto3's errors into a failed check."""
    try:
        with s3_storage.explained(endpoint, "key"):
            yield
    except StorageError as problem:
        raise CheckFailed(str(problem), "See 'docker logs minio', then run site.yml with --tags object_storage.") from (
            problem
        )
