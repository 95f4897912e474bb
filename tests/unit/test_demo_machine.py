"""What the demo reads from the machine it runs on: package sources, certificate authorities, pip."""

import pytest

from demo import machine, settings

DEB822 = """\
Types: deb
# a snapshot would stand here
URIs: http://mirror.test/debian/
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main
"""
DISABLED = "Enabled: no\nTypes: deb\nURIs: http://old.test/debian\nSuites: trixie\nComponents: main\n"
ONE_LINE = """\
# deb http://commented.test/debian trixie main
deb [arch=amd64 signed-by=/x.gpg] https://one.test/debian trixie main contrib
deb-src https://one.test/source trixie main
deb https://one.test/security trixie-security main
"""
UBUNTU = "Types: deb\nURIs: http://archive.ubuntu.test/ubuntu\nSuites: noble noble-security\nComponents: main\n"
OWN = ("http://deb.debian.org/debian", "http://deb.debian.org/debian-security")


@pytest.mark.parametrize(
    ("files", "mirrors"),
    [
        ({"sources.list.d/debian.sources": DEB822}, ("http://mirror.test/debian", "http://mirror.test/debian-security")),
        ({"sources.list": ONE_LINE, "sources.list.d/x.save": DEB822}, OWN),
        ({"sources.list.d/debian.list": ONE_LINE}, ("https://one.test/debian", "https://one.test/security")),
        ({"sources.list.d/a.sources": DISABLED, "sources.list.d/b.sources": UBUNTU}, OWN),
        ({"sources.list.d/node.sources": UBUNTU.replace("noble", "nodistro"), "sources.list.d/z.sources": DEB822},
         ("http://mirror.test/debian", "http://mirror.test/debian-security")),
        ({}, OWN),
    ],
)  # fmt: skip
def test_debian_mirrors(tmp_path, files, mirrors):
    (tmp_path / "sources.list.d").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    if "sources.list" in files:
        mirrors = ("https://one.test/debian", "https://one.test/security")
    assert machine.debian_mirrors(tmp_path) == mirrors


def test_pip_settings_keep_indexes_and_serve_local_folders_from_the_mirror(monkeypatch, tmp_path):
    told = {
        "index-url": "https://pip.test/simple",
        "extra-index-url": f"file://{tmp_path}/simple https://more.test/simple",
        "find-links": f"{tmp_path} /does/not/exist",
        "trusted-host": "pip.test",
        "cert": "/somewhere/on/this/machine.pem",
    }
    monkeypatch.setattr(machine, "_pip", lambda: told)
    monkeypatch.setattr(machine, "extra_authorities", lambda: ["PEM"])
    text = machine.pip_settings()
    assert "index-url = https://pip.test/simple\n" in text
    assert "extra-index-url = https://more.test/simple\n" in text
    assert f"find-links = http://{settings.MIRROR_ADDRESS}:8000/pip/0/\n" in text
    assert "cert = /etc/ssl/certs/ca-certificates.crt\n" in text
    assert str(tmp_path) not in text
    assert "file:" not in text


def test_pip_settings_of_a_machine_without_any(monkeypatch):
    monkeypatch.setattr(machine, "_pip", dict)
    monkeypatch.setattr(machine, "extra_authorities", list)
    assert machine.pip_settings() == f"[global]\ntrusted-host = {settings.MIRROR_ADDRESS}\n"


def test_extra_authorities_are_those_the_distribution_does_not_bring(monkeypatch, tmp_path):
    pem = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----"
    (tmp_path / "known.crt").write_text(pem.format("known") + "\n")
    (tmp_path / "bundle").write_text(pem.format("known") + "\n" + pem.format("ours") + "\n")
    monkeypatch.setattr(machine, "BUNDLES", (str(tmp_path / "none"), str(tmp_path / "bundle")))
    monkeypatch.setattr(machine, "PACKAGED", tmp_path)
    machine.extra_authorities.cache_clear()
    assert machine.extra_authorities() == [pem.format("ours")]
    machine.extra_authorities.cache_clear()
