"""What to do about the NVIDIA driver of a host. Pure functions; each decision ends in a sentence for people."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import nvidia_devices, nvidia_packages, nvidia_reboot
from ansible_collections.annotation.server.plugins.module_utils.nvidia_packages import numbers

Plan = dict[str, Any]


def answer(action: str, reason: str, **more: Any) -> Plan:
    """Put a plan together; ``action`` is skip, keep, install, replace or refuse."""
    nothing = {
        "source": "",
        "branch": 0,
        "modules": "",
        "packages": [],
        "kernel_packages": [],
        "folder": "",
        "built": False,
        "notes": [],
    }
    return {"action": action, "reason": reason, **nothing, **more}


def refuse(reason: str) -> Plan:
    """Return the plan to do nothing and say why."""
    return answer("refuse", f"{reason} Nothing was changed.")


def plan(host: dict[str, Any], wish: dict[str, Any]) -> Plan:
    """Decide between skip, keep, install, replace and refuse.

    Args:
        host: what the module ``nvidia_probe`` returns.
        wish: source (auto, distribution, nvidia, none), branch (digits, or empty), modules (auto, open, proprietary),
            minimum (a version), secure_boot_ok.

    Returns:
        action and reason; for install and replace also source, branch, modules (open or proprietary), packages,
        kernel_packages (modules and headers of kernels, which not every archive has), folder (of NVIDIA's repository),
        built (whether dkms builds the modules) and notes (sentences worth showing).
    """
    system = host["system"]
    if system["wsl"]:
        if host["wsl_library"]:
            return answer("skip", "This is WSL2: the driver comes from Windows, and none is installed here.")
        return refuse(
            "This is WSL2, and Windows gives it no GPU (/usr/lib/wsl/lib/libcuda.so.1 is missing). Install NVIDIA's "
            "driver in Windows, run 'wsl --update' and 'wsl --shutdown' there, and run again."
        )
    if not host["devices"]:
        return answer("skip", "This host has no NVIDIA device.")
    devices = nvidia_devices.usable(host["devices"])
    if not devices:
        slots = ", ".join(each["slot"] for each in host["devices"])
        return answer("skip", f"Every NVIDIA device of this host ({slots}) is kept for virtual machines (vfio-pci).")
    if wish["source"] == "none":
        return plan_foreign(host, wish)
    if (system["id"], system["version"]) not in nvidia_packages.FOLDERS:
        past = (
            " It is past its support."
            if (system["id"], system["version"]) in (("ubuntu", "20.04"), ("debian", "11"))
            else ""
        )
        return refuse(
            f"{system['name']} has no driver packages that this role knows (Ubuntu 22.04 and 24.04, Debian 12 and 13 "
            f"have).{past}"
        )
    if host["runfile"]:
        return refuse(
            f"The driver {host['loaded'] or host['module']['version'] or 'of this host'} was installed by NVIDIA's "
            ".run file, which packages must not be mixed with. Either remove it (nvidia-uninstall, then reboot) and "
            "run again, or keep it and set nvidia_driver_source: none."
        )
    return plan_packages(host, devices, wish)


def plan_foreign(host: dict[str, Any], wish: dict[str, Any]) -> Plan:
    """Decide for a driver that somebody else looks after: it must be there, and new enough."""
    found = host["loaded"] or host["module"]["version"]
    if found and numbers(found) >= numbers(wish["minimum"]):
        return answer(
            "keep", f"nvidia_driver_source is none: the driver {found} is left as it is.", branch=numbers(found)[0]
        )
    return refuse(
        f"nvidia_driver_source is none, and {'no driver' if not found else 'the driver ' + found} is there; at least "
        f"{wish['minimum']} is needed. Install it your way, or set nvidia_driver_source: auto."
    )


def settle_branch(system: dict[str, Any], wish: dict[str, Any], have: int) -> tuple[int, list[str]]:
    """Return the branch that is wanted, and what the user should know about it."""
    if not wish["branch"]:
        if have:
            return have, []
        own = nvidia_packages.DEBIAN_BRANCHES.get(system["version"]) if system["id"] == "debian" else None
        if own and (wish["source"] == "distribution" or (system["version"] == "12" and wish["source"] == "auto")):
            return own, [f"{system['name']} has the driver of branch {own}, in one branch only."]
        return nvidia_packages.DEFAULT_BRANCH, []
    branch = int(wish["branch"])
    real = nvidia_packages.TRANSITIONAL.get(branch)
    if system["id"] == "ubuntu" and wish["source"] != "nvidia" and real:
        return real, [
            f"On Ubuntu {branch} is only a name for an empty package that brings branch {real}; {real} is taken."
        ]
    return branch, []


def settle_source(system: dict[str, Any], wish: dict[str, Any], branch: int) -> str:
    """Return ``distribution`` or ``nvidia``: the distribution's own packages wherever they have the branch."""
    if wish["source"] != "auto":
        return str(wish["source"])
    if system["id"] == "ubuntu":
        return "distribution" if branch in nvidia_packages.UBUNTU_BRANCHES else "nvidia"
    return "distribution" if nvidia_packages.DEBIAN_BRANCHES[system["version"]] == branch else "nvidia"


def refused_source(system: dict[str, Any], source: str, branch: int, installed: dict[str, str]) -> str:
    """Return why a source cannot give a branch; empty when it can."""
    if (
        source == "distribution"
        and system["id"] == "debian"
        and nvidia_packages.DEBIAN_BRANCHES[system["version"]] != branch
    ):
        own = nvidia_packages.DEBIAN_BRANCHES[system["version"]]
        return (
            f"{system['name']} has branch {own} and no other; {branch} is asked for. Leave nvidia_driver_branch "
            "empty, or set nvidia_driver_source: nvidia for NVIDIA's own repository."
        )
    if source == "distribution" and system["id"] == "ubuntu" and branch not in nvidia_packages.UBUNTU_BRANCHES:
        listed = ", ".join(map(str, nvidia_packages.UBUNTU_BRANCHES))
        return f"Ubuntu has the branches {listed}; {branch} is none of them. Leave nvidia_driver_branch empty for 580."
    flavour = nvidia_packages.kernel_flavour(system["kernel"])
    if source == "distribution" and system["id"] == "ubuntu" and flavour not in nvidia_packages.UBUNTU_FLAVOURS:
        return (
            f"Ubuntu has no prebuilt modules for the kernel {system['kernel']}. Boot one of Ubuntu's own kernels, or "
            "set nvidia_driver_source: nvidia to have them built on the host."
        )
    dkms = nvidia_packages.dkms_too_old(system, branch, installed) if source == "nvidia" else ""
    if dkms:
        wanted = ".".join(map(str, nvidia_packages.DKMS_NEEDED))
        return (
            f"NVIDIA's packages of branch {branch} need dkms {wanted} to build their modules; {system['name']} has "
            f"{dkms}. Leave nvidia_driver_branch empty for the distribution's own driver, or upgrade the host to "
            "Debian 13."
        )
    return ""


def plan_packages(host: dict[str, Any], devices: list[dict[str, Any]], wish: dict[str, Any]) -> Plan:
    """Decide for a host whose driver comes from packages, or will."""
    system, installed = host["system"], host["packages"]
    have = nvidia_packages.installed_branch(installed)
    branch, notes = settle_branch(system, wish, have)
    if have and branch < have:
        return refuse(
            f"Branch {have} of the driver is installed, and {branch} is asked for. A driver is not taken "
            f"back to an older "
            f'branch: set nvidia_driver_branch: "{have}" or leave it empty. To go back all the same, remove the '
            "installed "
            "driver first (apt purge '*nvidia*'), and reboot."
        )
    source = settle_source(system, wish, branch)
    is_kept = have == branch and (not wish["branch"] or source_of(installed, system) in ("", source))
    choice = nvidia_devices.choose(devices, wish["modules"], branch)
    if not choice.modules:
        hint = ""
        if (
            system["version"] == "12"
            and branch < nvidia_devices.FIRST_FOR_OPEN_ONLY
            and "needs branch" in choice.reason
        ):
            hint = " Debian 12 cannot build a newer driver: upgrade the host to Debian 13, or use Ubuntu."
        return refuse(choice.reason + hint)
    wrong = host["module"]["kind"] not in ("", choice.modules) and is_wrong(host["module"]["kind"], devices, wish)
    if is_kept and host["module"]["version"] and host["smi"] and not wrong and not nvidia_reboot.mismatch(host):
        return answer(
            "keep",
            f"The driver {host['module']['version']} is installed; {choice_kept(host, choice)}",
            branch=have,
            modules=host["module"]["kind"] or choice.modules,
            source=source_of(installed, system) or source,
        )
    why_not = refused_source(system, source, branch, installed)
    if why_not:
        return refuse(why_not)
    stopped = secure_boot(host, wish, source)
    if stopped:
        return refuse(stopped)
    names = nvidia_packages.packages(source, system, branch, choice.modules, installed)
    for_kernel = [name for name in names if name.endswith(f"-{system['kernel']}") or name.startswith("linux-headers-")]
    origin = "NVIDIA's repository" if source == "nvidia" else system["name"]
    verb = f"will replace {have}" if have and have != branch else ("will be repaired" if have else "will be installed")
    return answer(
        "replace" if have else "install",
        f"Driver branch {branch} from {origin} {verb}: {choice.reason}",
        source=source,
        branch=branch,
        modules=choice.modules,
        packages=[name for name in names if name not in for_kernel],
        kernel_packages=for_kernel,
        built=nvidia_packages.is_built_here(source, system),
        folder=nvidia_packages.FOLDERS[(system["id"], system["version"])] if source == "nvidia" else "",
        notes=[*notes, *secure_boot_note(host, source)],
    )


def choice_kept(host: dict[str, Any], choice: nvidia_devices.Choice) -> str:
    """Explain the modules of a driver that is kept."""
    kind = host["module"]["kind"]
    if kind in ("", choice.modules):
        return choice.reason
    return f"its {kind} kernel modules work with these devices too."


def is_wrong(kind: str, devices: list[dict[str, Any]], wish: dict[str, Any]) -> bool:
    """Tell whether installed modules of a kind cannot drive the devices, or are not the kind that was asked for."""
    if wish["modules"] != "auto":
        return kind != wish["modules"]
    needs = nvidia_devices.PROPRIETARY_ONLY if kind == "open" else nvidia_devices.OPEN_ONLY
    return any(nvidia_devices.architecture(each["device"]) in needs for each in devices)


def source_of(installed: dict[str, str], system: dict[str, Any]) -> str:
    """Return where an installed driver came from: ``nvidia``, ``distribution`` or nothing."""
    own = re.compile(
        r"^(nvidia-driver-cuda|nvidia-kernel-open-dkms|nvidia-open|cuda-drivers|nvidia-driver-pinning-\d+)$"
    )
    if any(own.match(name) for name in installed):
        return "nvidia"
    return "distribution" if nvidia_packages.installed_branch(installed) else ""


def secure_boot(host: dict[str, Any], wish: dict[str, Any], source: str) -> str:
    """Return why modules of a source would not be loaded under Secure Boot; empty when they would."""
    if host["secure_boot"] != "on" or not nvidia_packages.is_built_here(source, host["system"]):
        return ""
    if host["mok_enrolled"] or wish["secure_boot_ok"]:
        return ""
    signed = (
        "Set nvidia_driver_source: distribution for Ubuntu's signed modules; or "
        if host["system"]["id"] == "ubuntu"
        else "Either "
    )
    return (
        "Secure Boot is on, and the driver's modules would be built on this host and signed with a key that its "
        f"firmware does not know, so the kernel would refuse them. {signed}enrol the key of dkms (mokutil --import "
        "/var/lib/dkms/mok.pub, which asks for a password at the console of the next boot); or switch Secure Boot "
        "off."
    )


def secure_boot_note(host: dict[str, Any], source: str) -> list[str]:
    """Say why Secure Boot is no hindrance, where it is on and ``secure_boot`` found none."""
    if host["secure_boot"] != "on":
        return []
    if not nvidia_packages.is_built_here(source, host["system"]):
        return ["Secure Boot is on, and these modules come signed."]
    if host["mok_enrolled"]:
        return ["Secure Boot is on, and its firmware knows the key that dkms signs the modules with."]
    return ["Secure Boot is on, and nvidia_driver_secure_boot_ok says that its firmware takes these modules."]


def persistence(unit: str) -> dict[str, str]:
    """Tell what NVIDIA's persistence daemon lacks to be on from boot, from its unit's text.

    Ubuntu starts it with ``--no-persistence-mode`` and gives it no way to be enabled (its unit has no [Install]).

    Returns:
        exec_start and wanted_by for a drop-in; empty where the unit is right.
    """
    start = re.search(r"^ExecStart=(.*)$", unit, flags=re.MULTILINE)
    command = start.group(1).strip() if start else ""
    is_off = "--no-persistence-mode" in command
    return {
        "exec_start": command.replace("--no-persistence-mode", "--persistence-mode") if is_off else "",
        "wanted_by": "" if re.search(r"^WantedBy=\S", unit, flags=re.MULTILINE) else "multi-user.target",
    }
