"""Users and policies through mc: the commands that are run, and what becomes of mc's answers.

The answers have the form that mc RELEASE.2026-09-16 prints with --json: one object over several lines.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import minio_admin
from ansible_collections.annotation.server.plugins.module_utils.s3_storage import StorageError

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"]}],
}


def success(**fields: Any) -> tuple[int, str, str]:
    return 0, json.dumps({"status": "success", **fields}, indent=1) + "\n", ""


def failure(code: str, words: str = "Words.") -> tuple[int, str, str]:
    cause = {"message": words, "error": {"Code": code, "Message": words, "RequestID": "1"}}
    error = {"status": "error", "error": {"message": "Unable to do it", "cause": cause, "type": "fatal"}}
    return 1, json.dumps(error, indent=1) + "\n", ""


class Mc:
    """Plays mc: gives the answers in order and notes how it was called."""

    def __init__(self, *answers: tuple[int, str, str]) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[list[str], dict[str, str], str]] = []

    def __call__(self, command: list[str], environment: dict[str, str], data: str) -> tuple[int, str, str]:
        self.calls.append((command, environment, data))
        return self.answers.pop(0)


def admin(mc: Mc, password: str = "root-password") -> minio_admin.MinioAdmin:
    return minio_admin.MinioAdmin(mc, "minio", "rootuser", password)


def test_keys_are_on_no_command_line() -> None:
    mc = Mc(success(), success(), success())
    server = admin(mc)
    server.put_user("KEY", "secret-of-user")
    server.put_policy("p", POLICY)
    server.attach("p", "KEY")
    for command, environment, _ in mc.calls:
        assert command[:4] == ["docker", "exec", "-i", "-e"]
        assert not any("root-password" in word or "secret-of-user" in word for word in command)
        assert environment == {"MC_HOST_annotation": "http://rootuser:root-password@127.0.0.1:9000"}
    assert [data for _, _, data in mc.calls] == ["secret-of-user\n", json.dumps(POLICY), ""]


def test_user_and_its_policies() -> None:
    mc = Mc(success(accessKey="KEY", policyName="b,a", userStatus="enabled"), success(userStatus="disabled"))
    assert admin(mc).user("KEY") == {"enabled": True, "policies": ["a", "b"]}
    assert admin(mc).user("KEY") == {"enabled": False, "policies": []}


def test_what_is_missing_is_no_error() -> None:
    assert admin(Mc(failure("XMinioAdminNoSuchUser"))).user("KEY") is None
    assert admin(Mc(failure("XMinioAdminNoSuchPolicy"))).policy("p") is None


@pytest.mark.parametrize("document", [POLICY, json.dumps(POLICY)])
def test_policy_is_read(document: Any) -> None:
    mc = Mc(success(policy="p", policyInfo={"PolicyName": "p", "Policy": document}, isGroup=False))
    assert admin(mc).policy("p") == POLICY


def test_attaching_twice_is_no_error() -> None:
    admin(Mc(failure("XMinioAdminPolicyChangeAlreadyApplied"))).attach("p", "KEY")


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "InvalidAccessKeyId", "AccessDenied"])
def test_wrong_root_account_says_where_to_look(code: str) -> None:
    with pytest.raises(minio_admin.AdminRefusal, match=f"refuses its root account \\({code}\\)"):
        admin(Mc(failure(code))).user("KEY")


def test_other_refusals_have_the_servers_words() -> None:
    with pytest.raises(minio_admin.AdminRefusal, match="Unable to do it: The secret key is invalid") as caught:
        admin(Mc(failure("XMinioAdminInvalidSecretKey", "The secret key is invalid."))).put_user("KEY", "x")
    assert caught.value.code == "XMinioAdminInvalidSecretKey"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Error response from daemon: No such container: minio", "does not run. Run the stage cvat"),
        ("Error response from daemon: container abc is not running", "does not run"),
        ('exec: "mc": executable file not found in $PATH', "has no client 'mc'"),
        ("something else", "mc in the container minio failed: something else"),
    ],
)
def test_without_mc_the_cure_is_named(said: str, words: str) -> None:
    with pytest.raises(StorageError, match=words):
        admin(Mc((1, "", said))).user("KEY")


def test_colons_in_the_root_account_are_refused() -> None:
    with pytest.raises(StorageError, match="colon"):
        admin(Mc(), password="with:colon")


@pytest.mark.parametrize(
    ("output", "last"),
    [
        ("", {}),
        ("no json", {}),
        ('{"a": 1}\n{"b": {"c": 2}}\n', {"b": {"c": 2}}),
        ('warning\n{\n "a": 1\n}\ntrailing {', {"a": 1}),
    ],
)
def test_last_document(output: str, last: dict) -> None:
    assert minio_admin.last_document(output) == last
