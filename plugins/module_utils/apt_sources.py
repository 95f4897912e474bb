"""Where a host gets its distribution's packages from, in either format of sources.list(5). Pure functions."""

from __future__ import annotations

import re
from typing import Any

Entry = dict[str, Any]


def one_line(text: str) -> list[Entry]:
    """Read entries such as ``deb [signed-by=/k.gpg] http://packages.example/debian trixie main``."""
    entries = []
    for line in text.splitlines():
        match = re.match(r"^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)(.*?)(?:#.*)?$", line)
        if match:
            options = dict(word.split("=", 1) for word in (match.group(1) or "").split() if "=" in word)
            entries.append(
                {
                    "uris": [match.group(2)],
                    "suites": [match.group(3)],
                    "components": match.group(4).split(),
                    "signed_by": options.get("signed-by", ""),
                }
            )
    return entries


def deb822(text: str) -> list[Entry]:
    """Read stanzas; those that are switched off or hold sources only do not count."""
    entries = []
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        fields = {
            name.lower(): " ".join(value.split())
            for name, value in re.findall(r"(?m)^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+.*)*)", stanza)
        }
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() not in ("no", "false"):
            entries.append(
                {
                    "uris": fields.get("uris", "").split(),
                    "suites": fields.get("suites", "").split(),
                    "components": fields.get("components", "").split(),
                    # A key may stand in the file itself; its text is kept as it is.
                    "signed_by": fields.get("signed-by", ""),
                }
            )
    return entries


def own(files: dict[str, str], codename: str) -> Entry:
    """Find the entry that the distribution's own packages come from.

    Args:
        files: path -> text, of every list and sources file.
        codename: the release, for example ``trixie``.

    Returns:
        uris, suites, signed_by, and components: all that any entry has for this release. Empty without such an entry.
    """
    found: Entry = {"uris": [], "suites": [], "signed_by": "", "components": []}
    for path in sorted(files):
        for entry in deb822(files[path]) if path.endswith(".sources") else one_line(files[path]):
            if codename not in entry["suites"] or not {"main", "contrib", "non-free"} & set(entry["components"]):
                continue
            found["components"] += [each for each in entry["components"] if each not in found["components"]]
            if "main" in entry["components"] and not found["uris"]:
                found.update(uris=entry["uris"], suites=entry["suites"], signed_by=entry["signed_by"])
    return found
