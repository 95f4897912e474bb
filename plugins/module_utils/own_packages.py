"""Which packages this project installs, and which of them a teardown may take away again. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import docker_packages, nvidia_packages

#: Packages by what they are for; a test compares them with what the roles install.
NAMED = {
    "docker": docker_packages.EVERY,
    "tools": [
        "ca-certificates",
        "cifs-utils",
        "git",
        "nfs-common",
        "nftables",
        "python3-apt",
        "python3-boto3",
        "python3-cryptography",
        "python3-requests",
        "restic",
        "tar",
    ],
}
#: With one of these Docker itself is there.
ENGINES = {"docker.io", "docker-ce"}
#: Beginnings of names: the driver, the container toolkit, CUDA.
NVIDIA = re.compile("|".join((*nvidia_packages.DRIVER_NAMES, "(lib)?nvidia-container", "cuda-", "nvidia-cuda-")))


def part(name: str) -> str:
    """Return what a package is for: ``docker``, ``tools``, ``nvidia``, or nothing where it is none of ours."""
    for title, names in NAMED.items():
        if name in names:
            return title
    return "nvidia" if NVIDIA.match(name) else ""


def taken(text: str) -> set[str]:
    """Return the packages that ``apt-get --simulate`` would remove."""
    return {name.split(":")[0] for name in re.findall(r"^(?:Remv|Purg) (\S+)", text, flags=re.MULTILINE)}


def plan(
    installed: Iterable[str],
    manual: Iterable[str],
    record: dict[str, Any],
    stays: dict[str, str],
    simulate: Callable[[list[str], bool], set[str]],
) -> dict[str, Any]:
    """Decide which packages go.

    Args:
        installed: names of all that is installed.
        manual: those that somebody asked for by name, as apt remembers it.
        record: what the host was like before; without one every package stays.
        stays: package or part -> why it must stay.
        simulate: what apt would remove with the named packages; true: with what was brought for them, too.

    Returns:
        goes (names), stays (name -> why).
    """
    here = set(installed)
    if "packages" not in record:
        why = "nobody wrote down whether it was there before"
        return {"goes": [], "stays": {name: why for name in sorted(here) if part(name)}}
    found = set(record["packages"])
    ours = {name for name in here - found if part(name)}
    kept = {name: stays.get(name) or stays[part(name)] for name in ours if name in stays or part(name) in stays}
    begun = here & set(record.get("going", [])) - kept.keys()
    going = ours - kept.keys()
    others = found | (set(manual) - ours - begun) | kept.keys()
    if going and simulate(sorted(going), False) & others:
        for name in sorted(going):
            needed = sorted(simulate([name], False) & others)
            if needed:
                kept[name] = f"{', '.join(needed)} need{'s' if len(needed) == 1 else ''} it"
        going -= kept.keys()
    if not going and not begun:
        return {"goes": [], "stays": kept}
    # What was brought for them goes, too; what nothing needed even before is not our business.
    brought = simulate(sorted(going | begun), True) - simulate([], True) - others
    goes = going | begun | brought
    if simulate(sorted(goes), False) - goes:
        goes = going
    return {"goes": sorted(goes), "stays": kept}
