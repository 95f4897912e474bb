"""Whatever is given to an option is either used literally, or refused with a sentence that names the option.

Everything here is made from the roles' argument specifications: a new option is tried by itself. Roles run as they are,
on modules that only write down what they were told (hostile/record.py).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.annotation.server.plugins.module_utils import bundle
from ansible_collections.annotation.server.plugins.plugin_utils import inputs
from ansible_collections.annotation.server.plugins.plugin_utils.input_kinds import DICTIONARIES, KINDS, kind_of
from hostile import answers, sinks, values
from hostile.runs import RUNS, UNSEEN, Run

#: No reader takes any of these for anything; an option that takes nothing else needs no run.
HARMLESS = re.compile(r"[A-Za-z0-9._:/@+~-]*")
LEAVES = [
    (role, name, spec)
    for role in values.ROLES
    for option, described in values.options(role).items()
    for name, spec in values.leaves(option, described)
]


@pytest.mark.parametrize(("role", "name", "spec"), LEAVES, ids=[name for _, name, _ in LEAVES])
def test_somebody_has_said_what_an_option_takes(role: str, name: str, spec: dict[str, Any]) -> None:
    is_dict = "dict" in (spec.get("type"), spec.get("elements"))
    kinds = DICTIONARIES.get(name, ("", "")) if is_dict else (kind_of(name),)
    assert all(kind in KINDS for kind in kinds), f"say in plugins/plugin_utils/input_kinds.py of what kind {name} is"


OTHERS = [
    (name, spec)
    for role in values.ROLES
    for name, spec in values.options(role).items()
    if {spec["type"], spec.get("elements")} & set(inputs.OTHERS) or spec.get("choices")
]


@pytest.mark.parametrize(("name", "spec"), OTHERS, ids=[name for name, _ in OTHERS])
def test_argument_validation_refuses_by_name_what_is_no_text(name: str, spec: dict[str, Any]) -> None:
    validator = ArgumentSpecValidator(
        {name: {key: spec[key] for key in ("type", "elements", "choices") if key in spec}}
    )
    for label, value in values.WHOLE.items():
        result = validator.validate({name: [value] if spec["type"] == "list" else value})
        if result.error_messages:
            assert all(name in message for message in result.error_messages), (label, result.error_messages)
        else:  # a boolean or a number that is written as a text
            assert result.validated_parameters[name] in (True, False, 12, [12], 12.0), (
                label,
                result.validated_parameters,
            )


@pytest.mark.parametrize(("role", "name", "spec"), LEAVES, ids=[name for _, name, _ in LEAVES])
def test_every_hostile_value_is_refused_by_name_or_reaches_the_run_below(
    role: str, name: str, spec: dict[str, Any], tmp_path: Path
) -> None:
    taken = "".join(values.poison(name, spec, 7, tmp_path, turn).value for turn in range(len(values.BEFORE)))
    for label, value in values.WHOLE.items():
        whole = {"X": value} if name in DICTIONARIES else value
        sentences = values.refused(name, spec, whole)
        if sentences:
            assert all(name in sentence and sentence.endswith(".") for sentence in sentences), (label, sentences)
        else:
            missing = set(value) - set(taken) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./")
            assert not missing, f"{label}: {name} takes {missing}, and no run below is given it"


def build(spec: dict[str, Any], name: str, poisons: dict[str, values.Poison]) -> Any:
    """Return an option's value with a hostile text wherever it takes one; None for what takes no text."""
    if spec.get("options"):
        entry = {key: build(inner, f"{name}.{key}", poisons) for key, inner in spec["options"].items()}
        entry = {key: value for key, value in entry.items() if value is not None}
        return [entry] if spec["type"] == "list" else entry
    if name not in poisons:
        return {"int": 1}.get(spec["type"]) if spec.get("required") else None
    text: Any = poisons[name].value
    if name in DICTIONARIES:
        text = {values.PLAIN["variable"].format(n=1): text}
    return [text] if spec["type"] == "list" else text


#: Options for the control node's files that name folders.
FOLDERS = {"nuclio_functions.source", "nuclio_functions.include.src", "nuclio_functions_source_dir"}


class _Unsafe(str):
    """Text in which Ansible must look for no template."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(_Unsafe, lambda dumper, data: dumper.represent_scalar("!unsafe", str(data), style='"'))


def unsafe(value: Any) -> Any:
    """Mark every text, as a vault or an inventory plugin hands it over."""
    if isinstance(value, dict):
        return {key: unsafe(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [unsafe(inner) for inner in value]
    return _Unsafe(value) if isinstance(value, str) and "{" in value else value


def filled(value: Any, poisons: dict[str, values.Poison]) -> Any:
    """Return a run's settings with the hostile values that they name."""
    if isinstance(value, dict):
        return {key: filled(inner, poisons) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, poisons) for inner in value]
    return re.sub("@([a-z_.]+)@", lambda name: poisons[name[1]].value, value) if isinstance(value, str) else value


def lay_files(poisons: dict[str, values.Poison]) -> None:
    """Make the files on the control node that options name."""
    for option in FOLDERS & set(poisons):
        folder = Path(poisons[option].value)
        folder.mkdir()
        if option != "nuclio_functions.include.src":
            inner = (
                poisons["nuclio_functions.config_file"].value
                if option == "nuclio_functions.source"
                else "three/function.yaml"
            )
            config = folder / inner
            config.parent.mkdir(parents=True)
            config.write_text(answers.FUNCTION_YAML)
    if "bundle_path" in poisons:
        folder = Path(poisons["bundle_path"].value)
        folder.mkdir()
        bundle.write(folder, answers.BUNDLE | {"cvat": poisons["bundle_cvat_version"].value})
    for poison in poisons.values():
        if (
            poison.kind == "local file"
            and poison.option not in {*FOLDERS, "bundle_path"}
            and poison.value.startswith("/")
        ):
            text = answers.KEY if poison.option.endswith("_repository_key") else answers.CERTIFICATE
            Path(poison.value).write_text(text + sinks.content_of(poison))


def record(role: str, run: Run, turn: int, tmp: Path) -> tuple[list[dict[str, Any]], dict[str, values.Poison], str]:
    """Run a role on hostile values; return what its tasks were told, with what, and what Ansible said if it failed."""
    settings = json.dumps(run.settings)
    named = [(name, spec) for option, top in values.options(role).items() for name, spec in values.leaves(option, top)]
    poisons = {
        name: values.poison(name, spec, number, tmp, turn)
        for number, (name, spec) in enumerate(named, 11)
        if name.partition(".")[0] not in run.settings or f"@{name}@" in settings
    }
    lay_files(poisons)
    given = {option: build(spec, option, poisons) for option, spec in values.options(role).items()}
    given = {
        option: unsafe(value) for option, value in given.items() if value is not None and option not in run.settings
    }
    given |= unsafe(filled(run.settings, poisons))
    paths = [poison.value for poison in poisons.values()]
    world = {"modules": answers.modules(paths), "tasks": {**answers.TASKS, **run.tasks}}
    (tmp / "world.json").write_text(json.dumps(world))
    (tmp / "given.yml").write_text(yaml.dump(given, Dumper=_Dumper, allow_unicode=True))
    play = {"hosts": "localhost", "gather_facts": False, "vars_files": ["given.yml"]}
    play["tasks"] = [{"ansible.builtin.import_role": {"name": role, "tasks_from": run.tasks_from}}]
    (tmp / "play.yml").write_text(yaml.safe_dump([play]))
    done = subprocess.run(
        [
            sys.executable,
            str(values.ROOT / "tests/unit/hostile/record.py"),
            "world.json",
            "records",
            "-c",
            "local",
            "-i",
            "localhost,",
            "play.yml",
        ],
        cwd=tmp,
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(values.ROOT / "ansible.cfg"),
            "ANSIBLE_CACHE_PLUGIN": "memory",
            "ANSIBLE_NOCOLOR": "1",
        },
    )
    told = (
        [json.loads(line) for line in (tmp / "records").read_text().splitlines()] if (tmp / "records").exists() else []
    )
    return told, poisons, "" if done.returncode == 0 else done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.parametrize("turn", range(len(values.BEFORE)))
@pytest.mark.parametrize("role", values.ROLES)
def test_what_a_role_accepts_arrives_whole_wherever_it_is_used(role: str, turn: int, tmp_path: Path) -> None:
    found, reached = [], set(UNSEEN)
    wanted = {
        name
        for option, spec in values.options(role).items()
        for name, leaf in values.leaves(option, spec)
        if not HARMLESS.fullmatch(values.poison(name, leaf, 7, tmp_path, turn).value)
    }
    runs = RUNS.get(role, [Run()])
    for number, run in enumerate(runs if turn == 0 else runs[:1]):
        folder = tmp_path / str(number)
        folder.mkdir()
        told, poisons, failure = record(role, run, turn, folder)
        assert not failure or (run.ends and run.ends in failure), failure
        for each in told:
            found += sinks.faults(each, list(poisons.values()))
            reached |= sinks.seen(each, list(poisons.values()))
    assert not found, "\n".join(dict.fromkeys(found))
    assert turn or wanted <= reached, (
        f"no task was seen with {wanted - reached}: lead a run there (tests/unit/hostile/runs.py)"
    )
