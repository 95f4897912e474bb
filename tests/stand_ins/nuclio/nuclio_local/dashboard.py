"""The dashboard's HTTP interface, port 8070: functions, projects, invocation. No pages, no authentication."""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from nuclio_local import ARCHITECTURE, DEFAULT_NAMESPACE, VERSION, health, projects, store
from nuclio_local.errors import NuclioError, StatusError, not_found
from nuclio_local.log import Log

PORT = 8070
INVOKE_TIMEOUT = 60.0  # seconds, if the caller names none in x-nuclio-invoke-timeout
HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "host", "content-length", "expect")
LOG = Log("dashboard")


class Handler(BaseHTTPRequestHandler):
    """One request. Paths, headers and bodies are those of the real dashboard."""

    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        """Find the resource and answer; errors are {"error": words} with their status."""
        path = self.path.split("?")[0].rstrip("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if path.startswith("/api/function_invocations"):
                self._invoke(body)
            else:
                self._answer(*self._resource(path, body))
        except StatusError as error:
            self._answer(error.status, {"error": str(error)})
        except NuclioError as error:
            LOG.warn("Request failed", path=path, err=error.stack())
            self._answer(500, {"error": str(error)})

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = handle_any

    def _resource(self, path: str, body: bytes) -> tuple[int, Any]:
        parts = path.split("/")[2:]
        if parts == ["versions"]:
            return 200, {"dashboard": {"label": VERSION, "gitCommit": "stand-in", "os": "linux", "arch": ARCHITECTURE}}
        if parts and parts[0] == "functions" and self.command == "GET":
            return 200, self._functions(parts[1] if len(parts) > 1 else "")
        if parts and parts[0] == "projects" and self.command == "GET":
            return 200, self._projects(parts[1] if len(parts) > 1 else "")
        if parts == ["projects"] and self.command == "POST":
            given = json.loads(body)
            projects.save(
                self._namespace("project"), given["metadata"]["name"], (given.get("spec") or {}).get("description", "")
            )
            return 201, given
        raise not_found(f"{self.command} {path} is not part of the stand-in")

    def _functions(self, name: str) -> Any:
        project = self.headers.get("x-nuclio-project-name", "")
        wanted = name or self.headers.get("x-nuclio-function-name", "")
        found = {
            record["metadata"]["name"]: record
            for record in store.read_all("functions", self._namespace("function"), wanted)
            if not project or projects.function_project(record) == project
        }
        if not name:
            return found
        if name not in found:
            raise not_found("Function not found")
        return found[name]

    def _projects(self, name: str) -> Any:
        found = {
            record["meta"]["name"]: {"metadata": record["meta"], "spec": record["spec"]}
            for record in store.read_all("projects", self._namespace("project"), name)
        }
        if not name:
            return found
        if name not in found:
            raise not_found("Project not found")
        return found[name]

    def _invoke(self, body: bytes) -> None:
        name = self.headers.get("x-nuclio-function-name", "")
        if not name:
            raise StatusError("Function name must be provided", 400)
        namespace = self._namespace("function")
        found = store.read_all("functions", namespace, name)
        if not found:
            raise not_found(f"Function not found: {name} @ {namespace}")
        # Noted when it was deployed, and never again.
        addresses = found[0]["status"].get("internalInvocationUrls") or []
        if not addresses:
            raise NuclioError("Failed to invoke function: it has no address")
        host, _, port = addresses[0].rpartition(":")
        timeout = float((self.headers.get("x-nuclio-invoke-timeout") or f"{INVOKE_TIMEOUT}s").rstrip("s"))
        path = "/" + self.headers.get("x-nuclio-path", "").lstrip("/")
        sent = {key: value for key, value in self.headers.items() if key.lower() not in HOP_BY_HOP}
        connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
        try:
            connection.request(
                self.command,
                path,
                body=None if self.command == "GET" else body,
                headers={**sent, "X-Nuclio-Target": name},
            )
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise NuclioError(f"Failed to invoke function: {error}") from error
        finally:
            connection.close()
        headers = {
            key: value for key, value in response.getheaders() if key.lower() not in (*HOP_BY_HOP, "date", "server")
        }
        self._send(response.status, headers, content)

    def _namespace(self, kind: str) -> str:
        return self.headers.get(f"x-nuclio-{kind}-namespace") or DEFAULT_NAMESPACE

    def _answer(self, status: int, content: Any) -> None:
        self._send(status, {"Content-Type": "application/json"}, json.dumps(content).encode())

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Write requests in the dashboard's own form; those of the image's health check would drown the others."""
        if self.path != "/api/versions":
            LOG.info("Handled request", request=format % args)


def serve() -> None:
    """Start the dashboard, and the health check if the environment asks for it as CVAT's compose file does."""
    projects.ensure_default(DEFAULT_NAMESPACE)
    if os.environ.get("NUCLIO_CHECK_FUNCTION_CONTAINERS_HEALTHINESS", "").lower() == "true":
        threading.Thread(target=health.watch, args=(LOG,), daemon=True).start()
    LOG.info("Listening", listenAddress=f":{PORT}")
    ThreadingHTTPServer(("", PORT), Handler).serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # else the first process of a container does not hear it
    serve()
