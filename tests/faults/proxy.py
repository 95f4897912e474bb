"""A proxy between a host and its mirrors that answers wrongly when it is told to.

The host is led here by a rule of its own packet filter (:data:`LEAD`), so that no address in any variable, file or
container changes. What is asked for goes on to where it was meant for (the header Host); an answer that a fault names
comes wrong, and is counted: a fault that nobody met proves nothing.
"""

import http.client
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from demo import settings
from tests.faults.host import Host

BLOCK = 1 << 16
#: Lead to the proxy: the registry and the files of the mirror, and what apt asks for.
LEAD = """
for port in 5000 8000; do
  iptables -w -t nat {verb} OUTPUT -p tcp -d {mirror} --dport $port -j DNAT --to-destination {proxy} {quiet}
done
iptables -w -t nat {verb} OUTPUT -p tcp --dport 80 ! -d 172.16.0.0/12 -m addrtype ! --dst-type LOCAL \
  -j DNAT --to-destination {proxy} {quiet}
"""
KINDS = ("404", "500", "401", "truncated", "corrupted", "slow", "reset")


@dataclass
class Wrong:
    """What comes wrong: answers to paths (with host) that match, at most `times` of them."""

    kind: str
    paths: str
    times: int = 1000
    seconds: float = 3  # of a slow answer
    met: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def meets(self, path: str) -> bool:
        """Count an answer that comes wrong."""
        with self._lock:
            if len(self.met) >= self.times or not re.search(self.paths, path):
                return False
            self.met.append(path)
            return True


class Answers(BaseHTTPRequestHandler):
    """Fetches what it is asked for, and spoils it where that is due."""

    server: "FaultyServer"

    def log_message(self, format: str, *args: object) -> None:
        """Be silent: the table tells."""

    def do_GET(self) -> None:
        """Answer; HEAD in the same way."""
        self.close_connection = True
        host = self.headers.get("Host", "")
        wrong = self.server.wrong
        kind = wrong.kind if wrong and wrong.meets(f"{host}{self.path}") else ""
        if kind.isdigit():
            return self.send_error(int(kind), "as asked for by the tests")
        if kind == "reset":
            return None
        if kind == "slow" and wrong:
            time.sleep(wrong.seconds)
        self._pass_on(host, kind)
        return None

    do_HEAD = do_GET

    def _pass_on(self, host: str, kind: str) -> None:
        upstream = http.client.HTTPConnection(host, timeout=120)
        kept = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "host", "proxy-connection")}
        try:
            upstream.request(self.command, self.path, headers={**kept, "Host": host, "Connection": "close"})
            answer = upstream.getresponse()
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding", "keep-alive"):
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            for block in spoiled(_blocks(answer), int(answer.getheader("Content-Length") or 0), kind):
                self.wfile.write(block)
        except OSError:
            return  # who asked went away
        finally:
            upstream.close()


def _blocks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while block := answer.read(BLOCK):
        yield block


def spoiled(blocks: Iterator[bytes], length: int, kind: str) -> Iterator[bytes]:
    """The content with its second half missing (truncated) or its middle byte changed (corrupted)."""
    at = 0
    for block in blocks:
        end = at + len(block)
        if kind == "truncated" and end > length // 2:
            yield block[: max(0, length // 2 - at)]
            return
        if kind == "corrupted" and at <= length // 2 < end:
            middle = length // 2 - at
            block = block[:middle] + bytes([block[middle] ^ 0xFF]) + block[middle + 1 :]
        yield block
        at = end


class FaultyServer(ThreadingHTTPServer):
    """Serves on the demo network's gateway, which is this machine."""

    daemon_threads = True
    wrong: Wrong | None = None


@contextmanager
def proxy(address: str = settings.GATEWAY) -> Iterator[FaultyServer]:
    """Run the proxy."""
    with FaultyServer((address, 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def lead(host: Host, server: FaultyServer, on: bool) -> None:
    """Lead a host's requests to the proxy, or straight on again."""
    address, port = server.server_address[:2]
    told = {"verb": "-I" if on else "-D", "mirror": settings.MIRROR_ADDRESS, "proxy": f"{address!s}:{port}"}
    # After a restart of the host its rules are gone by themselves.
    host.shell(LEAD.format(**told, quiet="" if on else "2>/dev/null || true"))
