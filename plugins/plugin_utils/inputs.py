"""Which values of a role's options cannot be used, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.annotation.server.plugins.plugin_utils.input_kinds import DICTIONARIES, KINDS, kind_of

#: Ansible itself judges these, and options with choices.
OTHERS = ("bool", "int", "float")


def problems(options: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the values of a role's options.

    Args:
        options: the options of its argument specification.
        values: their values; those that are missing are not judged.
    """
    return [
        sentence
        for name, spec in options.items()
        if name in values and values[name] is not None
        for sentence in _judge(name, spec, values[name])
    ]


def _judge(name: str, spec: Mapping[str, Any], value: Any) -> Iterator[str]:
    if spec.get("type", "str") in OTHERS or spec.get("choices"):
        return
    if isinstance(value, list | tuple):
        of_each = {**spec, "type": spec.get("elements", "str")}
        for item in value:
            yield from _judge(name, of_each, item)
    elif isinstance(value, Mapping) and "options" in spec:
        for key, inner in spec["options"].items():
            if value.get(key) is not None:
                yield from _judge(f"{name}.{key}", inner, value[key])
    elif isinstance(value, Mapping):
        yield from _judge_entries(name, value)
    else:
        yield from _sentence(name, kind_of(name), value)


def _judge_entries(name: str, value: Any) -> Iterator[str]:
    """Judge a dictionary whose keys are the user's own, level by level."""
    key_kind, value_kind = DICTIONARIES.get(name, ("anything", "anything"))
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _sentence(name, key_kind, key)
            yield from _judge_entries(name, inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _judge_entries(name, inner)
    elif value is not None:
        yield from _sentence(name, value_kind, value)


def _sentence(name: str, kind_name: str, value: Any) -> Iterator[str]:
    kind, text = KINDS[kind_name or "line"], str(value)
    if not text and kind.may_be_empty:
        return
    more = kind.problem(text)
    if more:
        shown = f" (it is {text[:80]!r}{' and so on' if len(text) > 80 else ''})" if not kind.secret else ""
        yield f"{name} must be {kind.words}{shown}.{'' if more == 'no' else ' ' + more}"
