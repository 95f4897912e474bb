"""A folder with images: an OCI image layout, which Docker's engine, skopeo and others know, and which can be served.

Images come into it from registries, byte for byte, or from the engine of this machine. A layer that several images
share lies there once.

Source: OCI Image Format Specification 1.1, "Image Layout".
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ansible_collections.annotation.server.plugins.module_utils import image_names, image_registry
from ansible_collections.annotation.server.plugins.module_utils.resumable_download import download

NAME = "org.opencontainers.image.ref.name"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_BLOCK = 1 << 20


class LayoutError(Exception):
    """An image cannot be taken into the folder; the text is for the person who must act."""


def sha256(data: bytes) -> str:
    """Return the digest of bytes as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Layout:
    """One such folder."""

    def __init__(self, folder: Path, architecture: str = "amd64") -> None:
        """Remember the folder; of images for several architectures only one is taken."""
        self.folder, self.architecture = folder, architecture

    def blob(self, digest: str) -> Path:
        """Return the file of a layer, a configuration or a manifest."""
        return self.folder / "blobs" / digest.replace(":", "/")

    def names(self) -> dict[str, str]:
        """Return the digest of each image by its name."""
        return {entry["annotations"][NAME]: entry["digest"] for entry in self._index()["manifests"]}

    def parts(self, digest: str) -> set[str]:
        """Return the digests of an image and of all that it consists of here.

        Raises:
            LayoutError: a part is missing.
        """
        found = {digest}
        said = self._read(digest)
        for child in said.get("manifests", []):
            if self.blob(child["digest"]).exists():
                found |= self.parts(child["digest"])
        found |= {entry["digest"] for entry in [said["config"], *said["layers"]]} if "config" in said else set()
        return found

    def fetch(self, name: str, source: str, registry: image_registry.Registry) -> bool:
        """Bring an image from its registry, unless it is here.

        Args:
            name: as it is called here, for example ``postgres:15-alpine``; a digest in it is kept to.
            source: as its registry calls it, for example ``mirror.example/postgres:15-alpine``.
            registry: the one that ``source`` names.

        Returns:
            Whether anything was brought.
        """
        reference = image_names.parse(source)
        repository = reference.place()[1]
        data, kind = registry.manifest(repository, reference.wanted)
        if reference.digest and sha256(data) != reference.digest:
            raise LayoutError(f"{source}: the registry answers with {sha256(data)}. Do not trust it.")
        brought = self._fetch_parts(repository, data, kind, registry)
        return self._name(image_names.parse(name).name, data, kind) or brought

    def _fetch_parts(self, repository: str, data: bytes, kind: str, registry: image_registry.Registry) -> bool:
        """Bring what a manifest or an index consists of, and it last: what is here is complete."""
        said = json.loads(data)
        brought = False
        if "manifests" in said:
            wanted = [entry for entry in said["manifests"] if self._fits(entry.get("platform") or {})]
            if not wanted:
                raise LayoutError(f"{repository} has no image for linux on {self.architecture}.")
            for entry in wanted:
                child, child_kind = registry.manifest(repository, entry["digest"])
                brought |= self._fetch_parts(repository, child, child_kind, registry)
        else:
            for entry in [said["config"], *said["layers"]]:
                brought |= self._fetch_blob(repository, entry["digest"], registry)
        return self._write(data) or brought

    def _fetch_blob(self, repository: str, digest: str, registry: image_registry.Registry) -> bool:
        target = self.blob(digest)
        if target.exists():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        download(registry.blob_url(repository, digest), target, digest.partition(":")[2], registry.open)
        return True

    def _fits(self, platform: Mapping[str, str]) -> bool:
        return platform.get("os") == "linux" and platform.get("architecture") == self.architecture

    def take(self, name: str, diff_ids: list[str], save: Callable[[Path], None]) -> bool:
        """Take an image that the engine of this machine has, unless it is here.

        Args:
            name: as it is called here.
            diff_ids: sums of its layers, as ``docker image inspect`` tells them.
            save: writes what ``docker save`` gives into a file.

        Returns:
            Whether anything was taken.
        """
        known = self._layers()
        digest = self.names().get(image_names.parse(name).name)
        if digest and self._config_of(digest).get("rootfs", {}).get("diff_ids") == diff_ids:
            return False
        self.folder.mkdir(parents=True, exist_ok=True)
        archive = self.folder / ".saved.tar"
        try:
            save(archive)
            with tarfile.open(archive) as tar:
                entry = json.load(_member(tar, "manifest.json"))[0]
                config = _member(tar, entry["Config"]).read()
                layers = [
                    known.get(diff_id) or self._take_layer(_member(tar, path), diff_id)
                    for diff_id, path in zip(json.loads(config)["rootfs"]["diff_ids"], entry["Layers"], strict=True)
                ]
        finally:
            archive.unlink(missing_ok=True)
        self._write(config)
        head = {"mediaType": CONFIG, "size": len(config), "digest": sha256(config)}
        said = {"schemaVersion": 2, "mediaType": MANIFEST, "config": head, "layers": layers}
        data = json.dumps(said, sort_keys=True).encode()
        self._write(data)
        self._name(image_names.parse(name).name, data, MANIFEST)
        return True

    def _take_layer(self, stream: IO[bytes], diff_id: str) -> dict[str, Any]:
        """Compress a layer into the folder; returns its entry for a manifest."""
        partial = self.folder / ".layer"
        plain, packed = hashlib.sha256(), hashlib.sha256()
        with partial.open("wb") as out, gzip.GzipFile("", "wb", 1, _Summed(out, packed), mtime=0) as zipped:
            for block in _plain_blocks(stream):
                plain.update(block)
                zipped.write(block)
        if f"sha256:{plain.hexdigest()}" != diff_id:
            raise LayoutError(f"docker save gave a layer {diff_id} another content. Is the disk full or damaged?")
        digest = f"sha256:{packed.hexdigest()}"
        self.blob(digest).parent.mkdir(parents=True, exist_ok=True)
        size = partial.stat().st_size
        partial.replace(self.blob(digest))
        return {"mediaType": LAYER, "size": size, "digest": digest}

    def _layers(self) -> dict[str, dict[str, Any]]:
        """Return the manifests' entry of every layer that is here, by the sum of its plain content."""
        found: dict[str, dict[str, Any]] = {}
        for digest in self.names().values():
            for one in self._manifests(digest):
                found |= dict(
                    zip(self._read(one["config"]["digest"])["rootfs"]["diff_ids"], one["layers"], strict=True)
                )
        return found

    def _config_of(self, digest: str) -> dict[str, Any]:
        return next((self._read(one["config"]["digest"]) for one in self._manifests(digest)), {})

    def _manifests(self, digest: str) -> Iterator[dict[str, Any]]:
        said = self._read(digest)
        if "config" in said:
            yield said
        for child in said.get("manifests", []):
            if self.blob(child["digest"]).exists():
                yield from self._manifests(child["digest"])

    def _read(self, digest: str) -> dict[str, Any]:
        try:
            said: dict[str, Any] = json.loads(self.blob(digest).read_bytes())
        except (OSError, ValueError) as error:
            raise LayoutError(f"{self.blob(digest)} is missing or damaged. Remove the folder and run again.") from error
        return said

    def _write(self, data: bytes) -> bool:
        target = self.blob(sha256(data))
        if target.exists():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".part")
        partial.write_bytes(data)
        partial.replace(target)
        return True

    def _index(self) -> dict[str, Any]:
        path = self.folder / "index.json"
        return json.loads(path.read_text()) if path.exists() else {"schemaVersion": 2, "manifests": []}

    def _name(self, name: str, data: bytes, kind: str) -> bool:
        """Note which manifest a name means; tell whether that is new."""
        entry = {"mediaType": kind, "digest": sha256(data), "size": len(data), "annotations": {NAME: name}}
        with self._alone():
            index = self._index()
            if entry in index["manifests"]:
                return False
            others = [other for other in index["manifests"] if other["annotations"][NAME] != name]
            index["manifests"] = sorted([*others, entry], key=lambda each: each["annotations"][NAME])
            self._write_index(index)
        return True

    def drop_incomplete(self) -> list[str]:
        """Forget the images of which a part is missing, so that they are brought anew; returns their names."""
        return self.keep({name for name, digest in self.names().items() if self._is_complete(digest)})

    def _is_complete(self, digest: str) -> bool:
        try:
            return all(self.blob(part).exists() for part in self.parts(digest))
        except LayoutError:
            return False

    def keep(self, names: set[str]) -> list[str]:
        """Forget every image but these, and what only they consisted of; returns the forgotten names."""
        with self._alone():
            index = self._index()
            gone = sorted(entry["annotations"][NAME] for entry in index["manifests"])
            index["manifests"] = [entry for entry in index["manifests"] if entry["annotations"][NAME] in names]
            self._write_index(index)
        used: set[str] = set().union(*(self.parts(digest) for digest in self.names().values()))
        for path in (self.folder / "blobs/sha256").glob("*"):
            if f"sha256:{path.name}" not in used and not path.name.endswith((".part", ".lock")):
                path.unlink()
        return [name for name in gone if name not in names]

    def _write_index(self, index: Mapping[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}\n')
        partial = self.folder / "index.json.part"
        partial.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")
        partial.replace(self.folder / "index.json")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class _Summed:
    """A file that is summed while it is written."""

    def __init__(self, out: IO[bytes], digest: Any) -> None:
        self._out, self._digest = out, digest

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return self._out.write(data)

    def flush(self) -> None:
        self._out.flush()


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    """Open a file of an archive of ``docker save``, in which a layer may be a link to another."""
    member = tar.getmember(name)
    while member.issym() or member.islnk():
        name = str(Path(name).parent / member.linkname) if member.issym() else member.linkname
        member = tar.getmember(str(Path("/", name).resolve().relative_to("/")))
    stream = tar.extractfile(member)
    if stream is None:
        raise LayoutError(f"docker save wrote no file {name}.")
    return stream


def _plain_blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Read a layer, which Docker's newer image store saves compressed."""
    is_packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    with gzip.GzipFile(fileobj=stream) if is_packed else contextlib.nullcontext(stream) as source:
        while block := source.read(_BLOCK):
            yield block
