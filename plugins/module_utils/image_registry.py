"""Read images from a registry as they are, so that their digests stay true. Nothing but Python is needed.

Source: OCI Distribution Specification 1.1; distribution/distribution, docs/spec/auth.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ACCEPT = ", ".join(
    [
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]
)


class RegistryError(Exception):
    """An image cannot be had; the text is for the person who must act."""


def credentials(host: str, config: Path) -> str:
    """Return what ``docker login`` noted for a registry, for a Basic header; empty when it noted nothing."""
    try:
        known = json.loads(config.read_text()).get("auths") or {}
    except (OSError, ValueError):
        return ""
    names = [host, f"https://{host}", *(["https://index.docker.io/v1/"] if host.endswith("docker.io") else [])]
    return next((known[name]["auth"] for name in names if (known.get(name) or {}).get("auth")), "")


class Registry:
    """One registry. ``opener`` as :func:`resumable_download.download` wants it is the method ``open``."""

    def __init__(self, host: str, insecure: Iterable[str] = (), docker_config: Path | None = None) -> None:
        """Remember the host; those in ``insecure`` speak plain HTTP."""
        self.base = f"{'http' if host in set(insecure) else 'https'}://{host}/v2"
        self._basic = credentials(host, docker_config or Path.home() / ".docker/config.json")
        self._tokens: dict[str, str] = {}

    def manifest(self, repository: str, wanted: str) -> tuple[bytes, str]:
        """Return a manifest or an index, by tag or digest: its bytes and its media type."""
        url = f"{self.base}/{repository}/manifests/{wanted}"
        try:
            with self.open(url, headers={"Accept": ACCEPT}, timeout=60) as answer:
                return answer.read(), answer.headers.get("Content-Type", "").partition(";")[0]
        except OSError as error:
            raise RegistryError(
                f"{url} cannot be read: {error}. Is the name right, and can this machine reach the registry (proxy, "
                "docker login, docker_engine_insecure_registries for one without TLS)?"
            ) from error

    def blob_url(self, repository: str, digest: str) -> str:
        """Return where a layer or a configuration is."""
        return f"{self.base}/{repository}/blobs/{digest}"

    def open(self, url: str, *, headers: dict[str, str], timeout: float) -> Any:
        """Open an address; ask for a token when one is wanted."""
        repository = url.removeprefix(self.base + "/").split("/manifests/")[0].split("/blobs/")[0]
        try:
            return self._open(url, headers, self._tokens.get(repository, ""), timeout)
        except urllib.error.HTTPError as error:
            challenge = error.headers.get("WWW-Authenticate", "")
            if error.code != 401 or not challenge:
                raise
        self._tokens[repository] = self._authorization(challenge, timeout)
        return self._open(url, headers, self._tokens[repository], timeout)

    def _open(self, url: str, headers: dict[str, str], authorization: str, timeout: float) -> Any:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 2026-11: http and https only, see base
        if authorization:
            # Not sent on to where a registry keeps its blobs, which refuses it.
            request.add_unredirected_header("Authorization", authorization)
        return urllib.request.urlopen(request, timeout=timeout)  # noqa: S310

    def _authorization(self, challenge: str, timeout: float) -> str:
        """Answer ``Bearer realm="...",service="...",scope="..."`` with a token, and ``Basic`` with the password."""
        if challenge.lower().startswith("basic"):
            return f"Basic {self._basic}"
        fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        query = urllib.parse.urlencode({key: fields[key] for key in ("service", "scope") if key in fields})
        request = urllib.request.Request(f"{fields.get('realm', '')}?{query}")  # noqa: S310
        if self._basic:
            request.add_unredirected_header("Authorization", f"Basic {self._basic}")
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            said = json.load(answer)
        return f"Bearer {said.get('token') or said.get('access_token') or ''}"
