"""What S3 accepts as the name of a bucket, each rule with the sentence that a person needs.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and MinIO's own reserved name.
"""

from __future__ import annotations

import ipaddress
import re

RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
RESERVED_NAMES = ("minio",)


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def problem(name: str) -> str:
    """Return which rule the name of a bucket breaks, as one sentence; empty when it can be used."""
    if not 3 <= len(name) <= 63:
        rule = f"must have 3 to 63 characters, this has {len(name)}"
    elif re.search("[^a-z0-9.-]", name):
        wrong = " ".join(sorted(set(re.findall("[^a-z0-9.-]", name))))
        rule = f"may hold only lower-case letters, digits, dots and hyphens, not: {wrong}"
    elif not (name[0].isalnum() and name[-1].isalnum()):
        rule = "must begin and end with a letter or a digit"
    elif re.search(r"\.\.|\.-|-\.", name):
        rule = "must not have a dot beside another dot or a hyphen"
    elif _is_address(name):
        rule = "must not look like an address"
    elif name.startswith(RESERVED_STARTS):
        rule = f"must not begin with {', '.join(RESERVED_STARTS)}: reserved"
    elif name.endswith(RESERVED_ENDS):
        rule = f"must not end with {', '.join(RESERVED_ENDS)}: reserved"
    elif name in RESERVED_NAMES:
        rule = "is reserved by the server itself"
    else:
        return ""
    return f"The bucket name '{name}' {rule}."
