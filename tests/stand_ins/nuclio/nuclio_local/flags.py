"""nuctl's command line: commands, aliases and flags of release 1.16, as far as they concern Docker."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

OUTPUT_FORMS = ("text", "wide", "yaml", "json")


class Parser(argparse.ArgumentParser):
    """Ends with 1 on a wrong command line: nuctl knows no other code."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong."""
        sys.stderr.write(f"Error: {message}\n")
        sys.exit(1)


def parser() -> Parser:
    """Return the parser of the whole command line."""
    everywhere = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    _persistent(everywhere)
    root = Parser(prog="nuctl", description="Stand-in for the Nuclio command-line interface")
    _persistent(root)
    root.set_defaults(
        verbose=False,
        platform=os.environ.get("NUCTL_PLATFORM", "auto"),
        namespace=os.environ.get("NUCTL_NAMESPACE", ""),
        kubeconfig="",
    )
    commands = root.add_subparsers(dest="command", required=True, parser_class=Parser)
    commands.add_parser("version", aliases=["ver"], parents=[everywhere])
    _deploy(commands.add_parser("deploy", parents=[everywhere], argument_default=None))
    build = commands.add_parser("build", aliases=["bu"], parents=[everywhere])
    _build_flags(build)
    _invoke(commands.add_parser("invoke", parents=[everywhere]))
    for verb in ("create", "get", "delete"):
        _resources(verb, commands.add_parser(verb, parents=[everywhere]), everywhere)
    return root


def _persistent(target: argparse.ArgumentParser) -> None:
    target.add_argument("--verbose", "-v", action="store_true")
    target.add_argument("--platform")
    target.add_argument("--namespace", "-n")
    target.add_argument("--kubeconfig", "-k")


def _resources(verb: str, target: argparse.ArgumentParser, everywhere: Parser) -> None:
    kinds = target.add_subparsers(dest="kind", required=True, parser_class=Parser)
    aliases = {"projects": ["project", "proj", "prj"], "functions": ["function", "fu", "fn"]}
    for kind in ("projects",) if verb == "create" else ("projects", "functions"):
        resource = kinds.add_parser(kind, aliases=aliases[kind], parents=[everywhere])
        resource.set_defaults(kind=kind)
        resource.add_argument("name", nargs="?" if verb == "get" else 1, default="")
        if verb == "get":
            resource.add_argument("--output", "-o", choices=OUTPUT_FORMS, default="text")
            resource.add_argument("--labels", "-l", default="")
        elif verb == "create":
            resource.add_argument("--description", default="")
            resource.add_argument("--owner", default="")
        elif kind == "functions":
            resource.add_argument("--force", action="store_true")
        else:
            resource.add_argument("--strategy", default="restricted")


def _build_flags(target: argparse.ArgumentParser) -> None:
    target.add_argument("name", nargs="?", default="")
    target.add_argument("--path", "-p", default="")
    target.add_argument("--file", "-f", default="")
    target.add_argument("--image", "-i", default="")
    target.add_argument("--registry", "-r", default="")
    target.add_argument("--runtime", default="")
    target.add_argument("--handler", default="")
    target.add_argument("--no-pull", action="store_true")
    target.add_argument("--no-cleanup", action="store_true")
    target.add_argument("--base-image", default="")
    target.add_argument("--onbuild-image", default="")
    target.add_argument("--build-command", action="append", default=[])


def _deploy(target: argparse.ArgumentParser) -> None:
    _build_flags(target)
    target.add_argument("--desc", default="")
    target.add_argument("--project-name", default="")
    target.add_argument("--labels", "-l", default="")
    target.add_argument("--annotations", default="")
    target.add_argument("--env", "-e", action="append", default=[])
    target.add_argument("--volume", action="append", default=[])
    target.add_argument("--resource-limit", action="append", default=[])
    target.add_argument("--resource-request", action="append", default=[])
    target.add_argument("--triggers", default="")
    target.add_argument("--platform-config", default="")
    target.add_argument("--run-image", default="")
    target.add_argument("--readiness-timeout", type=int, default=-1)
    target.add_argument("--http-trigger-service-type", default="")
    target.add_argument("--logger-level", default="")


def _invoke(target: argparse.ArgumentParser) -> None:
    target.add_argument("name")
    target.add_argument("--body", "-b", default="")
    target.add_argument("--content-type", "-c", default="application/json")
    target.add_argument("--method", "-m", default="")
    target.add_argument("--headers", "-d", default="")
    target.add_argument("--path", "-p", default="")
    target.add_argument("--via", default="any")
    target.add_argument("--external-ips", default=os.environ.get("NUCTL_EXTERNAL_IP_ADDRESSES", ""))
    target.add_argument("--timeout", "-t", default="60s")
    target.add_argument("--log-level", "-l", default="info")
