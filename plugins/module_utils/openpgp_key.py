"""Fingerprints of OpenPGP public keys, so that a repository's key can be compared with the one its owner publishes.

Source: RFC 4880 and RFC 9580, sections on ASCII armour, packet headers and version 4 fingerprints.
No signature is checked.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

PUBLIC_KEY = 6


class KeyError_(ValueError):
    """The text holds no public key; the message says so."""


def unarmour(data: bytes) -> bytes:
    """Return the packets of a key file, armoured or not."""
    if not data.lstrip().startswith(b"-----BEGIN"):
        return data
    packets = b""
    for block in re.findall(rb"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(.*?)-----END PGP", data, flags=re.DOTALL):
        body = re.split(rb"\r?\n\r?\n", block, maxsplit=1)[-1]
        # The last line may be a checksum.
        lines = [line for line in body.split() if not line.startswith(b"=")]
        try:
            packets += base64.b64decode(b"".join(lines))
        except binascii.Error as error:
            raise KeyError_(f"the armour is damaged: {error}") from error
    return packets


def packets(data: bytes) -> list[tuple[int, bytes]]:
    """Split into packets: tag and body."""
    found, at = [], 0
    while at < len(data):
        first = data[at]
        if not first & 0x80:
            raise KeyError_("this is no OpenPGP key")
        at += 1
        if first & 0x40:
            tag, length, at = first & 0x3F, *new_length(data, at)
        else:
            tag, size = (first >> 2) & 0x0F, (1, 2, 4, 0)[first & 0x03]
            if not size:
                raise KeyError_("a packet of unknown length")
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        found.append((tag, data[at : at + length]))
        at += length
    return found


def new_length(data: bytes, at: int) -> tuple[int, int]:
    """Read a length in the newer packet format; return it and where the body begins."""
    first = data[at] if at < len(data) else 0
    if first < 192:
        return first, at + 1
    if first < 224:
        return ((first - 192) << 8) + data[at + 1] + 192, at + 2
    if first == 255:
        return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
    raise KeyError_("a packet of unknown length")


def fingerprints(data: bytes) -> list[str]:
    """Return the fingerprints of the primary keys (version 4: SHA-1 over the key's packet).

    Raises:
        KeyError_: not a key, or a damaged one.
    """
    try:
        keys = [body for tag, body in packets(unarmour(data)) if tag == PUBLIC_KEY]
    except IndexError as error:
        raise KeyError_("the key is cut off") from error
    if not keys:
        raise KeyError_("this is no OpenPGP key")
    framed = [b"\x99" + len(body).to_bytes(2, "big") + body for body in keys]
    return [hashlib.sha1(each, usedforsecurity=False).hexdigest().upper() for each in framed]
