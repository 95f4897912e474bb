"""daemon.json of Docker Engine: reading, merging, and what a change asks of the running engine. Pure functions.

Source: dockerd's documentation ("Daemon configuration file", "Configuration reload behavior").
"""

from __future__ import annotations

import ipaddress
import json
import re
import shlex
from typing import Any

# Keys that a running engine takes over on SIGHUP. Every other key needs a restart.
RELOADABLE = {
    "allow-nondistributable-artifacts",
    "authorization-plugins",
    "debug",
    "default-runtime",
    "features",
    "insecure-registries",
    "labels",
    "live-restore",
    "max-concurrent-downloads",
    "max-concurrent-uploads",
    "max-download-attempts",
    "registry-mirrors",
    "runtimes",
    "shutdown-timeout",
}
# Flags whose key in daemon.json is not the flag's own name.
FLAG_KEYS = {
    "H": "hosts",
    "host": "hosts",
    "g": "data-root",
    "graph": "data-root",
    "D": "debug",
    "l": "log-level",
    "G": "group",
    "s": "storage-driver",
    "b": "bridge",
    "add-runtime": "runtimes",
    "authorization-plugin": "authorization-plugins",
    "default-address-pool": "default-address-pools",
    "default-ulimit": "default-ulimits",
    "dns-opt": "dns-opts",
    "exec-opt": "exec-opts",
    "insecure-registry": "insecure-registries",
    "label": "labels",
    "log-opt": "log-opts",
    "registry-mirror": "registry-mirrors",
    "storage-opt": "storage-opts",
}
PASSWORD = re.compile(r"://[^/\s\"]+:[^/\s\"]+@")


class DaemonConfigError(Exception):
    """The file, the settings or both cannot be used; the message says what to do."""


def parse(text: str, path: str) -> dict[str, Any]:
    """Read daemon.json; an empty file counts as one without settings, as Docker takes it.

    Raises:
        DaemonConfigError: no JSON object. The message names the line.
    """
    if not text.strip():
        return {}
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        lines = text.splitlines()
        # The line may hold a proxy's password.
        line = PASSWORD.sub("://...@", lines[error.lineno - 1].strip()) if lines[error.lineno - 1 :] else ""
        raise DaemonConfigError(
            f"{path} is no valid JSON: line {error.lineno}, column {error.colno}: {error.msg}"
            + (f", near '{line[:60]}'" if line else "")
            + ". It was left as it is. Correct it by hand, or move it away, and run again."
        ) from error
    if not isinstance(content, dict):
        raise DaemonConfigError(f"{path} holds no JSON object ({{...}}). It was left as it is. Correct it by hand.")
    return content


def merge(current: Any, wanted: Any) -> Any:
    """Merge settings: objects key by key, lists of words united, everything else replaced by what is wanted."""
    if isinstance(current, dict) and isinstance(wanted, dict):
        return {**current, **{key: merge(current.get(key), value) for key, value in wanted.items()}}
    if words(current, wanted):
        return current + [each for each in wanted if each not in current]
    return wanted


def apply(current: dict[str, Any], settings: dict[str, Any], remove: list[str]) -> dict[str, Any]:
    """Return the settings as they should be; foreign keys stay."""
    merged = merge(current, settings)
    return {key: value for key, value in merged.items() if key not in remove or key in settings}


def words(*lists: Any) -> bool:
    """Tell whether all are lists of words, which are united and not replaced."""
    return all(isinstance(each, list) and all(isinstance(word, str) for word in each) for each in lists)


def take_back(current: Any, original: Any, ours: Any) -> Any:
    """Return settings without what was merged into them; None where nothing is left.

    What somebody changed since is theirs, and stays.

    Args:
        current: the settings, or a part of them, as they are.
        original: the same as they were before the first merge; None where there was nothing.
        ours: what was merged.
    """
    if isinstance(current, dict) and isinstance(ours, dict):
        before = original if isinstance(original, dict) else {}
        taken = {key: take_back(current[key], before.get(key), ours[key]) for key in current if key in ours}
        left = {key: taken.get(key, value) for key, value in current.items() if taken.get(key, value) is not None}
        return left or (None if original is None else {})
    if words(current, ours):
        kept = original if words(original) else []
        return kept + [word for word in current if word not in ours and word not in kept] or original
    return original if current == ours else current


def changed_keys(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the names of top-level keys that differ."""
    missing = object()
    return sorted(key for key in {**before, **after} if before.get(key, missing) != after.get(key, missing))


def action(keys: list[str]) -> str:
    """Return what a running engine needs after a change of these keys: ``none``, ``reload`` or ``restart``."""
    if not keys:
        return "none"
    return "reload" if set(keys) <= RELOADABLE else "restart"


def render(settings: dict[str, Any]) -> str:
    """Write settings as people would."""
    return json.dumps(settings, indent=2, ensure_ascii=False) + "\n"


def flag_keys(command_line: str) -> dict[str, str]:
    """Return key of daemon.json -> flag, for every flag on dockerd's command line."""
    found = {}
    for word in shlex.split(command_line):
        match = re.fullmatch(r"--?([A-Za-z][A-Za-z0-9-]*)(=.*)?", word)
        if match:
            name = match.group(1)
            found[FLAG_KEYS.get(name, name)] = word.split("=")[0]
    return found


def check_flags(settings: dict[str, Any], command_line: str, path: str) -> None:
    """Refuse keys that are on dockerd's command line too: the engine would not start.

    Raises:
        DaemonConfigError: names the key, the flag and the way out.
    """
    flags = flag_keys(command_line)
    twice = sorted(set(settings) & set(flags))
    if twice:
        named = ", ".join(f"{key} ({flags[key]})" for key in twice)
        raise DaemonConfigError(
            f"Docker is started with flags that {path} sets too: {named}. Docker refuses to start with both. "
            "Take the flag out of the service (systemctl cat docker, /etc/default/docker) and run again. "
            "Nothing was changed."
        )


def outside(pools: list[dict[str, Any]], reserved: list[str]) -> list[dict[str, Any]]:
    """Cut reserved networks out of address pools, so that Docker never numbers a network from them.

    A pool is ``{"base": network, "size": prefix length of one network}``. Pieces too small for one network are dropped.

    Raises:
        DaemonConfigError: a pool or network that is none, or nothing left.
    """
    try:
        keep_out = [ipaddress.ip_network(each) for each in reserved]
        pieces = [(ipaddress.ip_network(pool["base"], strict=False), int(pool["size"])) for pool in pools]
    except (ValueError, KeyError, TypeError) as error:
        raise DaemonConfigError(
            "Address pools must look like {base: 172.28.0.0/14, size: 24} and reserved networks like 172.20.0.0/24: "
            f"{error}"
        ) from error
    for hole in keep_out:
        remaining = []
        for base, size in pieces:
            if base.version != hole.version or not base.overlaps(hole):
                remaining.append((base, size))
            elif hole.prefixlen > base.prefixlen:
                # Both are of the same version, asked above.
                parts: list[Any] = list(base.address_exclude(hole))  # type: ignore[arg-type]
                remaining += [(part, size) for part in sorted(parts)]
        pieces = remaining
    kept = [{"base": str(base), "size": size} for base, size in pieces if base.prefixlen <= size]
    if pools and not kept:
        raise DaemonConfigError(
            f"Docker's address pools {pools} lie completely inside the reserved networks {reserved}. "
            "Choose others in docker_engine_address_pools."
        )
    return kept
