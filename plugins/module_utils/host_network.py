"""Who listens on which port, which networks a host reaches, and which addresses answer. Changes nothing.

Standard library only; ``root`` holds ``proc``, so that tests can show it any machine.
"""

from __future__ import annotations

import concurrent.futures
import http.client
import ipaddress
import re
import socket
import ssl
import struct
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

LISTEN = "0A"


def address(words: str) -> str:
    """Turn an address of /proc/net/tcp or tcp6 into its usual form: 32-bit words in the host's byte order."""
    raw = b"".join(struct.pack("=I", int(words[i : i + 8], 16)) for i in range(0, len(words), 8))
    found = ipaddress.ip_address(raw)
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def sockets(root: Path) -> dict[str, tuple[str, int]]:
    """Return inode -> (address, port) of every listening TCP socket (source: proc_net(5))."""
    found = {}
    for name in ("tcp", "tcp6"):
        try:
            lines = (root / "proc/net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == LISTEN:
                words, port = fields[1].split(":")
                found[fields[9]] = (address(words), int(port, 16))
    return found


def owners(root: Path, inodes: set[str]) -> dict[str, tuple[int, str]]:
    """Return inode -> (process id, command name) for sockets whose process can be seen."""
    found: dict[str, tuple[int, str]] = {}
    for link in (root / "proc").glob("[0-9]*/fd/*"):
        try:
            match = re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink()))
            if match and match.group(1) in inodes:
                name = (link.parents[1] / "comm").read_text().strip()
                found[match.group(1)] = (int(link.parents[1].name), name)
        except OSError:
            continue  # The process has ended, or is not ours to see.
    return found


def listeners(root: Path, ports: list[int]) -> list[dict[str, Any]]:
    """List what listens on the given TCP ports: address, port, pid (0 when hidden) and process."""
    wanted = {inode: place for inode, place in sockets(root).items() if place[1] in ports}
    by_whom = owners(root, set(wanted))
    found = []
    for inode, (where, port) in sorted(wanted.items(), key=lambda item: item[1][1]):
        pid, process = by_whom.get(inode, (0, ""))
        found.append({"address": where, "port": port, "pid": pid, "process": process})
    return found


def routes(root: Path) -> list[dict[str, Any]]:
    """List the IPv4 routes except the default one; ``direct`` ones are the networks of the host's own addresses."""
    try:
        lines = (root / "proc/net/route").read_text().splitlines()[1:]
    except OSError:
        return []
    found = []
    for line in lines:
        interface, target, gateway, flags, *_rest = line.split()
        mask = line.split()[7]
        if int(mask, 16) and int(flags, 16) & 1:
            network = ipaddress.ip_network(f"{address(target)}/{address(mask)}", strict=False)
            found.append({"network": str(network), "interface": interface, "direct": gateway == "00000000"})
    return found


def resolve(name: str) -> list[str]:
    """Return the addresses that the host knows for a name; none when it knows none."""
    try:
        return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)})
    except OSError:
        return []


def ask(url: str, timeout: float, authorities: str) -> dict[str, Any]:
    """Ask an address for an answer, whatever it is: also "401" shows that the way there is open.

    The environment's proxies are used. ``authorities`` are extra certificates (PEM) to trust. ``timeout`` in seconds.
    """
    answer = {"url": url, "reached": False, "trusted": True, "status": 0, "error": ""}
    started = time.monotonic()
    try:
        context = ssl.create_default_context()
        if authorities:
            context.load_verify_locations(cadata=authorities)
        request = urllib.request.Request(url, headers={"User-Agent": "annotation-server-preflight"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=timeout, context=context) as reply:  # noqa: S310
            answer.update(reached=True, status=reply.status)
    except urllib.error.HTTPError as error:
        # 407 comes from a proxy that wants a password: the way is not open.
        answer.update(reached=error.code != 407, status=error.code, error="" if error.code != 407 else str(error))
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        untrusted = isinstance(reason, ssl.SSLCertVerificationError)
        answer.update(reached=untrusted, trusted=not untrusted, error=str(reason) or type(reason).__name__)
    answer["seconds"] = round(time.monotonic() - started, 2)
    return answer


def ask_all(urls: list[str], timeout: float, authorities: str) -> list[dict[str, Any]]:
    """Ask all addresses at the same time, so that it takes as long as the slowest alone."""
    if not urls:
        return []
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(urls)) as pool:
        return list(pool.map(lambda url: ask(url, timeout, authorities), urls))
