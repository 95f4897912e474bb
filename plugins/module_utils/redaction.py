"""Takes secrets out of text that people will show to others: logs, settings, descriptions of containers.

Two ways together: values that are known to be secret disappear wherever they stand and however they are written; and
what only looks like a secret (its name, its form) disappears, too. Rather too much than too little.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

REDACTED = "<redacted>"
#: Shorter values would take ordinary words out of every line.
SHORTEST = 5

_WORDS = r"(?:passw(?:or)?d|passphrase|secret|token|credential|authorization|cookie|session|apikey|accesskey|\w[_-]key)"
# It begins where a word begins: looking again at each letter would take minutes on a megabyte of base64.
_NAME = rf"(?<![\w.-])[\w.-]*{_WORDS}[\w.-]*"
_SECRET_NAME = re.compile(rf"(?i)^{_NAME}$")
_FORMS = (
    # A private key, whole.
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), REDACTED),
    # {"name": "TOKEN", "value": "..."}, as Nuclio and Kubernetes list variables; in JSON, JSON in JSON, and YAML.
    (
        re.compile(rf"""(?i)(\bname[\\"']*\s*:\s*[\\"']*{_NAME}[\\"']*,?\s*[\\"']*value[\\"']*\s*:[ \t]*)[^\n,}}]+"""),
        rf"\1{REDACTED}",
    ),
    # NAME="..." and NAME: '...'; the quotation marks may be escaped.
    (re.compile(rf"""(?i)({_NAME}[\\"']*\s*[=:]\s*)(\\*["'])(?:(?!\2).)*\2"""), rf"\1\2{REDACTED}\2"),
    # NAME: to the end of the line (headers, YAML), NAME= to the next space.
    (re.compile(rf"""(?i)({_NAME}[\\"']*[ \t]*:[ \t]+)(?![\\"'\s]|{REDACTED})[^\n]+"""), rf"\1{REDACTED}"),
    (re.compile(rf"""(?i)({_NAME}[ \t]*=[ \t]*)(?![\\"'\s]|{REDACTED})[^\s&;,"']+"""), rf"\1{REDACTED}"),
    # scheme://user:password@host
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@\"']+@"), rf"\1{REDACTED}@"),
    (re.compile(r"(?i)\b(bearer|basic|token) +[\w.~+/=-]{8,}"), rf"\1 {REDACTED}"),
    # By their look: JSON web tokens, and keys of AWS, GitHub, GitLab, Hugging Face.
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}\.?[\w-]*"), REDACTED),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\b(?:gh[opsu]_|glpat-|hf_)[\w-]{16,}"), REDACTED),
)


def is_secret_name(name: str) -> bool:
    """Whether a variable of that name usually holds a secret: ``DB_PASSWORD``, ``S3_SECRET_KEY``, ``api-token``."""
    return bool(_SECRET_NAME.match(name))


class Redactor:
    """Knows some secrets and takes them, and what looks like one, out of text."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Begin with the values in ``known``; those that are too short to be told from ordinary words are left out."""
        self._known: set[str] = set()
        for value in known:
            self.learn(value)

    def learn(self, value: str) -> None:
        """Take this value out of every text from now on."""
        value = value.strip()
        if len(value) >= SHORTEST:
            self._known.add(value)

    def learn_variables(self, lines: Iterable[str]) -> None:
        """Learn the values of ``NAME=VALUE`` lines whose names say that they are secret."""
        for line in lines:
            name, separator, value = line.strip().removeprefix("export ").partition("=")
            if separator and is_secret_name(name.strip()):
                self.learn(value.strip().strip("\"'"))

    def _spellings(self) -> list[str]:
        """Every way to write the known values, the longest first, so that none leaves a part of another behind."""
        found = set()
        for value in self._known:
            raw = value.encode()
            found |= {value, quote(value, safe=""), quote(value), json.dumps(value)[1:-1], repr(value)[1:-1]}
            found |= {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode(), raw.hex()}
        return sorted(found, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        for spelling in self._spellings():
            text = text.replace(spelling, REDACTED)
        for form, replacement in _FORMS:
            text = form.sub(replacement, text)
        return text

    def everywhere(self, value: Any) -> Any:
        """Return plain values (lists, mappings, texts) without secrets in any text of theirs."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {name: self.everywhere(each) for name, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.everywhere(each) for each in value]
        return value
