"""What nuctl makes of a configuration, before Docker comes into play."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from nuclio_local import deploy_options, flags, functionconfig, functions, image_builder, render
from nuclio_local.errors import NuclioError


def configuration(folder: Path, text: str, *arguments: str) -> dict[str, Any]:
    """The configuration of a deploy of a function.yaml."""
    (folder / "function.yaml").write_text(text)
    options = flags.parser().parse_args(["deploy", "--path", str(folder), *arguments])
    config = deploy_options.configuration(options, "nuclio")
    deploy_options.apply(options, config)
    functionconfig.enrich(config)
    return config


def options_of(config: dict[str, Any]) -> list[str]:
    """The options of `docker run` for it."""
    return functions._run_options(config, previous_port=0)


FUNCTION = """
metadata: {name: f, namespace: cvat}
spec:
  runtime: python:3.11
  env: [{name: A, value: "1"}]
  triggers: {web: {kind: http, maxWorkers: 3}}
  platform: {attributes: {network: cvat_cvat, restartPolicy: {name: always, maximumRetryCount: 0}}}
"""


def test_max_workers_is_an_older_word_for_num_workers(tmp_path: Path) -> None:
    trigger = functionconfig.http_trigger(configuration(tmp_path, FUNCTION)["spec"])
    assert trigger["numWorkers"] == 3
    assert "maxWorkers" not in trigger


def test_a_function_without_an_http_trigger_gets_one(tmp_path: Path) -> None:
    spec = configuration(tmp_path, "metadata: {name: f}\nspec: {}\n")["spec"]
    assert functionconfig.http_trigger(spec)["numWorkers"] == 1


def test_flags_are_added_to_the_file(tmp_path: Path) -> None:
    config = configuration(
        tmp_path, FUNCTION, "--env", "B=2=3", "--volume", "/host:/in", "--platform-config", '{"attributes": {"x": 1}}'
    )
    options = options_of(config)
    assert {"--env=A=1", "--env=B=2=3", "--volume=/host:/in", "--network=cvat_cvat"} <= set(options)
    assert functionconfig.platform_attributes(config["spec"])["x"] == 1


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [("{}", "--publish=8080"), ("{port: 31000}", "--publish=31000:8080"), ("{disablePortPublishing: true}", None)],
)
def test_ports(tmp_path: Path, attributes: str, expected: str | None) -> None:
    text = FUNCTION.replace("maxWorkers: 3", f"attributes: {attributes}")
    published = [option for option in options_of(configuration(tmp_path, text)) if option.startswith("--publish")]
    assert published == ([expected] if expected else [])


@pytest.mark.parametrize("count", ["1", "8"])
def test_any_number_of_gpus_means_all(tmp_path: Path, count: str) -> None:
    assert "--gpus=all" in options_of(configuration(tmp_path, FUNCTION, "--resource-limit", f"nvidia.com/gpu={count}"))


def test_no_gpu_by_default(tmp_path: Path) -> None:
    assert "--gpus=all" not in options_of(configuration(tmp_path, FUNCTION))


@pytest.mark.parametrize("policy", ["always", "on-failure"])
def test_restart_policy(tmp_path: Path, policy: str) -> None:
    config = configuration(tmp_path, FUNCTION.replace("always", policy))
    assert f"--restart={policy}" in options_of(config)


def test_the_user_of_the_security_context_runs_the_function(tmp_path: Path) -> None:
    config = configuration(tmp_path, FUNCTION + "  securityContext: {runAsUser: 1000, runAsGroup: 1001}\n")
    assert "--user=1000:1001" in options_of(config)


@pytest.mark.parametrize("text", ["spec: {env: [{name: A, value: 1}]}", "metadata: {annotations: {a: true}}"])
def test_text_fields_take_only_text(tmp_path: Path, text: str) -> None:
    with pytest.raises(NuclioError, match="Failed parsing"):
        configuration(tmp_path, text)


def test_commands_win_over_directives() -> None:
    given = {"kind": "ENV", "value": "A=1"}
    assert image_builder.directives({"directives": {"preCopy": [given]}}) == (["ENV A=1"], [])
    commands = ["a \\", "b", "@nuclio.postCopy", "c"]
    settings = {"commands": commands, "directives": {"preCopy": [given]}}
    assert image_builder.directives(settings) == (["RUN a b"], ["RUN c"])


def test_a_mirror_for_the_onbuild_image(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "nuclio/handler-builder-python-onbuild:1.16.3-amd64"
    assert image_builder.onbuild_image({}) == f"quay.io/{name}"
    monkeypatch.setenv("NUCLIO_DASHBOARD_DEFAULT_ONBUILD_REGISTRY_URL", "mirror:5000/quay.io")
    assert image_builder.onbuild_image({}) == f"mirror:5000/quay.io/{name}"
    assert image_builder.onbuild_image({"onbuildImage": "x:{{ .Label }}-{{ .Arch }}"}) == "x:1.16.3-amd64"


def test_a_mirror_for_base_images_replaces_all_before_the_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"baseImage": "docker.io/library/python:3.11"}
    assert image_builder.base_image(settings, "python:3.11") == "docker.io/library/python:3.11"
    monkeypatch.setenv("NUCLIO_DASHBOARD_DEFAULT_BASE_REGISTRY_URL", "mirror:5000/")
    assert image_builder.base_image(settings, "python:3.11") == "mirror:5000/python:3.11"


@pytest.mark.parametrize("arguments", [["get"], ["get", "function", "--what"], ["fly"]])
def test_a_wrong_command_line_ends_with_1(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        flags.parser().parse_args(arguments)
    assert ended.value.code == 1


def test_flags_may_stand_before_and_after_the_command() -> None:
    for arguments in (["-n", "a", "get", "fu", "f"], ["get", "functions", "f", "--namespace", "a"]):
        options = flags.parser().parse_args(arguments)
        assert (options.namespace, options.kind, options.name) == ("a", "functions", "f")


def test_tables_line_up() -> None:
    assert render.table(["A", "LONG"], [["wide", 1]]) == " A    | LONG \n wide | 1    \n"


def test_nuctl_is_one_file_and_the_same_each_time(tmp_path: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parents[2] / "stand_ins/nuclio"))
    import build_nuctl

    build_nuctl.build(tmp_path / "one")
    build_nuctl.build(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").stat().st_mode & 0o111
