"""A large file brought over a connection that breaks: what is there is kept, and the rest is asked for."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

_BLOCK = 1 << 20


class DownloadError(Exception):
    """The file could not be had; the text is for the person who must act."""


class Opener(Protocol):
    """Something that opens an address; ``ansible.module_utils.urls.open_url`` with proxies and certificates does."""

    def __call__(self, url: str, *, headers: dict[str, str], timeout: float) -> Any:
        """Return a response that is read in blocks, with ``status`` and ``headers``."""


def download(
    url: str,
    target: Path,
    sha256: str,
    opener: Opener,
    attempts: int = 5,
    timeout: float = 60,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Bring a file, going on where an earlier attempt, or an earlier run, stopped.

    Args:
        url: where it is.
        target: where it goes; until it is complete and right it is called ``<target>.part``.
        sha256: its sum, in hexadecimal.
        opener: opens the address.
        attempts: how often it is asked for when the connection breaks.
        timeout: longest silence, in seconds.
        sleep: waits between two attempts.

    Returns:
        How many bytes were brought now.

    Raises:
        DownloadError: it could not be had, or has another sum.
    """
    part = target.with_name(target.name + ".part")
    before = part.stat().st_size if part.exists() else 0
    problem = ""
    for attempt in range(attempts):
        if attempt:
            sleep(min(30, 2**attempt))
        try:
            complete = _fetch(url, part, opener, timeout)
        except OSError as error:  # urllib's errors are OSErrors too
            problem = str(error)
            continue
        if complete:
            break
        problem = "the connection ended early"
    else:
        have = part.stat().st_size if part.exists() else 0
        raise DownloadError(
            f"{url} could not be downloaded: {problem}. {have / 1e6:.1f} MB are there; the next run goes on from them. "
            "Check the address, the network and the proxy, or give the file as src."
        )
    found = _digest(part)
    if found != sha256:
        part.unlink()
        raise DownloadError(
            f"{url} has another sha256 than {sha256}: it is {found}. "
            "Is the address right, and the sum that of this file? What was brought is thrown away; nothing was changed."
        )
    size = part.stat().st_size
    part.replace(target)
    return size - before


def _fetch(url: str, part: Path, opener: Opener, timeout: float) -> bool:
    """Bring what is missing; tell whether the file is complete as far as the server says."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        response = opener(url, headers=headers, timeout=timeout)
    except OSError as error:
        # Nothing is missing: the range begins where the file ends.
        if have and getattr(error, "code", 0) == 416:
            return True
        raise
    with response:
        # A server that knows no ranges sends everything again.
        goes_on = have > 0 and response.status == 206
        expected = int(response.headers.get("Content-Length") or 0) + (have if goes_on else 0)
        with part.open("ab" if goes_on else "wb") as out:
            while block := response.read(_BLOCK):
                out.write(block)
    return not response.headers.get("Content-Length") or part.stat().st_size == expected


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
