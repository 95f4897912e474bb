"""Which build of PyTorch runs on a server's cards.

Source: PyTorch's RELEASE.md, "PyTorch CUDA Support Matrix", and issue 178665: since 2.12 there are builds for 12.6,
13.0 and 13.2; only the one for 12.6 has code for cards before Turing, and it has none for Blackwell. The oldest driver
for CUDA 13.0 stands in NVIDIA's release notes of CUDA.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible.errors import AnsibleFilterError

LEGACY, CURRENT = "cu126", "cu130"
TURING, BLACKWELL = (7, 5), (10, 0)
DRIVER_FOR_CURRENT = (580, 65, 6)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.strip().split("."))


def torch_build(cards: Iterable[str]) -> str:
    """Choose the build for all cards of a server.

    Args:
        cards: lines of ``nvidia-smi --query-gpu=compute_cap,driver_version --format=csv,noheader``, such as
            ``8.9, 580.105.08``.

    Returns:
        The last part of the address of PyTorch's index, such as ``cu130``; empty when no card is given.

    Raises:
        AnsibleFilterError: no build runs on all cards with this driver; with what to do.
    """
    found = [tuple(map(_numbers, card.split(","))) for card in cards]
    if not found:
        return ""
    oldest, newest = min(found)[0], max(found)[0]
    current = found[0][1] >= DRIVER_FOR_CURRENT
    if newest < BLACKWELL and (oldest < TURING or not current):
        return LEGACY
    if oldest < TURING:
        raise AnsibleFilterError(
            "No build of PyTorch has code for all cards of this server: some are older than Turing, some are Blackwell "
            "or newer. Decide for one kind: set nuclio_functions_torch_index_url (annotation_server_torch_index_url) "
            f"to https://download.pytorch.org/whl/{LEGACY} or .../{CURRENT}, and CUDA_VISIBLE_DEVICES in env of the "
            "functions."
        )
    if not current:
        raise AnsibleFilterError(
            "Blackwell cards need PyTorch for CUDA 13.0, and that needs the NVIDIA driver 580.65.06 or newer. Run the "
            "stage gpu with nvidia_driver_branch: 580 or newer."
        )
    return CURRENT
