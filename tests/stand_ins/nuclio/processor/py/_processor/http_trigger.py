"""The HTTP trigger on port 8080 and the readiness endpoint on port 8082."""

import base64
import queue
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from _processor.workers import WorkerTimeout


class Server(ThreadingHTTPServer):
    """Listens at once: the library's own would first ask the name service who it is, which may take seconds."""

    def server_bind(self):
        """Bind, and ask nobody."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


class Quiet(BaseHTTPRequestHandler):
    """Answers with a length, keeps the connection, logs nothing per request."""

    protocol_version = "HTTP/1.1"
    server_version = "nuclio"
    sys_version = ""

    def reply(self, status, body=b"", content_type="text/plain", headers=()):
        """Send one response."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for key, value in dict(headers).items():
            if key.lower() not in ("content-type", "content-length"):
                self.send_header(key, str(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format, *args):
        """Say nothing."""


def readiness_handler(pool, listening):
    """Return the handler of :8082/ready: 200 once every worker has run init_context and the trigger listens."""

    class Readiness(Quiet):
        def do_GET(self):
            self.reply(200 if pool.ready and listening.is_set() and self.path == "/ready" else 503)

    return Readiness


def event_handler(pool, config):
    """Return the handler of :8080."""

    class Event(Quiet):
        def handle_event(self):
            length = int(self.headers.get("Content-Length") or 0)
            if length > config.body_limit:
                # fasthttp, which the real processor uses, stops reading and closes.
                self.close_connection = True
                self.reply(400, b"Error when parsing request")
                return
            event = self.event(self.rfile.read(length))
            try:
                with pool.worker() as worker:
                    try:
                        response = worker.handle(event)
                    except WorkerTimeout:
                        worker.restart()
                        self.reply(408)
                        return
            except queue.Empty:
                self.reply(503)
                return
            body = response["body"]
            content = base64.b64decode(body) if response["body_encoding"] == "base64" else body.encode()
            self.reply(response["status_code"], content, response["content_type"], response.get("headers") or {})

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = handle_event

        def event(self, body):
            """Return the fields from which nuclio-sdk makes its Event."""
            # The key is written as Go writes header names, whatever the client sent.
            headers = {
                "-".join(part.capitalize() for part in key.split("-")): value for key, value in self.headers.items()
            }
            return {
                "body": body,
                "content_type": self.headers.get("Content-Type", ""),
                "headers": headers,
                "method": self.command,
                "path": self.path.split("?")[0],
                "url": self.path,
                "size": len(body),
                "fields": _fields(self.path),
                "id": str(uuid.uuid4()),
                "timestamp": time.time(),
                "trigger": {"kind": "http", "name": config.trigger_name},
                "shard_id": 0,
                "num_shards": 1,
                "type": "",
                "type_version": "",
                "version": "",
            }

    return Event


def _fields(path):
    query = path.partition("?")[2]
    return dict(([*part.split("=", 1), ""])[:2] for part in query.split("&") if part)
