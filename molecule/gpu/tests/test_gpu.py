"""Cards as models will find them: on the host, in containers, and in the summary for later stages."""

from __future__ import annotations

import json

TOOLKIT = [
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
]


def test_the_driver_runs_with_both_cards(host) -> None:
    assert host.check_output("nvidia-smi -L").count("GPU ") == 2


def test_a_container_sees_them(host) -> None:
    seen = host.check_output("docker run --rm --gpus all --entrypoint nvidia-smi probe:test -L")
    assert "in a container" in seen
    assert host.run("docker run --rm --runtime nvidia --entrypoint /usr/bin/sleep probe:test 0").rc == 0


def test_a_model_that_lost_its_card_has_it_again(host) -> None:
    assert "in a container" in host.check_output("docker exec model nvidia-smi -L")


def test_other_people_s_container_was_not_stopped(host) -> None:
    assert host.check_output("docker inspect --format '{{.State.Running}} {{.RestartCount}}' bystander") == "true 0"


def test_other_people_s_settings_are_still_there(host) -> None:
    settings = json.loads(host.file("/etc/docker/daemon.json").content_string)
    assert settings["shutdown-timeout"] == 20
    assert settings["features"] == {"cdi": True}
    assert settings["runtimes"] == {
        "other": {"path": "/usr/sbin/runc"},
        "nvidia": {"path": "nvidia-container-runtime", "args": []},
    }
    assert {"other", "nvidia"} <= set(json.loads(host.check_output("docker info --format '{{json .Runtimes}}'")))


def test_the_toolkit_is_one_version_and_stays(host) -> None:
    for name in TOOLKIT:
        assert host.package(name).version == "1.20.0-1"
        assert "Candidate: 1.20.0-1" in host.check_output(f"apt-cache policy {name}")
    upgrade = host.check_output("apt-get --simulate dist-upgrade")
    assert "nvidia" not in upgrade, upgrade


def test_the_toolkit_s_repository_is_named_once_with_its_own_key(host) -> None:
    listed = host.check_output("grep --recursive --files-with-matches nvidia/toolkit /etc/apt")
    assert listed == "/etc/apt/sources.list.d/nvidia-container-toolkit.sources"
    entry = host.file(listed).content_string
    assert "Signed-By: /etc/apt/keyrings/nvidia-container-toolkit.asc" in entry


def test_cuda_never_brings_a_driver(host) -> None:
    policy = host.check_output("apt-cache policy nvidia-driver-cuda")
    assert "Candidate: 580.105.08-1" in policy
    assert "595.10.01-1 -1" in policy


def test_nvcc_is_found_by_login_shells(host) -> None:
    assert "release 13.0" in host.check_output("bash --login -c 'nvcc -V'")
    assert host.check_output("bash --login -c 'echo x$LD_LIBRARY_PATH'") == "x"


def test_cards_stay_when_systemd_reloads(host) -> None:
    assert host.file("/dev/char/195:255").is_symlink
    assert "create-dev-char-symlinks" in host.file("/etc/udev/rules.d/71-annotation-server-nvidia.rules").content_string


def test_the_summary_tells_what_is_there_and_why(host) -> None:
    summary = json.loads(host.file("/var/lib/annotation-server/gpu.json").content_string)
    assert summary["used"] is True
    assert [each["architecture"] for each in summary["devices"]] == ["Ada", "Ampere"]
    assert summary["driver"]["loaded"] == summary["driver"]["installed"] == "580.105.08"
    assert (summary["driver"]["modules"], summary["toolkit"], summary["cuda"]) == ("open", "1.20.0-1", "13.0.48")
    assert "NVIDIA recommends" in summary["driver"]["decision"]
