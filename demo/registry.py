"""Push images into the mirror's registry as uncompressed layers.

`docker push` compresses every layer, which takes longer than all the rest on a small machine; between two containers on one
machine the bytes are cheap. Docker accepts uncompressed layers (OCI image specification, media type of a plain tar).
"""

import hashlib
import json
import os
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO

from demo import settings
from demo.shell import Failed, docker_environment

BASE = f"http://{settings.REGISTRY}"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar"
# The mirror is on this machine: never ask through a proxy.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def _request(method: str, url: str, body: bytes | IO[bytes] | None = None, **headers: str):
    data = {key.replace("_", "-"): value for key, value in headers.items()}
    return _open(urllib.request.Request(url, data=body, method=method, headers=data), timeout=300)


def config_digest(name: str) -> str:
    """Digest of the config of an image that the registry holds under `repository:tag`; empty when it holds none."""
    repository, tag = name.rsplit(":", 1)
    try:
        with _request("GET", f"{BASE}/v2/{repository}/manifests/{tag}", Accept=MANIFEST) as answer:
            return json.load(answer)["config"]["digest"]
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return ""
        raise Failed(f"The registry answers {error.code} for {name}") from error


def push(images: dict[str, str]) -> None:
    """Push images: local name -> name in the registry. Layers that several images share travel once."""
    with tempfile.TemporaryDirectory(dir=settings.STATE) as folder:
        archive = Path(folder) / "images.tar"
        subprocess.run(["docker", "save", "--output", archive, *images], check=True, env=os.environ | docker_environment())
        with tarfile.open(archive) as tar:
            blobs: dict[str, tuple[str, int, str]] = {}
            for entry in json.load(_member(tar, "manifest.json")):
                for local in entry["RepoTags"] or []:
                    if local in images:
                        _push_one(tar, entry, images[local], blobs)


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    member = tar.getmember(name)
    while member.issym() or member.islnk():  # docker save writes a layer once and links to it
        target = member.linkname
        name = str(Path(name).parent / target) if member.issym() else target
        member = tar.getmember(str(Path("/", name).resolve().relative_to("/")))
    stream = tar.extractfile(member)
    if stream is None:
        raise Failed(f"docker save wrote no file {name}")
    return stream


def _push_one(tar: tarfile.TarFile, entry: dict, name: str, blobs: dict[str, tuple[str, int, str]]) -> None:
    repository, tag = name.rsplit(":", 1)
    config = _blob(tar, entry["Config"], repository, blobs, CONFIG)
    layers = [_blob(tar, layer, repository, blobs, LAYER) for layer in entry["Layers"]]
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}
    url = f"{BASE}/v2/{repository}/manifests/{tag}"
    _request("PUT", url, json.dumps(manifest).encode(), Content_Type=MANIFEST).close()


def _blob(tar: tarfile.TarFile, path: str, repository: str, blobs: dict[str, tuple[str, int, str]], media: str) -> dict:
    """Upload one file of the archive unless the registry has it; return its descriptor."""
    if path not in blobs:
        with _member(tar, path) as stream:
            gzipped = stream.read(2) == b"\x1f\x8b"
            stream.seek(0)
            digest = "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
            blobs[path] = (digest, stream.tell(), media + ".gzip" if gzipped and media == LAYER else media)
    digest, size, media = blobs[path]
    try:
        _request("HEAD", f"{BASE}/v2/{repository}/blobs/{digest}").close()
    except urllib.error.HTTPError:
        with _request("POST", f"{BASE}/v2/{repository}/blobs/uploads/", b"") as answer:
            location = urllib.parse.urljoin(BASE, answer.headers["Location"])
        url = f"{location}{'&' if '?' in location else '?'}digest={digest}"
        with _member(tar, path) as stream:
            _request("PUT", url, stream, Content_Length=str(size), Content_Type="application/octet-stream").close()
    return {"mediaType": media, "size": size, "digest": digest}
