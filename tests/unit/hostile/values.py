"""Hostile values, and for every option of a role the most hostile one that it accepts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from ansible_collections.annotation.server.plugins.plugin_utils import inputs
from ansible_collections.annotation.server.plugins.plugin_utils.input_kinds import DICTIONARIES, kind_of

ROOT = Path(__file__).resolve().parents[3]
ROLES = sorted(path.parent.parent.name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))

#: Whole values; each is tried on every option.
WHOLE = {
    "space": "a b",
    "single quote": "it's",
    "double quote": 'say "a"',
    "newline": "a\nb: c",
    "trailing newline": "a\n",
    "command": "$(touch /tmp/owned)",
    "backticks": "`id`",
    "variable": "$HOME",
    "braced variable": "${HOME}",
    "template": "{{ 7 * 7 }}",
    "statement": "{% set x = 1 %}",
    "anchor": "&a b",
    "alias": "*a",
    "tag": "!!python/name:os.system",
    "comment": "# nothing",
    "inner comment": "a #b",
    "colon": "a: b",
    "list": "[a, b]",
    "brace": "{a: b}",
    "unicode": "é中\u202e\U0001f600",
    "line separator": "a\u2028b",
    "hyphen": "-rf",
    "option": "--help",
    "up": "../../etc/passwd",
    "inner up": "/srv/../etc",
    "NUL": "a\0b",
    "escape": "a\x1b[31mb",
    "10 kB": "x" * 10240,
    "percent": "%n%h",
    "backslash": "a\\nb",
    "end": "a\\",
    "semicolon": ";reboot",
    "pipe": "|id",
    "ampersand": "&& id",
    "redirect": ">/etc/passwd",
    "glob": "*?[a]",
    "home": "~root",
    "sql": "'; DROP TABLE x; --",
    "word of YAML": "yes",
    "null": "null",
    "number": "012",
    "equals": "a=b",
}

#: Laid behind what marks a value, as far as its option takes them; the first ones also fit short values.
SHORT = [
    "it's",
    '"q"',
    "$(x)",
    "`",
    "${H}",
    "%n",
    "&a",
    "*b",
    "!",
    "#c",
    ":b",
    "[x]",
    ";r",
    "~",
    "@h",
    ",d",
    "=",
    "+",
    "?",
    "{%",
    " y",
    "<",
    "|",
    ">",
    "\u2028",
    "-",
    "_",
    "\\",
    "é中\u202e\U0001f600",
]
LONG = [
    " it's",
    ' "q"',
    " $(touch x)",
    " `id`",
    " $HOME",
    " ${HOME}",
    " {{ 7 * 7 }}",
    " {% x %}",
    " &a",
    " *b",
    " !t",
    " # c",
    " a: b",
    " [x, {y: z}]",
    " %n%%h",
    " \\n \\",
    " ;r|&&>x",
    "'; --",
    " --help",
    "\tx",
    "\nnext: line\n",
    "x" * 10240,
]
#: Laid before it; each turn takes the first that fits.
BEFORE = [["-x ", "-"], ["!!t ", "{{ 7 * 7 }} ", "& ", "* ", "# ", "'"]]

#: A plain value for each kind; n makes it an option's own, in a form that occurs nowhere else.
PLAIN = {
    "path": "/srv/p{n}q/in p{n}q",
    "local file": "{tmp}/p{n}q",
    "pattern": "/srv/p{n}q/*",
    "inner path": "p{n}q/in p{n}q",
    "url": "http://p{n}q.test/a",
    "download": "http://p{n}q.test/a",
    "proxy": "http://p{n}q.test:3128",
    "apt url": "http://p{n}q.test/a",
    "no proxy": "p{n}q.test",
    "git url": "https://p{n}q.test/a.git",
    "host": "p{n}q.test",
    "address": "10.66.6.{n}",
    "network": "10.66.{n}.0/24",
    "release": "v66.6.{n}",
    "release or none": "v66.6.{n}",
    "commit": "{n:040x}",
    "sha256": "{n:064x}",
    "checksum": "sha256:{n:064x}",
    "fingerprint": "{n:040X}",
    "calendar": "*-*-* 03:{n}",
    "card": "8.9, 580.{n}",
    "frames": "66{n}-66{n}9",
    "snapshot": "66{n:010x}",
    "mode": "0750",
    "size": "66{n}m",
    "mail": "p{n}q@p.test",
    "image prefix": "p{n}q:5000/",
    "version": "66.{n}.6",
    "proxy options": "--allow-range=10.66.{n}.0/24",
    "mount option": "p{n}q,ro",
    "quantity": "66{n}Gi",
    "variable": "P{n}Q",
    "root password": "p{n}q-password",
    "secret key": "p{n}q-pass",
}


@dataclass(frozen=True)
class Poison:
    """A value under way: what marks it, and what must arrive whole."""

    option: str
    mark: str
    value: str
    kind: str


def options(role: str) -> dict[str, Any]:
    """Return the options of a role's specification."""
    spec = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text())
    return dict(spec["argument_specs"]["main"]["options"])


def leaves(name: str, spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the options that hold text: those of lists and dictionaries under their own names."""
    if spec.get("type", "str") in inputs.OTHERS or spec.get("elements") in inputs.OTHERS or spec.get("choices"):
        return
    if spec.get("options"):
        for key, inner in spec["options"].items():
            yield from leaves(f"{name}.{key}", inner)
    else:
        yield name, spec


def kind_at(name: str, spec: Mapping[str, Any]) -> str:
    """Return the kind of an option's texts; of a dictionary's values."""
    is_dict = "dict" in (spec.get("type"), spec.get("elements"))
    return DICTIONARIES.get(name, ("", ""))[1] if is_dict else kind_of(name)


def refused(name: str, spec: Mapping[str, Any], value: Any) -> list[str]:
    """Return the sentences with which a value of an option is refused."""
    top, _, inner = name.partition(".")
    for key in reversed(inner.split(".") if inner else []):
        spec, value = {"type": "dict", "options": {key: spec}}, {key: value}
    return inputs.problems({top: spec}, {top: value})


def poison(name: str, spec: Mapping[str, Any], n: int, tmp: Path, turn: int = 0) -> Poison:
    """Return the most hostile value that an option accepts; each turn begins with something else."""
    kind = kind_at(name, spec)
    value = PLAIN.get(kind, "p{n}q").format(n=n, tmp=tmp)
    mark = value if not value.count(f"p{n}q") else f"p{n}q"
    text = {"type": "str"}  # a dictionary's values are judged as such by the role's own check

    def fits(candidate: str) -> bool:
        whole = {"X": candidate} if name in DICTIONARIES else candidate
        return not refused(name, spec if name in DICTIONARIES else text, whole)

    assert fits(value), (name, kind, value, refused(name, text, value))
    half = turn * len(SHORT) // len(BEFORE)  # what is short takes the other half in the next turn
    for piece in SHORT[half:] + SHORT[:half] + LONG:
        if fits(value + piece):
            value += piece
    for piece in BEFORE[turn]:
        if kind != "local file" and fits(piece + value):  # which must lie where a run can make it
            value = piece + value
            break
    return Poison(name, mark, value, kind)


def folders(value: str) -> list[str]:
    """Return a path's parts that may stand alone somewhere."""
    path = PurePosixPath(value)
    return [str(path), str(path.parent), path.name, path.stem] if "/" in value else []
