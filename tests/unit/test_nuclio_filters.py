"""The filters of the role nuclio_functions: the user's list, the tags of a run, and the final configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.annotation.server.plugins.filter import nuclio
from ansible_collections.annotation.server.plugins.plugin_utils import function_config, function_files
from ansible_collections.annotation.server.plugins.plugin_utils.function_list import merge
from hypothesis import given
from hypothesis import strategies as st

REPOSITORY = Path(__file__).parents[2]
CATALOGUE: dict[str, Any] = {
    "sam2": {
        "source": "sam2/nuclio",
        "cpu": {"config_file": "function.yaml", "checkpoint": {"url": "https://x/tiny.pt", "sha256": "1" * 64}},
        "gpu": {"config_file": "function-gpu.yaml", "checkpoint": {"url": "https://x/large.pt", "sha256": "2" * 64}},
    },
    "sam1": {"source": "cvat:serverless/sam", "id": "pth-sam"},
}
SETTINGS = {"network": "cvat_cvat", "image_prefix": "", "max_body_bytes": 1024}
FUNCTION = {"name": "f", "id": "f", "config_file": "function.yaml"}
BASE: dict[str, Any] = {
    "metadata": {"name": "f", "namespace": "cvat", "annotations": {"type": "interactor"}},
    "spec": {
        "env": [{"name": "A", "value": "1"}],
        "build": {"baseImage": "python:3.11", "directives": {"preCopy": [{"kind": "RUN", "value": "pip install x"}]}},
        "triggers": {"mine": {"kind": "http", "maxWorkers": 3, "attributes": {"port": 32000, "maxRequestBodySize": 1}}},
        "resources": {"limits": {"memory": "1G"}},
    },
}


def resolve(*functions: dict, gpu: bool = False) -> list[dict]:
    return nuclio.nuclio_resolve(functions, CATALOGUE, gpu)


def config(function: dict | None = None, **settings: Any) -> dict:
    return function_config.nuclio_config(BASE, {**FUNCTION, **(function or {})}, {**SETTINGS, **settings})


def test_a_name_is_enough() -> None:
    (entry,) = resolve({"name": "sam2"})
    assert (entry["id"], entry["device"], entry["config_file"], entry["skip"]) == ("sam2", "cpu", "function.yaml", "")


def test_the_gpu_is_taken_when_there_is_one() -> None:
    (entry,) = resolve({"name": "sam2"}, gpu=True)
    assert (entry["device"], entry["config_file"]) == ("gpu", "function-gpu.yaml")
    assert entry["checkpoint"]["sha256"] == "2" * 64


def test_without_a_gpu_the_cpu_serves_or_the_function_is_left_out() -> None:
    assert resolve({"name": "sam2", "device": "gpu"})[0]["device"] == "cpu"
    assert "needs a GPU" in resolve({"name": "x", "source": "x", "gpu": {}})[0]["skip"]
    assert (
        "no configuration for the CPU"
        in resolve({"name": "x", "source": "x", "gpu": {}, "device": "cpu"}, gpu=True)[0]["skip"]
    )


def test_the_user_counts_more_than_the_catalogue() -> None:
    mine = {"src": "/mine.pt", "sha256": "3" * 64}
    (entry,) = resolve({"name": "sam2", "checkpoint": mine, "env": {"A": "B"}})
    assert entry["checkpoint"] == mine
    (entry,) = resolve({"name": "sam2", "checkpoint": mine, "cpu": {"checkpoint": {}}})
    assert entry["checkpoint"] == {}


def test_unknown_and_doubled_functions_are_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="has no source"):
        resolve({"name": "sam3"})
    with pytest.raises(AnsibleFilterError, match="sam2 twice"):
        resolve({"name": "sam2"}, {"name": "other", "source": "x", "id": "sam2"})


def test_what_should_be_absent_needs_no_source() -> None:
    assert resolve({"name": "old", "state": "absent"})[0]["state"] == "absent"


@pytest.mark.parametrize(
    ("tags", "only", "expected"),
    [
        (["all"], "", ["sam2", "pth-sam"]),
        (["models"], "", ["sam2", "pth-sam"]),
        (["models", "sam2"], "", ["sam2", "pth-sam"]),
        (["nuclio_functions_run"], "", ["sam2", "pth-sam"]),
        (["sam2"], "", ["sam2"]),
        (["sam1"], "", ["pth-sam"]),
        (["pth-sam"], "", ["pth-sam"]),
        (["segmentation"], "", ["pth-sam"]),
        (["yolov3"], "", []),
        (["all"], "sam2", ["sam2"]),
        (["all"], ["sam1", "sam2"], ["sam2", "pth-sam"]),
        (["sam2"], "sam1", ["pth-sam"]),
    ],
)
def test_tags_choose_functions(tags: list[str], only: Any, expected: list[str]) -> None:
    functions = resolve({"name": "sam2"}, {"name": "sam1", "tags": ["segmentation"]})
    chosen = nuclio.nuclio_select(functions, {**CATALOGUE, "yolov3": {}}, tags, only)
    assert [function["id"] for function in chosen] == expected


def test_an_unknown_function_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="no function called sam9; there are sam1, sam2"):
        nuclio.nuclio_select(resolve({"name": "sam2"}), CATALOGUE, ["all"], "sam9")


def test_functions_are_private_and_survive_a_reboot() -> None:
    spec = config()["spec"]
    assert spec["platform"]["attributes"]["network"] == "cvat_cvat"
    assert spec["platform"]["attributes"]["restartPolicy"] == {"name": "always", "maximumRetryCount": 0}
    attributes = spec["triggers"]["mine"]["attributes"]
    assert attributes == {"maxRequestBodySize": 1024, "disablePortPublishing": True}


def test_workers_have_their_new_name() -> None:
    assert config()["spec"]["triggers"]["mine"]["numWorkers"] == 3
    assert config({"workers": 2})["spec"]["triggers"]["mine"]["numWorkers"] == 2
    assert "maxWorkers" not in config()["spec"]["triggers"]["mine"]


def test_the_source_is_left_as_it_was() -> None:
    before = repr(BASE)
    config({"env": {"A": "2"}, "resources": {"limits": {"nvidia.com/gpu": 1}}}, ca_certificates=["/x.pem"])
    assert repr(BASE) == before


def test_options_are_laid_over_the_configuration() -> None:
    final = config(
        {"env": {"A": 2, "B": "x"}, "resources": {"limits": {"nvidia.com/gpu": 1}}, "annotations": {"name": "N"}}
    )
    assert final["spec"]["env"] == [{"name": "A", "value": "2"}, {"name": "B", "value": "x"}]
    assert final["spec"]["resources"]["limits"] == {"memory": "1G", "nvidia.com/gpu": 1}
    assert final["metadata"]["annotations"] == {"type": "interactor", "name": "N"}
    assert "namespace" not in final["metadata"]


def test_a_mirror_stands_before_the_base_image_once() -> None:
    assert config(image_prefix="m:5000/")["spec"]["build"]["baseImage"] == "m:5000/python:3.11"
    assert config({"base_image": "m:5000/a"}, image_prefix="m:5000/")["spec"]["build"]["baseImage"] == "m:5000/a"


def test_an_image_that_is_built_here_has_no_mirror() -> None:
    function = {**FUNCTION, "builds": [{"name": "python:3.11", "source": "cvat:x"}]}
    assert config(function, image_prefix="m/")["spec"]["build"]["baseImage"] == "python:3.11"
    assert function_files.nuclio_builds(function, "/opt/cvat") == [{"name": "python:3.11", "path": "/opt/cvat/x"}]


def test_what_comes_with_cvat_keeps_its_ids() -> None:
    variables = yaml.safe_load((REPOSITORY / "roles/nuclio_functions/vars/main.yml").read_text())
    catalogue = variables["__nuclio_functions_catalogue"]
    names = ("yolov3", "dextr", "sam1")
    resolved = {entry["name"]: entry for entry in nuclio.nuclio_resolve([{"name": n} for n in names], catalogue, True)}
    assert {name: resolved[name]["id"] for name in names} == {
        "yolov3": "openvino-omz-public-yolo-v3-tf",
        "dextr": "openvino-dextr",
        "sam1": "pth-facebookresearch-sam-vit-h",
    }
    assert resolved["sam1"]["config_file"] == "function-gpu.yaml"
    # As CVAT's deploy_cpu.sh: the base of all, then one named after the function's folder.
    for name in ("yolov3", "dextr"):
        folder = resolved[name]["source"].removeprefix("cvat:serverless/").removesuffix("/nuclio")
        assert [build["name"] for build in resolved[name]["builds"]] == [
            "cvat.openvino.base",
            f"cvat.{folder.replace('/', '.')}.base",
        ]


def directives(**settings: Any) -> list[str]:
    return [f"{d['kind']} {d['value']}" for d in config(**settings)["spec"]["build"]["directives"]["preCopy"]]


def test_the_index_and_proxies_count_before_anything_is_downloaded() -> None:
    lines = directives(
        pip_index_url="http://m:3141/simple", torch_index_url="https://t/cpu", https_proxy="http://p:3128"
    )
    assert 'ARG PIP_INDEX_URL="http://m:3141/simple"' in lines
    assert 'ARG PIP_TRUSTED_HOST="m"' in lines
    assert 'ARG TORCH_INDEX_URL="https://t/cpu"' in lines
    assert 'ARG https_proxy="http://p:3128"' in lines
    assert lines[-1] == "RUN pip install x"


def test_an_argument_of_the_function_itself_is_given_another_default() -> None:
    base = {
        "spec": {"build": {"directives": {"preCopy": [{"kind": "ARG", "value": "PIP_INDEX_URL=https://pypi.org"}]}}}
    }
    final = function_config.nuclio_config(base, FUNCTION, {**SETTINGS, "pip_index_url": "https://mine"})
    assert final["spec"]["build"]["directives"]["preCopy"] == [{"kind": "ARG", "value": 'PIP_INDEX_URL="https://mine"'}]


def test_certificate_authorities_come_first() -> None:
    lines = directives(ca_certificates=["/etc/ca.pem"])
    assert lines[0].startswith("COPY handler/.certificates/ ")
    assert 'ARG PIP_CERT="/etc/ssl/certs/ca-certificates.crt"' in lines


def test_nothing_is_added_when_nothing_is_set() -> None:
    assert directives() == ["RUN pip install x"]


# The build steps of CVAT's SAM 1, as they were in 2025.
SAM1_STEPS = (
    "pip3 install torch torchvision torchaudio pycocotools matplotlib onnxruntime onnx",
    "pip3 install git+https://github.com/facebookresearch/segment-anything.git",
    "curl -O https://dl.fbaipublicfiles.com/segment_anything/sam_vit_h_4b8939.pth",
)


def sam1(steps: tuple[str, ...] = SAM1_STEPS, gpu: bool = True, **settings: Any) -> list[str]:
    catalogue = yaml.safe_load((REPOSITORY / "roles/nuclio_functions/vars/main.yml").read_text())
    function = nuclio.nuclio_resolve([{"name": "sam1"}], catalogue["__nuclio_functions_catalogue"], gpu)[0]
    own = {"spec": {"build": {"directives": {"preCopy": [{"kind": "RUN", "value": step} for step in steps]}}}}
    final = function_config.nuclio_config(own, function, {**SETTINGS, **settings})
    return [f"{d['kind']} {d['value']}" for d in final["spec"]["build"]["directives"]["preCopy"]]


def test_a_build_of_cvat_fetches_no_branch_that_moves() -> None:
    fixed = "segment-anything.git@dca509fe793f601edb92606367a655c15ac00fdf"
    assert sam1() == [f"RUN {SAM1_STEPS[0]}", f"RUN {SAM1_STEPS[1].replace('segment-anything.git', fixed)}"]


def test_what_cvat_pins_itself_is_left_alone() -> None:
    steps = (f"{SAM1_STEPS[1]}@0123abc", f"{SAM1_STEPS[1]}#egg=x", f"{SAM1_STEPS[2]} && sha256sum --check sums")
    assert sam1(steps) == [f"RUN {step}" for step in steps]


def test_weights_of_cvat_s_functions_lie_where_their_build_would_download_them() -> None:
    catalogue = yaml.safe_load((REPOSITORY / "roles/nuclio_functions/vars/main.yml").read_text())
    function = nuclio.nuclio_resolve([{"name": "sam1"}], catalogue["__nuclio_functions_catalogue"], False)[0]
    parts = function_files.nuclio_parts(function, "/src", "/opt/cvat", "/w")
    # Nuclio lays the folder into the image at /opt/nuclio, and CVAT's handler reads /opt/nuclio/sam.
    assert [part["dest"] for part in parts["remote_parts"]] == ["", "sam/sam_vit_h_4b8939.pth"]


def test_pytorch_of_cvat_s_functions_suits_the_cards() -> None:
    index = "https://download.pytorch.org/whl/cu126"
    assert sam1(torch_build="cu126")[0] == f'ARG PIP_EXTRA_INDEX_URL="{index}"'
    assert f'ARG PIP_EXTRA_INDEX_URL="{index}"' not in sam1(gpu=False, torch_build="cu126")
    assert 'ARG PIP_EXTRA_INDEX_URL="http://m/cpu"' in sam1(gpu=False, torch_index_url="http://m/cpu")
    assert not any("EXTRA" in line for line in directives(torch_build="cu126"))


def test_what_is_no_configuration_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="has no spec"):
        function_config.nuclio_config({"metadata": {}}, FUNCTION, SETTINGS)


MAPPINGS = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(st.sampled_from("abc"), MAPPINGS), st.dictionaries(st.sampled_from("abc"), MAPPINGS))
def test_merging_keeps_every_key_and_the_upper_value(base: dict, over: dict) -> None:
    merged = merge(base, over)
    assert merged.keys() == base.keys() | over.keys()
    assert merge(merged, over) == merged
    assert merge(base, {}) == base


def test_parts_say_where_files_come_from() -> None:
    checkpoint = {"url": "https://x/tiny.pt", "sha256": "1" * 64}
    function = {
        "source": "cvat:serverless/sam",
        "include": [{"src": "shared", "dest": "shared"}, {"src": "/abs"}],
        "checkpoint": checkpoint,
    }
    parts = nuclio.nuclio_parts(function, "/project/functions", "/opt/cvat", "/opt/weights", ["/etc/my-ca.pem"])
    assert parts["parts"] == [
        {"src": "/project/functions/shared", "dest": "shared"},
        {"src": "/abs", "dest": ""},
        {"src": "/etc/my-ca.pem", "dest": ".certificates/00-my-ca.crt"},
    ]
    assert parts["remote_parts"] == [
        {"src": "/opt/cvat/serverless/sam", "dest": ""},
        {"src": "/opt/weights/111111111111-tiny.pt", "dest": "tiny.pt", "link": True, "sha256": "1" * 64},
    ]


def test_problems_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    function: dict[str, Any] = {
        "name": "f",
        "id": "F_1",
        "source": "there",
        "config_file": "function.yaml",
        "checkpoint": {"url": "x"},
    }
    function |= {"include": [{"src": "gone"}, {"src": "cvat:x"}], "builds": [{"name": "base", "source": "there"}]}
    found = nuclio.nuclio_problems([function], str(tmp_path), "")
    text = "\n".join(found)
    assert len(found) == 6
    for words in (
        "small letters",
        "function.yaml does not exist",
        "gone does not exist",
        "nuclio_functions_cvat_dir",
        "the source of base",
        "sha256",
    ):
        assert words in text


WISH = {"name": "sam2", "context": "/o/sam2", "files": {"main.py": "1"}, "config": {"spec": {}}, "builds": []}
OUTCOME = {"name": "sam2", "needed": True, "reasons": ["new"], "image": "made/sam2", "seconds": 61.04, "error": ""}


def test_wishes_are_what_the_modules_take() -> None:
    functions = [{"id": "sam2"}, {"id": "comes-with-cvat"}]
    files, configs = {"sam2": WISH["files"]}, {"sam2": WISH["config"]}
    assert nuclio.nuclio_wishes(functions, files, configs, "/o", "") == [WISH]


def test_only_what_needs_something_and_was_built_is_deployed() -> None:
    (todo,) = nuclio.nuclio_todo([WISH], [OUTCOME], [{"id": "sam2", "trial": False}])
    assert (todo["image"], todo["built_seconds"], todo["trial"]) == ("made/sam2", 61.04, False)
    assert not nuclio.nuclio_todo([WISH], [{**OUTCOME, "needed": False}], [{"id": "sam2"}])
    assert not nuclio.nuclio_todo([WISH], [{**OUTCOME, "error": "no"}], [{"id": "sam2"}])


def test_steps_in_words() -> None:
    assert nuclio.nuclio_steps({}) == ""
    steps = {"trying": 4.21, "loading": 2.5, "switching": 5}
    assert nuclio.nuclio_steps(steps, 61.04) == (
        " It took: building 61.0 s, trying 4.2 s, switching 5.0 s (of which loading the model 2.5 s)."
    )


def test_what_went_wrong_is_told_for_each_function() -> None:
    built = [{**OUTCOME, "error": "pip: no"}, {**OUTCOME, "name": "sam1"}]
    wrong = nuclio.nuclio_wrong(built, [{"failed": True, "msg": "sam1 does not start"}, {"changed": True}])
    assert wrong == [
        "The image of sam2 could not be built; what served before goes on serving.\npip: no",
        "sam1 does not start",
    ]


def test_removal_by_name_is_about_nothing_else() -> None:
    listed = [{"id": "sam2", "name": "sam2", "skip": ""}, {"id": "x", "name": "sam1", "skip": "no GPU"}]
    catalogue = {"sam2": {}, "yolov3": {"id": "openvino-yolo"}}
    gone = nuclio.nuclio_select(listed, catalogue, ["models"], remove="sam1,left-the-list,yolov3")
    assert [function["id"] for function in gone] == ["left-the-list", "x", "openvino-yolo"]
    assert {function["state"] for function in gone} == {"absent"}
    assert all(not function["skip"] for function in gone)


def test_base_images_that_are_known_before_cvat_is_there(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "function.yaml").write_text("spec: {build: {baseImage: 'python:3.11'}}")
    common = {"config_file": "function.yaml"}
    functions = [
        {"source": "own", **common},
        {"source": "own", "base_image": "m:5000/other:1", **common},
        {"source": "cvat:serverless/x", **common},
        {"source": "cvat:serverless/y", "base_image": "made.base", "builds": [{"name": "made.base"}], **common},
    ]
    assert nuclio.nuclio_base_images(functions, str(tmp_path), "m:5000/") == ["m:5000/other:1", "m:5000/python:3.11"]


def test_numbers_in_cvats_own_files_become_text() -> None:
    config = {
        "metadata": {"annotations": {"version": 2, "min_pos_points": 4, "spec": None, "startswith_box": True}},
        "spec": {"env": [{"name": "THREADS", "value": 4}, {"name": "SECRET", "valueFrom": {"secretKeyRef": {}}}]},
    }
    function = {"id": "x", "name": "x", "config_file": "function.yaml", "env": {"FAST": True}}
    final = function_config.nuclio_config(config, function, SETTINGS)
    expected = {"version": "2", "min_pos_points": "4", "spec": "", "startswith_box": "true"}
    assert final["metadata"]["annotations"] == expected
    assert [item.get("value") for item in final["spec"]["env"]] == ["4", None, "true"]


def test_configurations_come_from_cvat_or_from_here(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "function.yaml").write_text("spec: {handler: here}")
    common = {"config_file": "function.yaml"}
    functions = [
        {"id": "own", "name": "own", "source": "own", **common},
        {"id": "theirs", "name": "theirs", "source": "cvat:serverless/x", **common},
    ]
    configs = nuclio.nuclio_configs(functions, {"theirs": "spec: {handler: there}"}, str(tmp_path), SETTINGS)
    assert {name: config["spec"]["handler"] for name, config in configs.items()} == {"own": "here", "theirs": "there"}
    with pytest.raises(AnsibleFilterError, match="of theirs is no YAML"):
        nuclio.nuclio_configs(functions, {"theirs": "a: [b"}, str(tmp_path), SETTINGS)


@pytest.mark.parametrize("where", ["its own file", "the list", "the options for the CPU"])
def test_no_variable_ends_the_quotes_that_nuctl_puts_around_it(where: str) -> None:
    own = {"spec": {"env": [{"name": "A", "value": "it's" if where == "its own file" else "b"}]}}
    entry: dict[str, Any] = {"name": "f", "id": "f", "config_file": "function.yaml"}
    if where != "its own file":
        entry["env"] = {"A": "it's"}
    with pytest.raises(AnsibleFilterError, match="f: the environment variable A holds a single quote"):
        function_config.nuclio_config(own, entry, {"max_body_bytes": 1, "network": "n"})
