"""Policies as servers rewrite them, files that are copied, keys that are remembered."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from ansible_collections.annotation.server.plugins.module_utils import key_fingerprint, s3_storage
from ansible_collections.annotation.server.plugins.modules import object_storage_upload as upload


def statement(**changes) -> dict:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": ["arn:aws:s3:::b/*"],
    } | changes


@pytest.mark.parametrize(
    "rewritten",
    [
        {"Version": "2012-10-17", "Statement": [statement()]},
        {"Statement": statement()},
        {"Statement": [statement(Principal="*", Action="s3:GetObject", Resource="arn:aws:s3:::b/*")]},
        {"Statement": [statement(Principal={"AWS": "*"}, Sid="another", Condition={})]},
    ],
)
def test_public_policy_is_known_again(rewritten: dict) -> None:
    assert s3_storage.canonical(rewritten) == s3_storage.canonical(s3_storage.public_policy("b"))


@pytest.mark.parametrize(
    "other",
    [
        None,
        {"Statement": []},
        {"Statement": [statement(Effect="Deny")]},
        {"Statement": [statement(Action=["s3:GetObject", "s3:PutObject"])]},
        {"Statement": [statement(Resource=["arn:aws:s3:::b/public/*"])]},
        {"Statement": [statement(Principal={"AWS": ["somebody"]})]},
        {"Statement": [statement(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})]},
        {"Statement": [statement(), statement(Action="s3:ListBucket", Resource="arn:aws:s3:::b")]},
    ],
)
def test_other_policies_are_told_apart(other: dict | None) -> None:
    assert s3_storage.canonical(other) != s3_storage.canonical(s3_storage.public_policy("b"))


def test_order_of_statements_and_actions_does_not_matter() -> None:
    one = {"Statement": [statement(Action=["a", "b"]), statement(Effect="Deny")]}
    two = {"Statement": [statement(Effect="Deny"), statement(Action=["b", "a"])]}
    assert s3_storage.canonical(one) == s3_storage.canonical(two)


def test_files_below_a_folder(tmp_path: Path) -> None:
    for name in ("b.jpg", "a/two words.png", "a/.hidden", ".git/config", "ä.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link.jpg").symlink_to(tmp_path / "b.jpg")
    (tmp_path / "outside").symlink_to("/etc")
    assert list(upload.files_below(tmp_path, "")) == ["b.jpg", "ä.jpg", "a/two words.png"]
    assert set(upload.files_below(tmp_path, "/x/y/")) == {"x/y/b.jpg", "x/y/ä.jpg", "x/y/a/two words.png"}


def test_what_differs_is_copied(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"12345")
    same = hashlib.md5(b"12345").hexdigest()
    assert upload.differs(file, None)
    assert upload.differs(file, (6, same))
    assert upload.differs(file, (5, "0" * 32))
    assert not upload.differs(file, (5, same))
    assert not upload.differs(file, (5, "0" * 32 + "-3"))  # sent in parts: the size must do


def test_long_lists_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.touch()
    result = upload.answer({str(number): file for number in range(250)}, 300)
    assert (result["uploaded"], result["found"]) == (250, 300)
    assert result["diff"]["after"].endswith("and 50 more\n")


def test_key_is_known_again(tmp_path: Path) -> None:
    file = tmp_path / "state" / "keys.json"
    assert not key_fingerprint.matches(file, "one", "key", "secret")
    key_fingerprint.remember(file, "one", "key", "secret")
    key_fingerprint.remember(file, "two", "key", "other")
    assert key_fingerprint.matches(file, "one", "key", "secret")
    assert not key_fingerprint.matches(file, "one", "key", "other")
    assert not key_fingerprint.matches(file, "one", "keys", "ecret")
    key_fingerprint.forget(file, "one")
    assert not key_fingerprint.matches(file, "one", "key", "secret")
    assert key_fingerprint.matches(file, "two", "key", "other")


def test_same_key_looks_different_each_time(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    key_fingerprint.remember(file, "one", "secret")
    first = file.read_text()
    key_fingerprint.remember(file, "one", "secret")
    assert file.read_text() != first and "secret" not in first


@pytest.mark.parametrize("content", ["", "{", "[]", '{"one": {"digest": "x", "salt": ""}}'])
def test_damaged_file_counts_as_nothing(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(content)
    assert not key_fingerprint.matches(file, "one", "secret")
    key_fingerprint.remember(file, "one", "secret")
    assert key_fingerprint.matches(file, "one", "secret")
