"""A folder of images: filled from a registry that wants tokens and by `docker save`, served by the role's program."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import image_names, image_registry
from ansible_collections.annotation.server.plugins.module_utils.image_layout import Layout, LayoutError
from ansible_collections.annotation.server.plugins.module_utils.image_registry import Registry, RegistryError

from roles.bundle.files import images

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def image(*layers: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Return a manifest, and all that it consists of by digest; layers are packed."""
    packed = [gzip.compress(layer, mtime=0) for layer in layers]
    config = json.dumps({"rootfs": {"diff_ids": [digest(layer) for layer in layers]}}).encode()
    said = {
        "mediaType": MANIFEST,
        "config": {"digest": digest(config), "size": len(config)},
        "layers": [{"digest": digest(each), "size": len(each)} for each in packed],
    }
    return json.dumps(said).encode(), {digest(each): each for each in [*packed, config]}


class Remote(ThreadingHTTPServer):
    """A registry with one repository, library/postgres; ``asked`` are the paths that were asked for with a token."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.manifests: dict[str, tuple[bytes, str]] = {}
        self.blobs: dict[str, bytes] = {}
        self.asked: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def hold(self, tag: str, *layers: bytes) -> str:
        data, parts = image(*layers)
        self.manifests[tag] = self.manifests[digest(data)] = (data, MANIFEST)
        self.blobs |= parts
        return digest(data)

    def hold_index(self, tag: str, children: dict[str, str]) -> str:
        """Hold an index: digest by architecture."""
        entries = [
            {"digest": child, "mediaType": MANIFEST, "platform": {"os": "linux", "architecture": architecture}}
            for architecture, child in children.items()
        ]
        data = json.dumps({"manifests": entries}).encode()
        self.manifests[tag] = self.manifests[digest(data)] = (data, INDEX)
        return digest(data)


class Handler(BaseHTTPRequestHandler):
    server: Remote

    def do_GET(self) -> None:
        if self.path.startswith("/token"):
            self._send(json.dumps({"token": "secret"}).encode(), "application/json")
            return
        if self.headers.get("Authorization") != "Bearer secret":
            self.send_response(401)
            scope = "repository:library/postgres:pull"
            realm = f"http://{self.server.host}/token"
            self.send_header("WWW-Authenticate", f'Bearer realm="{realm}",service="test",scope="{scope}"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.server.asked.append(self.path)
        _, _, _, _, kind, wanted = self.path.split("/")
        data, media = self.server.manifests.get(wanted, (b"", "")) if kind == "manifests" else (b"", "")
        data = data or self.server.blobs.get(wanted, b"")
        if data:
            self._send(data, media or "application/octet-stream")
        else:
            self.send_error(404)

    def _send(self, data: bytes, media: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def remote() -> Iterator[Remote]:
    with Remote() as made:
        yield made
        made.shutdown()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "images")


def bring(layout: Layout, remote: Remote, name: str, wanted: str = "") -> bool:
    source = f"{remote.host}/library/postgres{wanted or ':' + name.rpartition(':')[2]}"
    return layout.fetch(name, source, Registry(remote.host, [remote.host]))


def test_an_image_comes_as_it_is_and_only_once(layout: Layout, remote: Remote) -> None:
    known = remote.hold("15", b"first", b"second")
    assert bring(layout, remote, "postgres:15")
    assert layout.names() == {"postgres:15": known}
    assert layout.parts(known) == {known, *remote.blobs}
    remote.asked.clear()
    assert not bring(layout, remote, "postgres:15")
    assert remote.asked == ["/v2/library/postgres/manifests/15"]  # whether the tag means another image now


def test_of_an_index_one_architecture_is_taken_and_the_digest_stays_true(layout: Layout, remote: Remote) -> None:
    wanted, other = remote.hold("a", b"amd64"), remote.hold("b", b"arm64")
    top = remote.hold_index("15", {"amd64": wanted, "arm64": other})
    bring(layout, remote, f"postgres:15@{top}", f":15@{top}")
    assert layout.names() == {"postgres:15": top}
    assert layout.parts(top) == {top} | layout.parts(wanted)
    assert not layout.blob(other).exists()


def test_a_registry_that_answers_with_another_image_is_not_trusted(layout: Layout, remote: Remote) -> None:
    wanted = remote.hold("15", b"right")
    remote.manifests[wanted] = remote.manifests[remote.hold("evil", b"wrong")]
    with pytest.raises(LayoutError, match="Do not trust it"):
        bring(layout, remote, f"postgres:15@{wanted}", f":15@{wanted}")
    assert layout.names() == {}


def test_no_image_for_this_architecture(layout: Layout, remote: Remote) -> None:
    remote.hold_index("15", {"arm64": remote.hold("b", b"arm64")})
    with pytest.raises(LayoutError, match="no image for linux on amd64"):
        bring(layout, remote, "postgres:15")


def test_an_image_that_nobody_has(layout: Layout, remote: Remote) -> None:
    with pytest.raises(RegistryError, match=r"manifests/99 cannot be read.*404"):
        bring(layout, remote, "postgres:99")


def saved(path: Path, layers: list[bytes], packed: bool = False) -> None:
    """Write what `docker save` writes: of its older image store with a link for a layer that came before."""
    config = json.dumps({"rootfs": {"diff_ids": [digest(layer) for layer in layers]}}).encode()
    with tarfile.open(path, "w") as tar:

        def add(name: str, data: bytes) -> None:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))

        for number, layer in enumerate(layers):
            if number and layer == layers[0]:
                link = tarfile.TarInfo(f"{number}/layer.tar")
                link.type, link.linkname = tarfile.SYMTYPE, "../0/layer.tar"
                tar.addfile(link)
            else:
                add(f"{number}/layer.tar", gzip.compress(layer) if packed else layer)
        add("config.json", config)
        names = [f"{number}/layer.tar" for number in range(len(layers))]
        add("manifest.json", json.dumps([{"Config": "config.json", "Layers": names}]).encode())


@pytest.mark.parametrize("packed", [False, True])
def test_what_was_made_here_shares_layers_with_what_came(layout: Layout, remote: Remote, packed: bool) -> None:
    base = layout.names().get("postgres:15") or remote.hold("15", b"base")
    bring(layout, remote, "postgres:15")
    layers = [b"base", b"own"]
    ids = [digest(layer) for layer in layers]
    name = "annotation-server/sam2/0123"
    assert layout.take(name, ids, lambda path: saved(path, layers, packed))
    entry = json.loads(layout.blob(layout.names()[f"{name}:latest"]).read_bytes())
    assert entry["layers"][0] == json.loads(layout.blob(base).read_bytes())["layers"][0]
    assert gzip.decompress(layout.blob(entry["layers"][1]["digest"]).read_bytes()) == b"own"
    assert not layout.take(name, ids, lambda path: pytest.fail("it is there"))


def test_a_layer_that_is_there_twice(layout: Layout) -> None:
    layers = [b"same", b"other", b"same"]
    assert layout.take("made", [digest(layer) for layer in layers], lambda path: saved(path, layers))


def test_a_layer_that_docker_saved_wrongly(layout: Layout) -> None:
    def save(path: Path) -> None:
        saved(path, [b"right"])
        data = path.read_bytes().replace(b"right", b"wrong", 1)
        path.write_bytes(data)

    with pytest.raises(LayoutError, match="another content"):
        layout.take("made", [digest(b"right")], save)


def test_images_of_earlier_times_are_forgotten_with_what_only_they_had(layout: Layout, remote: Remote) -> None:
    remote.hold("14", b"shared", b"old")
    new = remote.hold("15", b"shared", b"new")
    bring(layout, remote, "postgres:14")
    bring(layout, remote, "postgres:15")
    assert layout.keep({"postgres:15"}) == ["postgres:14"]
    there = {f"sha256:{path.name}" for path in (layout.folder / "blobs/sha256").iterdir()}
    assert there == layout.parts(new)


def test_an_image_that_lacks_a_part_is_brought_anew(layout: Layout, remote: Remote) -> None:
    known = remote.hold("15", b"layer")
    bring(layout, remote, "postgres:15")
    layout.blob(json.loads(layout.blob(known).read_bytes())["layers"][0]["digest"]).unlink()
    assert layout.drop_incomplete() == ["postgres:15"]
    assert bring(layout, remote, "postgres:15")


@pytest.fixture
def served(layout: Layout) -> Iterator[str]:
    with images.server(layout.folder, 0) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}/v2/"
        made.shutdown()


def ask(url: str, method: str = "GET") -> tuple[bytes, Any]:
    with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=5) as answer:
        return answer.read(), answer.headers


def test_what_the_folder_holds_is_served(layout: Layout, remote: Remote, served: str) -> None:
    child = remote.hold("a", b"layer")
    top = remote.hold_index("15", {"amd64": child})
    bring(layout, remote, "docker.io/library/postgres:15", ":15")
    assert ask(served)[0] == b'{"served_by": "annotation.server"}'
    data, headers = ask(f"{served}docker.io/library/postgres/manifests/15")
    assert (digest(data), headers["Content-Type"], headers["Docker-Content-Digest"]) == (top, INDEX, top)
    data, headers = ask(f"{served}docker.io/library/postgres/manifests/{child}")
    assert (digest(data), headers["Content-Type"]) == (child, MANIFEST)
    layer = json.loads(data)["layers"][0]["digest"]
    assert gzip.decompress(ask(f"{served}docker.io/library/postgres/blobs/{layer}")[0]) == b"layer"
    assert ask(f"{served}docker.io/library/postgres/manifests/15", "HEAD")[0] == b""


@pytest.mark.parametrize(
    "path",
    [
        "other/manifests/15",
        "postgres/manifests/16",
        f"postgres/blobs/sha256:{'0' * 64}",
        "postgres/blobs/../../index.json",
    ],
)
def test_what_it_does_not_hold_is_not_found(layout: Layout, remote: Remote, served: str, path: str) -> None:
    remote.hold("15", b"layer")
    bring(layout, remote, "postgres:15")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        ask(served + path)


@pytest.mark.parametrize(
    ("text", "host", "path", "name", "wanted"),
    [
        ("postgres", "registry-1.docker.io", "library/postgres", "postgres:latest", "latest"),
        ("cvat/server:v2", "registry-1.docker.io", "cvat/server", "cvat/server:v2", "v2"),
        (
            "docker.io/pgsty/silo:R@sha256:ab",
            "registry-1.docker.io",
            "pgsty/silo",
            "docker.io/pgsty/silo:R",
            "sha256:ab",
        ),
        ("quay.io/nuclio/uhttpc:1-amd64", "quay.io", "nuclio/uhttpc", "quay.io/nuclio/uhttpc:1-amd64", "1-amd64"),
        ("m.lan:5000/quay.io/n/u", "m.lan:5000", "quay.io/n/u", "m.lan:5000/quay.io/n/u:latest", "latest"),
        ("localhost/a:1", "localhost", "a", "localhost/a:1", "1"),
    ],
)
def test_names(text: str, host: str, path: str, name: str, wanted: str) -> None:
    reference = image_names.parse(text)
    assert (*reference.place(), reference.name, reference.wanted) == (host, path, name, wanted)


def test_what_docker_login_noted_is_used(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {"https://index.docker.io/v1/": {"auth": "aHVi"}, "m.lan:5000": {}}}))
    assert image_registry.credentials("registry-1.docker.io", config) == "aHVi"
    assert image_registry.credentials("m.lan:5000", config) == ""
    assert image_registry.credentials("m.lan:5000", tmp_path / "none.json") == ""
