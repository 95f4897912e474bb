"""Push images into the mirror's registry as uncompressed layers.

`docker push` compresses every layer, which takes longer than all the rest on a small machine; between two containers on
one machine the bytes are cheap. Docker takes uncompressed layers as well; a layer's digest then is its diff id, so that
what the registry holds already is known before anything is read.
"""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO, Any

from demo import settings
from demo.shell import Failed, docker, inspect

BASE = f"http://{settings.REGISTRY}/v2"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar"
# The mirror is on this machine: never ask through a proxy.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def holds(local: str, name: str) -> bool:
    """Whether the registry has this very image as `repository:tag`."""
    repository, tag = name.rsplit(":", 1)
    answer = _request("GET", f"{BASE}/{repository}/manifests/{tag}", Accept=MANIFEST)
    return answer is not None and json.load(answer)["config"]["digest"] == _digest(_config(local))


def push(images: dict[str, str], repositories: set[str]) -> None:
    """Push images: local name -> name in the registry. Layers that one of `repositories` holds are taken from there."""
    incomplete: dict[str, tuple[str, list[str]]] = {}
    claimed: set[str] = set()
    for local, name in images.items():
        repository = name.rsplit(":", 1)[0]
        wanted = [layer for layer in _layers(local) if layer not in claimed]
        if wanted := [layer for layer in wanted if not _have(repository, layer, repositories)]:
            incomplete[local] = (repository, wanted)
            claimed.update(wanted)
    if incomplete:
        _upload_layers(incomplete)
    for local, name in images.items():
        _put_manifest(local, name, repositories)


def _config(local: str) -> bytes:
    """An image's config as the registry gets it; the same image gives the same bytes."""
    image = inspect("image", local) or {}
    rootfs = {"type": "layers", "diff_ids": image["RootFS"]["Layers"]}
    config = {"architecture": image["Architecture"], "os": image["Os"], "config": image["Config"], "rootfs": rootfs}
    return json.dumps(config, sort_keys=True).encode()


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _layers(local: str) -> list[str]:
    return (inspect("image", local) or {})["RootFS"]["Layers"]


def _have(repository: str, digest: str, others: set[str]) -> bool:
    """Whether the registry has a blob for `repository`; it can share the blobs of its repositories."""
    if _request("HEAD", f"{BASE}/{repository}/blobs/{digest}"):
        return True
    for other in others - {repository}:
        if _request("HEAD", f"{BASE}/{other}/blobs/{digest}"):
            query = urllib.parse.urlencode({"mount": digest, "from": other})
            _request("POST", f"{BASE}/{repository}/blobs/uploads/?{query}", b"")
            return True
    return False


def _upload_layers(incomplete: dict[str, tuple[str, list[str]]]) -> None:
    """Upload layers: local name -> repository and digests."""
    with tempfile.TemporaryDirectory(dir=settings.STATE) as folder:
        archive = Path(folder) / "images.tar"
        docker("save", "--output", str(archive), *incomplete)
        with tarfile.open(archive) as tar:
            for entry in json.load(_member(tar, "manifest.json")[0]):
                for local in set(entry["RepoTags"] or []) & set(incomplete):
                    repository, wanted = incomplete[local]
                    paths = dict(zip(_layers(local), entry["Layers"], strict=True))
                    for digest in wanted:
                        _upload(repository, digest, *_member(tar, paths[digest]))


def _member(tar: tarfile.TarFile, name: str) -> tuple[IO[bytes], int]:
    """Open a file of an archive of `docker save`, which writes a layer once and links to it, and may compress it.

    Returns the stream and its size in bytes.
    """
    member = tar.getmember(name)
    while member.issym() or member.islnk():
        name = str(Path(name).parent / member.linkname) if member.issym() else member.linkname
        member = tar.getmember(str(Path("/", name).resolve().relative_to("/")))
    stream = tar.extractfile(member)
    if stream is None:
        raise Failed(f"docker save wrote no file {name}")
    compressed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    if not compressed:
        return stream, member.size
    plain = tempfile.TemporaryFile(dir=settings.STATE)  # noqa: SIM115 2026-11: whoever uploads it closes it
    with gzip.open(stream) as unpacked:
        shutil.copyfileobj(unpacked, plain, 1 << 20)
    size = plain.tell()
    plain.seek(0)
    return plain, size


def _upload(repository: str, digest: str, stream: IO[bytes], size: int) -> None:
    answer = _request("POST", f"{BASE}/{repository}/blobs/uploads/", b"")
    location = urllib.parse.urljoin(BASE, answer.headers["Location"])
    separator = "&" if "?" in location else "?"
    url = f"{location}{separator}digest={digest}"
    with stream:
        _request("PUT", url, stream, Content_Length=str(size), Content_Type="application/octet-stream")


def _put_manifest(local: str, name: str, repositories: set[str]) -> None:
    """Write the image's config and manifest; its layers are in one of `repositories`."""
    repository, tag = name.rsplit(":", 1)
    config = _config(local)
    _upload(repository, _digest(config), io.BytesIO(config), len(config))
    layers = []
    for layer in _layers(local):
        _have(repository, layer, repositories)
        size = int(_request("HEAD", f"{BASE}/{repository}/blobs/{layer}").headers["Content-Length"])
        layers.append({"mediaType": LAYER, "size": size, "digest": layer})
    head = {"mediaType": CONFIG, "size": len(config), "digest": _digest(config)}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": head, "layers": layers}
    _request("PUT", f"{BASE}/{repository}/manifests/{tag}", json.dumps(manifest).encode(), Content_Type=MANIFEST)


def _request(method: str, url: str, body: bytes | IO[bytes] | None = None, **headers: str) -> Any:
    """Ask the registry; None when it has no such thing."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    try:
        return _open(urllib.request.Request(url, data=body, method=method, headers=named), timeout=300)  # noqa: S310
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise Failed(f"The registry answers {error.code} to {method} {url}") from error
