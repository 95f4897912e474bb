"""What CVAT answers, what its server reaches from inside its container, and what the object storage says.

Reads only: the password goes with each request, so that no session and no token is left behind.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import ProxyHandler, build_opener

from ansible_collections.annotation.server.plugins.module_utils import s3_storage
from ansible_collections.annotation.server.plugins.module_utils.cvat_api import CvatClient, CvatError
from ansible_collections.annotation.server.plugins.module_utils.questions import Ask

#: Runs inside CVAT's container, with its Python, as its user, in its network; prints JSON.
INSIDE = r"""
import json, socket, sys, urllib.request
names, proxy, storage, dashboard = json.loads(sys.argv[1])
def ask(url, proxies, headers={}):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
    try:
        reply = opener.open(urllib.request.Request(url, headers=headers), timeout=5)
        return {"status": reply.status, "error": ""}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "error": error.read(300).decode(errors="replace")}
    except Exception as error:
        return {"status": 0, "error": str(getattr(error, "reason", error))}
def resolve(name):
    try:
        return sorted({entry[4][0] for entry in socket.getaddrinfo(name, None, socket.AF_INET)})
    except OSError as error:
        return []
print(json.dumps({
    "resolve": {name: resolve(name) for name in names},
    "proxy": ask(storage, {"http": proxy}) if storage else None,
    # What CVAT does for its page Models: its environment's proxies are used as CVAT uses them.
    "dashboard": ask(dashboard, urllib.request.getproxies()
                     if not urllib.request.proxy_bypass("nuclio") else {}, {"x-nuclio-project-name": "cvat"}),
}))
"""
#: The same for the share: a look of its own, because it never ends when a network share's server is gone.
SHARE = "import os; next(os.scandir('/home/django/share'), None)"
PROXY = "http://127.0.0.1:4750"  # smokescreen
DASHBOARD = "http://nuclio:8070/api/functions"


def inside(ask: Ask, container: str, names: list[str], storage: str) -> dict[str, Any]:
    """Return what CVAT's server resolves and reaches; ``error`` when it cannot be asked."""
    asked = json.dumps([names, PROXY, storage, DASHBOARD])
    answer = ask(["docker", "exec", container, "python3", "-c", INSIDE, asked], timeout=25)
    try:
        return {**json.loads(answer.out), "error": ""}
    except ValueError:
        return {"resolve": {}, "proxy": None, "dashboard": None, "error": answer.text[-300:]}


def share(ask: Ask, container: str) -> dict[str, Any]:
    """Return why CVAT's user cannot list the share; empty when it can."""
    answer = ask(["docker", "exec", container, "timeout", "--signal=KILL", "8", "python3", "-c", SHARE], timeout=12)
    said = answer.text.splitlines()[-1:] or ["no answer within 8 s"]
    return {"error": "" if answer.rc == 0 else said[0]}


class Cvat:
    """CVAT's own answers."""

    def __init__(self, url: str, host: str, user: str, password: str, ca_path: str | None) -> None:
        """Remember whom to ask, and as whom."""
        self.url, self.host = url, host
        self._client = CvatClient(
            url, host=host, username=user, password=password, timeout=12, ca_path=ca_path, stateless=True
        )

    def _ask(self, path: str) -> dict[str, Any]:
        try:
            return {"status": 200, "answer": self._client.get(path), "error": ""}
        except CvatError as error:
            return {"status": error.status or 0, "answer": error.body, "error": str(error)}

    def describe(self) -> dict[str, Any]:
        """Return the state of CVAT's parts, its functions and its cloud storages, as far as it answers."""
        health = self._ask("/api/server/health/?format=json")
        parts = health["answer"]
        if isinstance(parts, str):
            try:
                parts = json.loads(parts)
            except ValueError:
                parts = None
        found: dict[str, Any] = {
            "url": self.url,
            "host": self.host,
            "status": health["status"],
            "error": health["error"],
            "parts": parts if isinstance(parts, dict) else None,
        }
        if not found["parts"]:
            return found
        about, functions = self._ask("/api/server/about"), self._ask("/api/lambda/functions")
        found["version"] = about["answer"].get("version", "") if about["status"] == 200 else ""
        found["functions"] = _without_answer(functions)
        if functions["status"] == 200:
            found["functions"]["listed"] = [one["id"] for one in functions["answer"]]
        found["storages"] = self._storages()
        return found

    def _storages(self) -> dict[str, Any]:
        answer = self._ask("/api/cloudstorages?page_size=100")
        found = _without_answer(answer)
        if answer["status"] != 200:
            return found
        found["list"] = []
        for one in answer["answer"]["results"]:
            state = self._ask(f"/api/cloudstorages/{one['id']}/status")
            attributes = parse_qs(one.get("specific_attributes") or "")
            found["list"].append(
                {
                    "name": one["display_name"],
                    "bucket": one["resource"],
                    "endpoint": attributes.get("endpoint_url", [""])[0],
                    "state": state["answer"] if state["status"] == 200 else state["error"],
                }
            )
        return found


def _without_answer(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: answer[name] for name in ("status", "error")}


def storage(endpoint: str, bucket: str, secrets_dir: Path) -> dict[str, Any]:
    """Return whether the object storage lives, and what it says to the key that was made for CVAT.

    ``code`` is S3's own word (``SignatureDoesNotMatch``, ``NoSuchBucket``...), empty when the key may list the bucket.
    """
    found: dict[str, Any] = {"endpoint": endpoint, "live": False, "error": "", "code": None}
    try:
        build_opener(ProxyHandler({})).open(f"{endpoint}/minio/health/live", timeout=8).close()
        found["live"] = True
    except HTTPError as error:
        found["error"] = f"{error.code} {error.reason}"
    except OSError as error:
        found["error"] = str(getattr(error, "reason", error))
    if not found["live"] or s3_storage.BOTO3_ERROR:
        return found
    names = ("object_storage_cvat_access_key", "object_storage_cvat_secret_key")
    try:
        key, secret = (s3_storage.read_secret(str(secrets_dir / name)) for name in names)
        if key and secret:
            s3_storage.connect(endpoint, key, secret).list_objects_v2(Bucket=bucket, MaxKeys=1)
            found["code"] = ""
    except s3_storage.ClientError as error:
        found["code"], found["error"] = s3_storage.code_of(error), str(error)
    except (s3_storage.BotoCoreError, s3_storage.StorageError) as error:
        found["error"] = str(error)
    return found


def certificate(url: str, ca_path: str | None) -> dict[str, Any]:
    """Return what a browser would say to the certificate that CVAT serves: OpenSSL's words and number, days left."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return {"used": False}
    found: dict[str, Any] = {"used": True, "name": parts.hostname, "error": "", "number": 0, "days": None}
    context = ssl.create_default_context(cafile=ca_path or None)
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 443), timeout=8) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secure,
        ):
            ends = ssl.cert_time_to_seconds(str((secure.getpeercert() or {})["notAfter"]))
            found["days"] = int((ends - time.time()) // 86400)
    except ssl.SSLCertVerificationError as error:
        found["number"], found["error"] = error.verify_code, error.verify_message
    except OSError as error:
        found["error"], found["number"] = str(error), -1
    return found
