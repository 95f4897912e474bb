"""Where a value ends up, and whether it is whole there: each place is read as its own reader reads it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml
from ansible_collections.annotation.server.plugins.module_utils import compose_override
from hostile.values import Poison, folders

#: Arguments that only people or Ansible itself read.
UNREAD = ("_uses_shell", "creates", "removes")


def strings(value: Any) -> Iterator[str]:
    """Yield every text in a structure, keys too."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)
    elif value is not None:
        yield str(value)


def systemd(text: str) -> Iterator[str]:
    """Read a unit as systemd.syntax(7) and systemd.service(5) say: words, quotes, % and, in commands, $."""
    for line in text.splitlines():
        name, equals, rest = line.partition("=")
        if not equals or line.startswith(("#", ";")):
            continue
        if re.search(r"%[^%]", rest.replace("%%", "")):
            yield f"an open specifier: {rest}"
        rest = rest.replace("%%", "%")
        words = shlex.split(rest) if name.startswith(("Exec", "RequiresMountsFor")) else [rest]
        for word in words:
            if name.startswith("Exec"):
                if "$" in word.replace("$$", ""):
                    yield f"an open variable: {word}"
                word = word.replace("$$", "$")
            yield word


def dotenv(text: str) -> Iterator[str]:
    """Read .env as compose-go does (dotenv/parser.go): in double quotes a backslash escapes."""
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, _, rest = line.partition("=")
        yield name
        if rest.startswith("'"):
            value, end, after = rest[1:].partition("'")
            yield value if end and not after and not value.endswith("\\") else f"an open quote: {line}"
        elif rest.startswith('"'):
            inner = re.fullmatch(r'"((?:[^"\\]|\\.)*)"', rest)
            if not inner or re.search(r"(?<!\\)(?:\\\\)*\$", inner[1]):
                yield f"an open quote or variable: {line}"
            else:
                yield re.sub(r"\\(.)", r"\1", inner[1])
        else:
            yield rest if not re.search(r"""[\s#$'"\\]""", rest) else f"not quoted: {line}"


def compose(text: str) -> Iterator[str]:
    """Read a Compose file; $$ is a dollar."""
    yield from map(interpolated, strings(compose_override.from_yaml(text)))


def interpolated(word: str) -> str:
    """Show where Compose would put variables."""
    return re.sub(r"\$\$|\$", lambda dollar: "$" if dollar[0] == "$$" else "<variable>", word)


def lines(text: str) -> Iterator[str]:
    """Read `Name: value` files of apt, whose values end with the line and may be lists of words."""
    for line in text.splitlines():
        if not line.startswith("#"):
            yield line.partition(": ")[2]


def script(text: str) -> Iterator[str]:
    """Read a shell script's words; what would be expanded is not quoted."""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        yield from shlex.split(line)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value or "" for _, value in attrs]


def page(text: str) -> Iterator[str]:
    """Read a page as a browser does."""
    reader = _Page()
    reader.feed(text)
    yield from reader.texts


#: What is Compose's own language, variables included.
COMPOSE_WORDS = {"cvat_override_extra", "cvat_object_storage_healthcheck"}

#: By the name of the file, the first that matches.
READERS: tuple[tuple[str, Callable[[str], Iterator[str]]], ...] = (
    (r"/etc/systemd/.*", systemd),
    (r".*/\.env", dotenv),
    (r"docker-compose[^/]*\.yml", compose),
    (r".*\.json|.*/annotation-server-report.*\.json", lambda text: strings(json.loads(text))),
    (r".*\.ya?ml", lambda text: strings(yaml.safe_load(text))),
    (r".*\.html.*", page),
    (r"bundle\.sources", lambda text: map(unquote, lines(text))),  # an address
    (r"/etc/apt/(?!keyrings/).*", lines),
    (r"/usr/local/sbin/.*|/etc/profile\.d/.*\.sh", script),
)


def read(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (place, text) of all that a task was told, as it will be read."""
    args = dict(record["args"])
    action = record["action"].rpartition(".")[2]
    for name in UNREAD:
        args.pop(name, None)
    if action in ("command", "shell"):
        raw = args.pop("_raw_params", None) or args.pop("cmd", None)
        if raw:
            yield from (("a shell", raw),) if action == "shell" else (("a command", word) for word in shlex.split(raw))
        yield from (("argv", word) for word in args.pop("argv", None) or [])
    elif action == "docker_container_exec":
        yield from (("argv", word) for word in args.pop("argv", []))
    if "content" in args and isinstance(args["content"], str) and "dest" in args:
        text, dest = args.pop("content"), str(args["dest"])
        names = [str(args.get("src", "")).removesuffix(".j2"), dest]
        reader = next(
            (reader for pattern, reader in READERS for name in names if re.fullmatch(pattern, name, re.DOTALL)), None
        )
        if text.startswith("<!doctype html>"):  # also where the file's own name is hostile
            reader = page
        try:
            yield from ((dest, word) for word in (reader(text) if reader else [text]))
        except ValueError as error:
            yield dest, f"an open quote: {error} in {text}"
    if action == "build_context" and isinstance(args.get("content"), Mapping):  # files
        for name, text in args.pop("content").items():
            yield from ((name, word) for word in strings(yaml.safe_load(text)))
    if "validate" in args:
        yield from (("a command", word) for word in shlex.split(args.pop("validate") % "FILE"))
    yield from (("arguments", word) for word in strings(args))
    yield from (("environment", word) for word in strings(record.get("environment")))


def dockerfile(word: str) -> str:
    """Read NAME="value" as a Dockerfile's ARG does."""
    inner = re.fullmatch(r'\w+="((?:[^"\\]|\\.)*)"', word, re.DOTALL)
    if not inner or re.search(r"(?<!\\)(?:\\\\)*\$", inner[1]):
        return word
    return re.sub(r"\\(.)", r"\1", inner[1])


def faults(record: Mapping[str, Any], poisons: list[Poison]) -> Iterator[str]:
    """Yield what is not whole in a task, and what a program would take for one of its options."""
    for place, word in read(record):
        if word.startswith("an open ") or word.startswith("not quoted"):
            yield f"{record['task']}: {place}: {word}"
        for poison in poisons:
            if poison.mark not in word:
                continue
            if poison.option in COMPOSE_WORDS:
                word = word.replace("<variable>", "$")
            word = dockerfile(word)
            forms = [poison.value, poison.value.strip(), *folders(poison.value)]
            forms += map(str.strip, poison.value.split(",") if poison.kind == "words" else [])
            forms += [str(urlsplit(poison.value).hostname)] if poison.kind == "url" else []
            if place == "a shell":
                yield f"{record['task']}: {poison.option} stands in a shell's command: {word!r}"
            elif not any(form in word for form in forms if poison.mark in form):
                yield f"{record['task']}: {place}: {poison.option} is not whole: {word!r} should hold {poison.value!r}"
            elif place in ("argv", "a command") and word.startswith("-") and poison.value.startswith(word[:9]):
                yield f"{record['task']}: {poison.option} would be taken for an option: {word!r}"


def content_of(poison: Poison) -> str:
    """Return what a file of that name holds, so that it is known where it was read."""
    return f"\n# read from {poison.mark[1:-1]}\n" if poison.option != "docker_engine_repository_key" else ""


def seen(record: Mapping[str, Any], poisons: list[Poison]) -> set[str]:
    """Return the options whose values a task was told."""
    told = [word for _, word in read(record)]
    return {
        poison.option
        for poison in poisons
        if any(
            poison.mark in word or (poison.kind == "local file" and content_of(poison) in word + "\n") for word in told
        )
    }
