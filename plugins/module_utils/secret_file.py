"""Secrets kept as one file each on a host: made once, read ever after.

Standard library only. Everything here works on paths and strings; what Ansible needs is in the module `host_secret`.
"""

from __future__ import annotations

import secrets
import stat
import string
from pathlib import Path

# Every set is safe unquoted in .env files, shell words, YAML and URLs.
CHARSETS = {
    "alnum": string.ascii_letters + string.digits,
    "upper": string.ascii_uppercase + string.digits,
    "hex": "0123456789abcdef",
}
MIN_LENGTH = 8
MAX_LENGTH = 1024
# What check mode hands on in place of a secret that does not exist yet.
PLACEHOLDER = "made-when-not-in-check-mode"


class SecretFileError(Exception):
    """The file or the wanted secret cannot be used; the message says what to do."""


def generate(length: int, charset: str) -> str:
    """Return ``length`` random characters of a set in CHARSETS, from the operating system's generator.

    Except in hexadecimal secrets the first character is a letter, so that YAML never takes one for a number.

    Raises:
        SecretFileError: the length is outside MIN_LENGTH..MAX_LENGTH.
    """
    if not MIN_LENGTH <= length <= MAX_LENGTH:
        raise SecretFileError(f"A secret of {length} characters was asked for; choose {MIN_LENGTH} to {MAX_LENGTH}.")
    alphabet = CHARSETS[charset]
    letters = [character for character in alphabet if character.isalpha()] if charset != "hex" else list(alphabet)
    return secrets.choice(letters) + "".join(secrets.choice(alphabet) for _ in range(length - 1))


def check_value(value: str) -> None:
    """Refuse what cannot be one secret on one line.

    Raises:
        SecretFileError: the value has surrounding white space, line breaks or control characters.
    """
    if value != value.strip() or any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise SecretFileError(
            "The given value has a line break, a control character or white space around it. "
            "Give one line of text; with Ansible Vault use `encrypt_string --stdin-name` without a newline at the end."
        )


def read(path: Path) -> str | None:
    """Return the secret in ``path`` without the line break that an editor may have left, or None without a file.

    Raises:
        SecretFileError: not a regular file, empty, more than one line, or not text.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        raise SecretFileError(f"{path} is not a regular file. Move it away; a new secret is then made in its place.")
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise SecretFileError(f"{path} does not hold text. Put the secret there as one line of UTF-8.") from error
    value = text.rstrip("\r\n")
    if not value.strip():
        raise SecretFileError(
            f"{path} is empty. Write the secret into it, or remove the file: a new secret is then made. "
            "Where the old secret is already in use (a database, an account), it must be the old one."
        )
    if "\n" in value or "\r" in value or text.count("\n") > 1:
        raise SecretFileError(f"{path} holds more than one line. It must hold the secret alone, on one line.")
    return value


def is_tidy(path: Path, value: str) -> bool:
    """Tell whether ``path`` holds exactly ``value``: containers read the file with any line break at its end."""
    return path.read_bytes() == value.encode()
