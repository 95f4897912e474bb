"""S3 as this project uses it: boto3 of any age that a distribution ships (seen from 1.20 to 1.40).

amazon.aws.s3_bucket is not used: its collection asks for boto3 1.34, newer than what Ubuntu 22.04 (1.20) and Debian 12
(1.26) have, and it reads settings that MinIO refuses (ownership controls, public access block). A few plain calls are
enough here.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import secret_file

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

    BOTO3_ERROR: ImportError | None = None
except ImportError as import_error:
    BOTO3_ERROR = import_error

PUBLIC_SID = "AnnotationServerPublicRead"


class StorageError(Exception):
    """The object storage refused, or did not answer; the message says what to do.

    Attributes:
        unreachable: nothing answered at all.
    """

    def __init__(self, message: str, unreachable: bool = False) -> None:
        super().__init__(message)
        self.unreachable = unreachable


def read_secret(path: str) -> str | None:
    """Return the secret of a file, or None when there is no such file.

    Raises:
        StorageError: the file cannot be used.
    """
    try:
        return secret_file.read(Path(path))
    except secret_file.SecretFileError as error:
        raise StorageError(str(error)) from error
    except OSError as error:
        raise StorageError(f"Cannot read {path}: {error.strerror}.") from error


def connect(endpoint: str, key: str, secret: str) -> Any:
    """Return a boto3 client; nothing is asked yet."""
    if BOTO3_ERROR:
        raise BOTO3_ERROR
    # Since 1.36 boto3 adds checksums that other servers than Amazon's may refuse; older ones do not know the setting.
    os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    os.environ.setdefault("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")
    # Nothing of a user's own AWS configuration may leak in.
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        # The server itself is asked, never a proxy that the host has for the internet. The bucket's name goes into the
        # path: nobody resolves cvat-storage.minio.
        config=Config(
            proxies={},
            s3={"addressing_style": "path"},
            connect_timeout=10,
            read_timeout=60,
            retries={"max_attempts": 3},
        ),
    )


def code_of(error: Exception) -> str:
    """Return the S3 error code; answers without a body (HEAD) have the HTTP status instead."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


@contextlib.contextmanager
def explained(endpoint: str, whose: str) -> Iterator[None]:
    """Turn boto3's exceptions into sentences.

    Args:
        endpoint: the address that is asked.
        whose: what to call the key, and where it lies, such as ``root account (files ...)``.

    Raises:
        StorageError: always instead of boto3's own.
    """
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        if code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed"):
            what = (
                "does not know this user" if code == "InvalidAccessKeyId" else "knows the user, but not this password"
            )
            raise StorageError(
                f"The object storage at {endpoint} refuses the {whose}: it {what} ({code}). Put the right one into the "
                "file; after a change of the root account's files restart the container minio, which reads them at its "
                "start."
            ) from error
        raise StorageError(f"The object storage at {endpoint} refuses: {error}") from error
    except (ConnectionError, HTTPClientError) as error:
        raise StorageError(
            f"The object storage does not answer at {endpoint}: {error}. Does the container minio run? See "
            "'docker ps' and 'docker logs minio' on the server.",
            unreachable=True,
        ) from error
    except BotoCoreError as error:
        raise StorageError(f"The object storage at {endpoint} cannot be asked: {error}") from error


def public_policy(bucket: str) -> dict[str, Any]:
    """Return the bucket policy that lets everybody read objects whose names they know."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": PUBLIC_SID,
                "Effect": "Allow",
                "Principal": {"AWS": ["*"]},
                "Action": ["s3:GetObject"],
                "Resource": [f"arn:aws:s3:::{bucket}/*"],
            }
        ],
    }


def bucket_policy(client: Any, bucket: str) -> dict[str, Any] | None:
    """Return the policy of a bucket, or None."""
    try:
        return json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if code_of(error) == "NoSuchBucketPolicy":
            return None
        raise


def _listed(value: Any) -> list[str]:
    return sorted([value] if isinstance(value, str) else value or [])


def canonical(policy: dict[str, Any] | None) -> list[tuple[Any, ...]]:
    """Return a policy's statements in a form that can be compared: servers sort and rewrite what they are given.

    Statement identifiers are left out, because some servers drop them.
    """
    statements = (policy or {}).get("Statement", [])
    return sorted(
        (
            statement.get("Effect", ""),
            tuple(_listed(statement.get("Action"))),
            tuple(_listed(statement.get("Resource"))),
            tuple(_principals(statement.get("Principal"))),
            json.dumps(statement.get("Condition") or {}, sort_keys=True),
        )
        for statement in ([statements] if isinstance(statements, dict) else statements)
    )


def _principals(principal: Any) -> list[str]:
    """Return who is meant: ``"*"`` and ``{"AWS": "*"}`` and ``{"AWS": ["*"]}`` are the same."""
    if isinstance(principal, dict):
        return sorted(name for names in principal.values() for name in _listed(names))
    return _listed(principal)
