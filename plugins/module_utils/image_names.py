"""Names of images: how Compose files and Dockerfiles write them, and where a registry has them. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass

HUB = "registry-1.docker.io"


@dataclass(frozen=True)
class Reference:
    """One image, taken apart. ``repository`` still has the registry's name in front, if one was written."""

    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """The name without a digest, with its tag."""
        return f"{self.repository}:{self.tag or 'latest'}"

    @property
    def wanted(self) -> str:
        """What a registry is asked for: the digest, where one is given."""
        return self.digest or self.tag or "latest"

    def place(self) -> tuple[str, str]:
        """Return the registry's host and the repository's name there."""
        first, _, rest = self.repository.partition("/")
        if rest and (re.search(r"[.:]", first) or first == "localhost"):
            host, path = first, rest
        else:
            host, path = "docker.io", self.repository
        if host in ("docker.io", "index.docker.io"):
            return HUB, path if "/" in path else f"library/{path}"
        return host, path


def parse(text: str) -> Reference:
    """Take a name such as ``docker.io/pgsty/silo:RELEASE@sha256:...`` apart."""
    rest, _, digest = text.partition("@")
    folder, _, last = rest.rpartition("/")
    stem, _, tag = last.partition(":")
    return Reference(f"{folder}/{stem}" if folder else stem, tag, digest)
