"""Which certificates may serve, and the sentence for those that may not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import tls_checks


def certificate(**other: Any) -> dict[str, Any]:
    usual = {
        "public_key": "K\n",
        "expired": False,
        "not_after": "20300101000000Z",
        "subject_alt_name": ["DNS:cvat.lab"],
    }
    return {**usual, **other}


@pytest.mark.parametrize(
    ("names", "host", "covered"),
    [
        (["DNS:cvat.lab"], "cvat.lab", True),
        (["DNS:CVAT.lab"], "cvat.LAB", True),
        (["DNS:*.lab"], "cvat.lab", True),
        (["DNS:*.lab"], "a.cvat.lab", False),
        (["DNS:*.lab"], "lab", False),
        (["DNS:cvat.lab"], "other.lab", False),
        (["IP:10.0.0.5"], "10.0.0.5", True),
        (["DNS:10.0.0.5"], "10.0.0.5", False),
        (["IP:fd00:0:0:0:0:0:0:5"], "fd00::5", True),
        ([], "cvat.lab", False),
    ],
)
def test_names_are_compared_as_browsers_do(names: list[str], host: str, covered: bool) -> None:
    assert tls_checks.covers(names, host) is covered


def test_addresses_and_names_are_told_apart() -> None:
    assert tls_checks.alternative_names(["Cvat.lab", "10.0.0.5", "cvat.lab"]) == ["DNS:cvat.lab", "IP:10.0.0.5"]
    assert tls_checks.names(["cvat.lab", "10.0.0.5", "fd00::5"]) == ["cvat.lab"]


@pytest.mark.parametrize(
    ("wrong", "key", "message"),
    [
        ({}, "K", ""),
        ({}, "other", "The key does not belong to the certificate"),
        ({"expired": True}, "K", "The certificate expired at 20300101000000Z"),
        ({"subject_alt_name": ["DNS:a"]}, "K", "The certificate is not for cvat.lab; it names DNS:a."),
        ({"subject_alt_name": None}, "K", "it names nothing"),
    ],
)
def test_what_cannot_serve_is_named(wrong: dict[str, Any], key: str, message: str) -> None:
    found = " ".join(tls_checks.problems(certificate(**wrong), {"public_key": key}, ["cvat.lab"]))
    assert message in found and bool(found) is bool(message)


def test_files_that_are_none_are_named() -> None:
    found = tls_checks.problems({"msg": "no PEM"}, {"msg": "passphrase"}, ["cvat.lab"])
    assert "The certificate cannot be read (no PEM)" in found[0]
    assert "The key cannot be read (passphrase)" in found[1]


def test_an_authority_that_may_not_sign_is_named() -> None:
    key = {"public_key": "K"}
    signing = {"public_key": "A", "key_usage": ["Certificate Sign", "CRL Sign"]}
    assert tls_checks.problems(certificate(), key, ["cvat.lab"], signing) == []
    assert "(key usage keyCertSign)" in tls_checks.problems(certificate(), key, ["cvat.lab"], {"public_key": "A"})[0]
    assert "The authority cannot be read" in tls_checks.problems(certificate(), key, ["cvat.lab"], {"msg": "x"})[0]
