"""S3 as CVAT speaks it: boto3 through smokescreen, three states, rights derived from the bucket policy."""

import json
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError

from .models import CloudStorage

AVAILABLE, NOT_FOUND, FORBIDDEN = "AVAILABLE", "NOT_FOUND", "FORBIDDEN"


@lru_cache
def _session() -> boto3.Session:
    return boto3.Session()


def attributes(text: str) -> dict[str, str]:
    """specific_attributes, "endpoint_url=http://minio:9000&region=us-east-1", as a mapping."""
    return {key: values[0] for key, values in parse_qs(text).items()}


class S3:
    """One bucket."""

    def __init__(self, storage: CloudStorage):
        """Take the address and the keys of a registered storage; nothing is asked yet."""
        self.name = storage.resource
        more = attributes(storage.specific_attributes)
        self.prefix = more.get("prefix", "")
        anonymous = storage.credentials_type == "ANONYMOUS_ACCESS"
        self.client: Any = _session().client(
            "s3",
            endpoint_url=more.get("endpoint_url"),
            region_name=more.get("region"),
            aws_access_key_id=storage.key or None,
            aws_secret_access_key=storage.secret_key or None,
            config=Config(
                proxies=settings.PROXIES_FOR_UNTRUSTED_URLS,
                signature_version=UNSIGNED if anonymous else None,
                connect_timeout=10,
                retries={"total_max_attempts": 2},
            ),
        )

    def status(self) -> str:
        """HeadBucket: 403 is FORBIDDEN, every other error answer (a refusal of the proxy too) NOT_FOUND."""
        return self._state(lambda: self.client.head_bucket(Bucket=self.name))

    def _state(self, ask) -> str:
        try:
            ask()
            return AVAILABLE
        except ClientError as error:
            return FORBIDDEN if error.response["Error"]["Code"] == "403" else NOT_FOUND

    def actions(self) -> set[str]:
        """read and write; with a bucket policy, what the POLICY allows and nothing else (facts: object storage)."""
        try:
            policy = json.loads(self.client.get_bucket_policy(Bucket=self.name)["Policy"])
        except ClientError as error:
            if "NoSuchBucketPolicy" in str(error):
                return {"read", "write"}
            raise
        allowed: set[str] = set()
        for statement in policy["Statement"]:
            if statement.get("Effect") == "Allow":
                action = statement.get("Action", [])
                allowed.update([action] if isinstance(action, str) else action)
        return {right for right, action in (("read", "s3:GetObject"), ("write", "s3:PutObject")) if action in allowed}

    def content(self, prefix: str = "", token: str | None = None, page_size: int = 500) -> dict:
        """One level of the bucket: files of this page, then folders."""
        more = {key: value for key, value in (("Prefix", prefix), ("ContinuationToken", token)) if value}
        page = self.client.list_objects_v2(Bucket=self.name, MaxKeys=page_size, Delimiter="/", **more)
        start = prefix.rfind("/") + 1
        files = [item["Key"][start:] for item in page.get("Contents", []) if not item["Key"].endswith("/")]
        folders = [item["Prefix"].rstrip("/")[start:] for item in page.get("CommonPrefixes", [])]
        return {
            "content": [{"name": name, "type": "REG"} for name in files]
            + [{"name": name, "type": "DIR"} for name in folders],
            "next": page.get("NextContinuationToken"),
        }

    def keys(self, prefix: str) -> list[str]:
        """All objects below a folder."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", []) if not item["Key"].endswith("/")]

    def read(self, key: str) -> bytes:
        """An object's bytes; the errors are CVAT's own sentences."""
        try:
            return self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            self._explain(key, error)
            raise

    def _explain(self, key: str, error: Exception) -> None:
        state = self.status()
        if state == FORBIDDEN:
            raise PermissionDenied(f"The resource {self.name} is no longer available. Access forbidden.") from error
        if state == NOT_FOUND:
            raise NotFound(f"The resource {self.name} not found. It may have been deleted.") from error
        state = self._state(lambda: self.client.head_object(Bucket=self.name, Key=key))
        if state == NOT_FOUND:
            raise NotFound(f"The file '{key}' not found on the cloud storage '{self.name}'") from error
        if state == FORBIDDEN:
            raise PermissionDenied(f"Access to the file '{key}' on the '{self.name}' cloud storage is denied")
        raise ValidationError(str(error))
