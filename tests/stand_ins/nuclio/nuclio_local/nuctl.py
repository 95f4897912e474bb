"""nuctl: one function per command. Exit codes are 0 and 1 only."""

from __future__ import annotations

import argparse
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from nuclio_local import (
    ARCHITECTURE,
    DEFAULT_NAMESPACE,
    VERSION,
    deploy_options,
    flags,
    functionconfig,
    functions,
    image_builder,
    projects,
    render,
    store,
)
from nuclio_local.errors import NuclioError, StatusError, not_found
from nuclio_local.log import Log


def main(arguments: list[str] | None = None) -> int:
    """Run one command."""
    options = flags.parser().parse_args(arguments)
    try:
        if options.command in ("version", "ver"):
            text = f"Label: {VERSION}, Git commit: stand-in, OS: linux, Arch: {ARCHITECTURE}, Go version: none"
            print(f'Client version:\n"{text}"')
            return 0
        _refuse_kubernetes(options)
        options.namespace = options.namespace or DEFAULT_NAMESPACE
        projects.ensure_default(options.namespace)
        command = options.command if options.command in ("deploy", "invoke") else _command_name(options)
        COMMANDS[command](options, Log("nuctl", options.verbose))
    except StatusError as error:
        sys.stdout.write(str(error))
        return 1
    except NuclioError as error:
        sys.stderr.write(error.stack())
        return 1
    return 0


def _command_name(options: argparse.Namespace) -> str:
    return "build" if options.command in ("build", "bu") else f"{options.command} {options.kind}"


def _refuse_kubernetes(options: argparse.Namespace) -> None:
    kubeconfig = options.kubeconfig or os.environ.get("KUBECONFIG") or str(Path.home() / ".kube/config")
    if options.platform == "kube" or (options.platform == "auto" and Path(kubeconfig).exists()):
        raise NuclioError("Failed to create platform", "the stand-in has no Kubernetes: use --platform local")


def get_functions(options: argparse.Namespace, _log: Log) -> None:
    """nuctl get functions [name]: a name that does not exist is an error, an empty list is not."""
    found = store.read_all("functions", options.namespace, options.name)
    wanted = deploy_options.pairs(options.labels)
    found = [r for r in found if all(r["metadata"]["labels"].get(k) == v for k, v in wanted.items())]
    _show(found, options.name, "No functions found", render.functions(found, options.output))


def get_projects(options: argparse.Namespace, _log: Log) -> None:
    """nuctl get projects [name]."""
    found = store.read_all("projects", options.namespace, options.name)
    _show(found, options.name, "No projects found", render.projects(found, options.output))


def _show(found: list[store.Record], name: str, none_found: str, text: str) -> None:
    if not found and name:
        raise not_found(none_found)
    sys.stdout.write(text if found else f"{none_found}\n")


def create_projects(options: argparse.Namespace, _log: Log) -> None:
    """nuctl create project: succeeds also if the project exists."""
    projects.save(options.namespace, options.name[0], options.description, options.owner)


def delete_projects(options: argparse.Namespace, _log: Log) -> None:
    """nuctl delete project."""
    projects.remove(options.namespace, options.name[0])


def delete_functions(options: argparse.Namespace, log: Log) -> None:
    """nuctl delete function [--force]."""
    functions.remove(options.namespace, options.name[0], options.force, log)


def deploy(options: argparse.Namespace, log: Log) -> None:
    """nuctl deploy: build and start a function, or start an existing image (--run-image)."""
    config = deploy_options.configuration(options, options.namespace)
    deploy_options.apply(options, config)
    source = None if config["spec"].get("image") else _source(options)
    functions.deploy(config, source, log)


def build(options: argparse.Namespace, log: Log) -> None:
    """nuctl build: only the image."""
    config = deploy_options.configuration(options, options.namespace)
    functionconfig.enrich(config)
    image_builder.build(config, _source(options), log)


def _source(options: argparse.Namespace) -> Path:
    if not options.path:
        raise NuclioError("Function path must be provided when specified runtime isn't shell")
    source = Path(options.path).resolve()
    if not source.exists():
        raise NuclioError("Failed to resolve function path", f"Function path doesn't exist: {source}")
    return source


def invoke(options: argparse.Namespace, log: Log) -> None:
    """nuctl invoke: through the published port, so an unpublished function cannot be invoked from the host."""
    found = store.read_all("functions", options.namespace, options.name)
    if not found:
        raise NuclioError("Failed to invoke function", f"Function not found: {options.name} @ {options.namespace}")
    address = options.external_ips.split(",")[0] or "127.0.0.1"
    url = f"http://{address}:{found[0]['status'].get('httpPort', 0)}/{options.path.lstrip('/')}"
    method = options.method or ("POST" if options.body else "GET")
    log.info("Executing function", method=method, url=url)
    headers = {"Content-Type": options.content_type, **deploy_options.pairs(options.headers)}
    request = urllib.request.Request(url, data=options.body.encode() or None, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=float(options.timeout.rstrip("s"))) as response:
            answer = response
            body = response.read()
    except urllib.error.HTTPError as error:
        answer, body = error, error.read()
    except (OSError, ValueError) as error:
        raise NuclioError("Failed to invoke function", "Failed to send HTTP request", str(error)) from error
    log.info("Got response", status=str(answer.status))
    lines = "".join(f"{key} = {value}\n" for key, value in answer.headers.items())
    sys.stdout.write(f"\n> Response headers:\n{lines}\n> Response body:\n{body.decode(errors='replace')}\n")


COMMANDS = {
    "get functions": get_functions,
    "get projects": get_projects,
    "create projects": create_projects,
    "delete projects": delete_projects,
    "delete functions": delete_functions,
    "deploy": deploy,
    "build": build,
    "invoke": invoke,
}

if __name__ == "__main__":
    sys.exit(main())
