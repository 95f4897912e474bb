#!/usr/bin/env python3
"""Stands for smokescreen: an HTTP proxy on 127.0.0.1:4750 that refuses private addresses with 407.

The options are smokescreen's own; the ADDRESS that a name resolves to is what counts, as there
(facts: CVAT's documentation "SSRF protection", cvat-ai/cvat issue 8207, stripe/smokescreen README).
"""

import argparse
import asyncio
import ipaddress
import json
import os
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LIMIT = 64 * 1024


@dataclass
class Rules:
    """What may be reached; addresses as (ip, port or None)."""

    allow: list[tuple[str, int | None]] = field(default_factory=list)
    allow_ranges: list[Network] = field(default_factory=list)
    deny: list[tuple[str, int | None]] = field(default_factory=list)
    deny_ranges: list[Network] = field(default_factory=list)
    private: bool = False

    def refusal(self, ip: str, port: int) -> str | None:
        """The name of the rule that forbids an address, or None when it may be reached."""
        address, exact = ipaddress.ip_address(ip), {(ip, None), (ip, port)}
        if exact & set(self.deny) or any(address in net for net in self.deny_ranges):
            return "Deny: User Configured"
        if exact & set(self.allow) or any(address in net for net in self.allow_ranges):
            return None
        if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
            return "Deny: Not Global Unicast"
        return "Deny: Private Range" if address.is_private and not self.private else None


def address_and_port(text: str) -> tuple[str, int | None]:
    """IP or IP:PORT; a host name is refused, as smokescreen does."""
    host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "")
    return str(ipaddress.ip_address(host)), int(port) if port else None


def rules_from(options: str) -> Rules:
    """Read SMOKESCREEN_OPTS. An unknown option or a wrong address ends the program."""
    parser = argparse.ArgumentParser(prog="smokescreen", allow_abbrev=False)
    for kind in ("allow", "deny"):
        parser.add_argument(f"--{kind}-address", action="append", default=[], type=address_and_port)
        parser.add_argument(f"--{kind}-range", action="append", default=[], type=ipaddress.ip_network)
    parser.add_argument("--unsafe-allow-private-ranges", action="store_true")
    given = parser.parse_args(shlex.split(options))
    return Rules(
        given.allow_address, given.allow_range, given.deny_address, given.deny_range, given.unsafe_allow_private_ranges
    )


def answer(code: int, reason: str, text: str) -> bytes:
    """A whole response that ends the connection."""
    body = text.encode()
    head = [f"HTTP/1.1 {code} {reason}", "Content-Type: text/plain", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "Connection: close", "", ""]).encode() + body


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until one side ends."""
    with suppress(ConnectionError, asyncio.CancelledError):
        while data := await reader.read(LIMIT):
            writer.write(data)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.write_eof()


class Proxy:
    """One rule set, many connections."""

    def __init__(self, rules: Rules):
        """Keep the rules."""
        self.rules = rules

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: one request in absolute form, or one tunnel."""
        try:
            await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, version = first.split(" ", 2)
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, port = url.hostname, url.port or (443 if method == "CONNECT" else 80)
        if not host:
            writer.write(answer(400, "Bad Request", "This is a proxy server. It does not answer requests itself."))
            return
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
        except OSError:
            writer.write(answer(502, "Bad Gateway", f"Failed to resolve remote hostname: {host}"))
            return
        ip = str(found[0][4][0])
        rule = self.rules.refusal(ip, port)
        self._log(host, port, ip, rule)
        if rule:
            why = f"The destination address ({ip}) was denied by rule '{rule}'. destination address was denied by rule"
            text = f"Egress proxying is denied to host '{host}:{port}': {why}, see error."
            writer.write(answer(407, "Request rejected by proxy", text))
            return
        try:
            there_in, there_out = await asyncio.wait_for(asyncio.open_connection(ip, port), 10)
        except (OSError, TimeoutError) as error:
            writer.write(answer(502, "Bad Gateway", f"Failed to connect to remote host: {error}"))
            return
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = (url.path or "/") + (f"?{url.query}" if url.query else "")
            kept = [line for line in lines if line and not line.lower().startswith(("connection:", "proxy-"))]
            head = [f"{method} {path} {version}", *kept, "Connection: close", "", ""]
            there_out.write("\r\n".join(head).encode("latin-1"))
        up = asyncio.create_task(pump(reader, there_out))
        await pump(there_in, writer)
        up.cancel()
        there_out.close()

    def _log(self, host: str, port: int, ip: str, rule: str | None) -> None:
        line = {"msg": "CANONICAL-PROXY-DECISION", "allow": rule is None, "requested_host": f"{host}:{port}"}
        print(json.dumps({**line, "decision_reason": rule or "Allow", "address": ip}), flush=True)


async def main() -> None:
    """Listen until the container ends."""
    proxy = Proxy(rules_from(os.environ.get("SMOKESCREEN_OPTS", "")))
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 4750, limit=LIMIT)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
