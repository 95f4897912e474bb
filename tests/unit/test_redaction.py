"""Planted secrets never come through, whatever they look like and however they are written."""

from __future__ import annotations

import base64
import json
import string
import tarfile
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from ansible_collections.annotation.server.plugins.module_utils import diagnosis
from ansible_collections.annotation.server.plugins.module_utils.redaction import REDACTED, Redactor, is_secret_name
from hypothesis import given
from hypothesis import strategies as st

# What people and generators use; a secret as short as an ordinary word cannot be told from one.
SECRETS = st.text(string.ascii_letters + string.digits + string.punctuation + " äß", min_size=6, max_size=40).map(
    lambda text: f"x{text}y"
)
WORDS = ["DB_PASSWORD", "token", "S3_SECRET_KEY", "apiKey", "session-id", "Proxy-Authorization", "client_secret"]


@given(SECRETS)
def test_known_secrets_disappear_in_every_spelling(secret: str) -> None:
    raw = secret.encode()
    spellings = {
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        base64.b64encode(raw).decode(),
        raw.hex(),
    }
    redact = Redactor([f"{secret}\n"])
    for spelling in spellings:
        assert spelling not in redact(f"before {spelling} after"), spelling
        assert redact(f"before {spelling} after").startswith("before ")


@given(st.sampled_from(WORDS), SECRETS)
def test_secrets_disappear_by_their_names(name: str, secret: str) -> None:
    # Two letters alone may well stand in "Proxy-Authorization" too.
    plain = "planted" + "".join(character for character in secret if character.isalnum())
    for text in (
        f"{name}={plain}",
        f'{name}="{plain}" other=1',
        f"{name}: {plain} and more",
        json.dumps({name: f"{plain} {secret}", "other": 1}),
        json.dumps(json.dumps({name: plain})),
        json.dumps({"name": name, "value": plain}),
        yaml.safe_dump([{"name": name, "value": plain}]),
        f"curl -H '{name}: {plain}' https://x",
    ):
        seen = Redactor()(text)
        assert plain not in seen, (text, seen)
        assert REDACTED in seen


@pytest.mark.parametrize(
    "text",
    [
        "https://user:Planted@host/path",
        "postgres://Planted:Planted@db:5432/cvat",
        "Authorization: Basic Planted12345==",
        "sent bearer Planted12345",
        "eyJQbGFudGVk.eyJQbGFudGVk.Planted",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nPlanted\nPlanted\n-----END OPENSSH PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nPlanted, and the end is cut off",
        "hf_PlantedPlantedPlanted",
        "glpat-Planted-Planted-Planted",
    ],
)
def test_secrets_disappear_by_their_look(text: str) -> None:
    assert "Planted" not in Redactor()(text)


@pytest.mark.parametrize(
    "text",
    [
        "cvat_server | GET /api/tasks/12/data?type=chunk HTTP/1.1 200",
        "image: cvat/server:v2.80.0@sha256:635197cb9f36d01bee221d34d1c7d7960f6a95c48b0b6c01d99cd13bdae51a46",
        '{"state": "ok", "detail": "a box gives 43631 pixels"}',
        "http://minio:9000/minio/health/live answers 200",
        "PLAIN=kept",
        "172.20.0.0/24 dev br-1 proto kernel",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert Redactor(["abcd"])(text) == text


def test_names() -> None:
    assert all(is_secret_name(name) for name in [*WORDS, "MINIO_ROOT_PASSWORD", "SSH_KEY", "DJANGO_SECRET"])
    assert not any(is_secret_name(name) for name in ["PATH", "KEYBOARD", "MONKEY", "HOST", "CVAT_HOST"])


class Server:
    """A server with one container, as its commands describe it."""

    def __init__(self, environment: list[str], log: str) -> None:
        config = {"Env": environment, "Labels": {"nuclio.io/function-spec": "everything", "other": "kept"}}
        self.inspected, self.log = json.dumps([{"Name": "/talker", "Config": config}]), log

    def __call__(self, command: list[str]) -> str:
        if command[:2] == ["docker", "ps"] and "--format" in command:
            return "talker\n"
        answers: dict[tuple[str, ...], str] = {("docker", "inspect"): self.inspected, ("docker", "logs"): self.log}
        return answers.get(tuple(command[:2]), " ".join(command))


def test_what_one_container_is_told_is_secret_everywhere(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/key").write_text("from a file\n")
    (tmp_path / "settings.env").write_text("export API_TOKEN='from settings'\n")
    server = Server(
        ["DB_PASSWORD=from an environment", "PLAIN=kept"], "from an environment, from a file, from settings"
    )
    parts = diagnosis.collect(server, [str(tmp_path / "*.env")], tmp_path / "secrets", 10)
    assert parts["logs/talker.txt"] == ", ".join([REDACTED] * 3)
    assert not [name for name, text in parts.items() if "from " in text]
    container = json.loads(parts["containers/talker.json"])["Config"]
    assert "PLAIN=kept" in container["Env"]
    assert container["Labels"] == {"nuclio.io/function-spec": REDACTED, "other": "kept"}


def test_what_cannot_be_run_is_said() -> None:
    assert diagnosis.run(["no-such-command"]) == "(no-such-command is not installed)\n"
    assert diagnosis.run(["sh", "-c", "echo said; exit 3"]) == "said\n\n(ended with 3)\n"


def test_a_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "SECONDS", 0.2)
    assert "(no end after 0 s)" in diagnosis.run(["sleep", "10"])


def test_long_parts_are_cut_at_the_front_and_at_a_line() -> None:
    text = diagnosis.shorten("PASSWORD=a half secret\n" + "x" * (diagnosis.LONGEST - 10) + "\nthe end")
    assert text.startswith("(the beginning is left out)\nx") and text.endswith("the end")
    assert diagnosis.shorten("short") == "short"


def test_a_megabyte_of_base64_stays() -> None:
    text = "A1b2" * 250_000  # a form that looks again at every letter would not come to an end here
    assert Redactor(["something secret"])(text) == text


def test_only_its_owner_reads_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "d.tar.gz"
    assert diagnosis.write_archive(path, {"logs/a.txt": "ä line"}, "d") == path.stat().st_size
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        assert (file := archive.extractfile("d/logs/a.txt")) and file.read().decode() == "ä line"
