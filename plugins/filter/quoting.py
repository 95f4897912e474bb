"""Filters that write a text so that its reader takes it literally. Shell words have Ansible's own filter `quote`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:@=,+-]+")


def systemd_word(text: Any, command: bool = False) -> str:
    """Return one word of a line in a unit of systemd (systemd.syntax(7)).

    Args:
        text: what the word says.
        command: whether the line is a command, in which $ stands for variables.
    """
    word = str(text).replace("%", "%%")
    if _PLAIN_WORD.fullmatch(str(text)):
        return word
    word = word.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + (word.replace("$", "$$") if command else word) + '"'


def dotenv_value(text: Any) -> str:
    """Return a value of one line as Compose reads it in .env (compose-go, dotenv/parser.go)."""
    value = str(text)
    if re.fullmatch(r"[A-Za-z0-9_./:,=@%+-]*", value):
        return value
    if not re.search(r"['\\]", value):
        return f"'{value}'"
    return '"' + re.sub(r'(["\\$])', r"\\\1", value) + '"'


class FilterModule:
    """The filters by their names."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return them."""
        return {"systemd_word": systemd_word, "dotenv_value": dotenv_value}
