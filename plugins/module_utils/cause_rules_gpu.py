"""What can be wrong with the GPU: the driver, and cards that models lost.

Each rule is a pure function from facts (see ``cause_facts``) to causes.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.annotation.server.plugins.module_utils.causes import Cause, Facts, Rule, line


def gpu_driver(facts: Facts) -> Iterator[Cause]:
    """A driver that does not run, or runs in another version than its libraries."""
    gpu = facts["gpu"] or {"used": False}
    if not gpu["used"] or gpu["smi"] == 0:
        return
    seen = [f"nvidia-smi: {line(gpu['said'])}"] if gpu["said"] else []
    differ = gpu["loaded"] and gpu["installed"] and gpu["loaded"] != gpu["installed"]
    seen += [f"/sys/module/nvidia/version: {gpu['loaded']}; modinfo: {gpu['installed']}"] if differ else []
    if differ or "version mismatch" in gpu["said"].lower():
        problem, cure = (
            "The NVIDIA driver that runs is not the one that is installed.",
            "Reboot the server; until then nothing uses the GPU.",
        )
    elif not gpu["loaded"]:
        problem, cure = (
            "The NVIDIA driver is not loaded.",
            "Run site.yml with --tags gpu; it says whether a reboot is needed.",
        )
    else:
        problem, cure = (
            "The NVIDIA driver does not reach the card.",
            "See 'dmesg | grep -i nvrm'; run site.yml with --tags gpu.",
        )
    yield Cause(
        key="gpu.driver",
        problem=problem,
        evidence=tuple(seen),
        effect="Models on the GPU do not start or end with errors of CUDA.",
        cure=cure,
        explains=("gpu.lost", "sign:no_gpu", "host.reboot"),
    )


def gpu_lost(facts: Facts) -> Iterator[Cause]:
    """Models from which the cards were taken while they ran (after 'systemctl daemon-reload')."""
    lost = facts["gpu_lost"]
    if lost:
        yield Cause(
            key="gpu.lost",
            problem=f"{', '.join(lost)} lost the GPU while running.",
            evidence=tuple(f"nvidia-smi in {name}: {line(said)}" for name, said in lost.items()),
            effect="These models end with errors of CUDA, or become very slow.",
            cure=f"docker restart {' '.join(lost)}.",
            explains=tuple(f"model.*.{name.removeprefix('nuclio-nuclio-')}" for name in lost),
        )


RULES: tuple[Rule, ...] = (gpu_driver, gpu_lost)
