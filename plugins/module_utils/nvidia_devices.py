"""Which kernel modules an NVIDIA device needs, from its PCI id. Pure functions.

Sources: the pci.ids database (which chip has which ids); NVIDIA's driver README, "Open Linux Kernel Modules" and
"Supported NVIDIA GPU Products" (which chip needs which modules, and the last driver branch for it).
"""

from __future__ import annotations

from typing import Any, NamedTuple

# The first range that holds an id counts. Ids are given out in blocks per chip, so a card that is newer than this list
# is told by its block.
RANGES: tuple[tuple[int, int, str], ...] = (
    (0x0000, 0x133F, "Kepler or older"),
    (0x15C0, 0x15FF, "Pascal"),
    (0x1720, 0x172F, "Pascal"),
    (0x1340, 0x17FF, "Maxwell"),
    (0x1B00, 0x1D7F, "Pascal"),
    (0x1D80, 0x1DFF, "Volta"),
    (0x1E00, 0x1FFF, "Turing"),
    (0x2180, 0x21FF, "Turing"),
    (0x2080, 0x229F, "Ampere"),
    (0x2300, 0x23FF, "Hopper"),
    (0x2400, 0x25FF, "Ampere"),
    (0x2600, 0x28FF, "Ada"),
    (0x2900, 0x33FF, "Blackwell"),
)
NEWER = "newer than this list"
TOO_OLD = ("Kepler or older",)
PROPRIETARY_ONLY = ("Maxwell", "Pascal", "Volta")
OPEN_ONLY = ("Blackwell", NEWER)
LAST_FOR_PROPRIETARY_ONLY = 580
FIRST_FOR_OPEN_ONLY = 570
# Before this branch the open modules were not ready for every card that they claim to support.
FIRST_OPEN_BY_DEFAULT = 560


class Choice(NamedTuple):
    """Kernel modules for all devices of a host: ``open``, ``proprietary`` or empty; and the sentence that explains."""

    modules: str
    reason: str


def architecture(device: str) -> str:
    """Name the architecture of a PCI device id such as ``0x2684``."""
    number = int(device, 16)
    return next((name for first, last, name in RANGES if first <= number <= last), NEWER)


def usable(devices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the devices that this host may use: those that are not kept for a virtual machine."""
    return [device for device in devices if device.get("bound", "") != "vfio-pci"]


def names(devices: list[dict[str, Any]]) -> str:
    """List devices for people: ``Ampere (0000:01:00.0)``."""
    return ", ".join(f"{architecture(each['device'])} ({each['slot']})" for each in devices)


def choose(devices: list[dict[str, Any]], wish: str, branch: int) -> Choice:
    """Choose open or proprietary modules for all devices together; a host can load only one kind.

    Args:
        devices: with ``slot`` and ``device`` (the PCI id).
        wish: ``auto``, ``open`` or ``proprietary``.
        branch: the driver's major version.
    """
    kinds = {architecture(each["device"]) for each in devices}
    old = [each for each in devices if architecture(each["device"]) in TOO_OLD]
    closed = [each for each in devices if architecture(each["device"]) in PROPRIETARY_ONLY]
    opened = [each for each in devices if architecture(each["device"]) in OPEN_ONLY]
    if old:
        return Choice(
            "",
            f"No driver of branch {branch} supports {names(old)}. Take the card out, or set annotation_server_gpu: "
            "false.",
        )
    if closed and opened:
        return Choice(
            "",
            f"{names(closed)} needs the proprietary kernel modules and {names(opened)} the open ones. A host loads "
            "one kind only: give one of the cards to another host.",
        )
    if closed and branch > LAST_FOR_PROPRIETARY_ONLY:
        return Choice(
            "",
            f"Branch {LAST_FOR_PROPRIETARY_ONLY} is the last one for {names(closed)}, and {branch} is asked for. "
            f'Set nvidia_driver_branch: "{LAST_FOR_PROPRIETARY_ONLY}".',
        )
    if opened and branch < FIRST_FOR_OPEN_ONLY:
        return Choice(
            "",
            f"{names(opened)} needs branch {FIRST_FOR_OPEN_ONLY} or newer, and branch {branch} is what would be "
            "installed.",
        )
    if wish == "open" and closed:
        return Choice("", f"The open kernel modules do not support {names(closed)}. Set nvidia_driver_modules: auto.")
    if wish == "proprietary" and opened:
        return Choice(
            "", f"The proprietary kernel modules do not support {names(opened)}. Set nvidia_driver_modules: auto."
        )
    listed = names(devices)
    if wish != "auto":
        return Choice(wish, f"{wish} kernel modules, because nvidia_driver_modules says so, for {listed}.")
    if closed:
        return Choice("proprietary", f"proprietary kernel modules, because {names(closed)} needs them.")
    if opened:
        return Choice("open", f"open kernel modules, because {names(opened)} needs them.")
    if branch < FIRST_OPEN_BY_DEFAULT:
        return Choice(
            "proprietary",
            f"proprietary kernel modules, because those of branch {branch} suit {' and '.join(sorted(kinds))} better.",
        )
    return Choice("open", f"open kernel modules, which NVIDIA recommends for {listed}.")
