"""What can be wrong with the models: dashboard, versions, each function.

Each rule is a pure function from facts (see ``cause_facts``) to causes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils import compose_networks
from ansible_collections.annotation.server.plugins.module_utils.cause_probes_docker import crashed, telling
from ansible_collections.annotation.server.plugins.module_utils.causes import Cause, Facts, Rule, line

PROJECT = "cvat"
KINDS = ("interactor", "detector", "tracker", "reid")
ON_ITS_WAY = ("waitingForBuild", "building", "waitingForResourceConfiguration", "configuringResources")
_CARD_FULL = re.compile(r"(?i)cuda out of memory|CUBLAS_STATUS_ALLOC_FAILED")
_CARD = re.compile(
    r"(?i)cuda error|no cuda|cuda driver version|nvml|could not select device driver|nvidia-container-cli"
)


def serverless_off(facts: Facts) -> Iterator[Cause]:
    """CVAT was started without its serverless part."""
    server = facts["containers"].get("cvat_server") or {}
    if server.get("state") != "running" or not (facts["functions"] or facts["wish"]["models"]):
        return
    if server["variables"].get("CVAT_SERVERLESS", "").lower() not in ("1", "true", "yes"):
        yield Cause(
            key="models.off",
            problem="CVAT was started without docker-compose.serverless.yml, so it has no models.",
            evidence=("docker inspect cvat_server: CVAT_SERVERLESS is not set",),
            effect="CVAT has no page Models.",
            cure="Run site.yml with --tags cvat; never start CVAT with -f docker-compose.yml alone.",
            explains=("models.*", "container.missing.nuclio"),
        )


def invoked_directly(facts: Facts) -> Iterator[Cause]:
    """CVAT calls models at published ports that they do not have, or no longer have."""
    server = facts["containers"].get("cvat_server") or {"variables": {}}
    method = server["variables"].get("CVAT_NUCLIO_INVOKE_METHOD", "direct")
    if server.get("state") != "running" or method == "dashboard":
        return
    wrong = []
    for function in facts["functions"]:
        container = facts["containers"].get(function["container"]) or {"ports": []}
        if function["port"] not in container["ports"]:
            ports = ", ".join(map(str, container["ports"])) or "none"
            wrong.append(f"{function['name']}: port {function['port'] or 'none'} by Nuclio's record, {ports} by Docker")
    if wrong:
        yield Cause(
            key="models.direct",
            problem="CVAT calls its models at host.docker.internal, at ports that they do not have (any more).",
            evidence=("docker inspect cvat_server: CVAT_NUCLIO_INVOKE_METHOD is 'direct'", *wrong[:4]),
            effect="AI tools answer 503 for host.docker.internal; after each reboot the ports are others.",
            cure="Run site.yml with --tags cvat,models: CVAT then calls them through the dashboard.",
        )


def versions(facts: Facts) -> Iterator[Cause]:
    """nuctl of another version than the dashboard."""
    image = (facts["containers"].get("nuclio") or {}).get("image", "")
    match = re.search(r"dashboard:([0-9][0-9A-Za-z.]*)", image)
    nuctl = (facts["versions"] or {}).get("nuctl", "")
    if match and nuctl and nuctl != match[1]:
        yield Cause(
            key="models.versions",
            problem=f"nuctl is {nuctl}, and Nuclio's dashboard is {match[1]}: they must be of one version.",
            evidence=(f"nuctl version: {nuctl}", f"docker ps: nuclio is {image}"),
            effect="Models do not build or do not start.",
            cure="Run site.yml with --tags models, which installs the right nuctl.",
        )


def dashboard(facts: Facts) -> Iterator[Cause]:
    """A dashboard that runs and that CVAT does not reach."""
    asked = (facts["inside"] or {}).get("dashboard")
    nuclio = facts["containers"].get("nuclio") or {}
    if asked and asked["status"] != 200 and nuclio.get("state") == "running":
        yield Cause(
            key="models.unreachable",
            problem="CVAT does not reach Nuclio's dashboard, although it runs.",
            evidence=(
                f"http://nuclio:8070 from cvat_server: {asked['status'] or ''} {line(asked['error'])}",
                *([f"docker logs nuclio: {line(telling(nuclio['log']))}"] if nuclio.get("log") else []),
            ),
            effect="CVAT's page Models is empty, and AI tools answer 503.",
            cure="docker restart nuclio; 'docker logs nuclio' says what it lacks.",
            explains=("models.unlisted",),
        )


#: Kind, what is wrong, cure, evidence.
Wrong = tuple[str, str, str, list[str]]


def _not_up(function: dict[str, Any], container: dict[str, Any]) -> Wrong | None:
    """Return why a function does not answer; None when it does, as far as Nuclio and Docker know."""
    name, state, called = function["name"], function["state"], function["container"]
    record, again = f"Nuclio's record of {name}: {state}", f"site.yml with --tags {name}"
    telltale = telling(container["log"], crashed(container))
    log = [f"docker logs {called}: {line(telltale)}"] if telltale else []
    log += [f"docker inspect {called}: {line(container['error'])}"] if container["error"] else []
    looping = container["state"] == "restarting" or (container["restarts"] >= 3 and container["running_seconds"] < 120)
    running = container["state"] == "running" and not looping
    # Nuclio calls unhealthy also what was only stopped; of what runs, Docker knows better, which looks more often.
    ill = container["health"] == "unhealthy" or (state == "unhealthy" and not container["health"])
    failed = state == "error" or crashed(container) or (running and ill)
    if looping or failed:
        said = [f"{record}: {line(function['message'])}" if function["message"] else record]
        more = [f"code {container['exit_code']}"] if container["exit_code"] else []
        more += [container["health"]] if running and container["health"] else []
        words = ", ".join([container["state"], *more, f"started anew {container['restarts']} times"])
        said += [f"docker ps: {called} is {words}"]
        said += [f"last deploy: {line(function['deploy_error'])}"] if function["deploy_error"] else []
        return "error", "is in error and does not answer", _cure(container, function), said + log
    if not running:
        ended = f"(code {container['exit_code']}), since {container['ended']} UTC"
        said = [f"docker ps: {called} is {container['state']} {ended}", *log]
        start = f"docker start {called}; if it ends again, run {again}."
        return "stopped", "does not run", _cure(container, function) if container["error"] else start, said
    if container["health"] == "starting":
        said = [f"docker ps: {called} runs for {container['running_seconds']} s, its check has not agreed yet", *log]
        return "starting", "is starting", "Wait a minute, then run diagnose again.", said
    if state in ON_ITS_WAY:
        cure = f"If no deploy runs: nuctl delete function {name} --force --platform local, then run {again}."
        return "building", f"is noted as '{state}': a deploy runs, or was killed", cure, [record]
    return None


def _out_of_place(function: dict[str, Any], container: dict[str, Any], network: str) -> Wrong | None:
    """Return why CVAT does not find a function that runs; None when it does. ``network`` is CVAT's own."""
    name, called = function["name"], function["container"]
    record, cure = f"Nuclio's record of {name}: ", f"Run site.yml with --tags {name}."
    if function["project"] != PROJECT:
        said = [f"{record}project '{function['project'] or 'none'}'"]
        return "project", f"is not in Nuclio's project '{PROJECT}', so CVAT does not show it", cure, said
    # The dashboard is in both; of a model that stands in CVAT's speaks another rule.
    addresses = [
        container["addresses"][name] for name in (compose_networks.NAME, network) if name in container["addresses"]
    ]
    if not addresses:
        said = [f"docker inspect {called}: on {', '.join(container['addresses']) or 'no network'}"]
        return "network", f"is not on the network {compose_networks.NAME}, where it is called", cure, said
    address = addresses[0]
    if function["addresses"] and address and address not in function["addresses"]:
        said = [f"{record}called at {', '.join(function['addresses'])}", f"docker inspect {called}: has {address}"]
        return "address", "has another address than the one at which it is called, as after a reboot", cure, said
    if function["type"] not in KINDS:
        said = [f"{record}annotation type is '{function['type'] or 'none'}'"]
        cure = f"Write one of {', '.join(KINDS)} into its function.yaml, then run site.yml with --tags {name}."
        return "type", "is of a type that CVAT does not know, so it does not show it", cure, said
    return None


def _wrong(function: dict[str, Any], container: dict[str, Any] | None, network: str) -> Wrong | None:
    """Return what is wrong with one function; None when it is well."""
    if container is None:
        name, called = function["name"], function["container"]
        said = [f"Nuclio's record of {name}: {function['state']}", f"docker ps --all: no {called}"]
        return "gone", "is deployed, and its container is gone", f"Run site.yml with --tags {name}.", said
    return _not_up(function, container) or _out_of_place(function, container, network)


def _cure(container: dict[str, Any], function: dict[str, Any]) -> str:
    """Return what helps a model that cannot run, by what it or Docker says."""
    said = " ".join([*container["log"], function["message"], container["error"]])
    if _CARD_FULL.search(said):
        return "Run fewer or smaller models on this card; 'nvidia-smi' shows who holds its memory."
    if _CARD.search(said):
        return "Run site.yml with --tags gpu,models."
    return f"Mend what its log names, then run site.yml with --tags {function['name']}."


def functions(facts: Facts) -> Iterator[Cause]:
    """Each model: is it there, does it run, is it where CVAT looks for it."""
    if not facts["docker"]["reachable"]:
        return
    for function in facts["functions"]:
        wrong = _wrong(function, facts["containers"].get(function["container"]), facts["wish"]["network"])
        if wrong:
            kind, what, cure, said = wrong
            yield Cause(
                key=f"model.{kind}.{function['name']}",
                problem=f"The model {function['name']} {what}.",
                evidence=tuple(said),
                effect="Requests to it end with an error." if kind not in ("project", "type") else "",
                cure=cure,
                explains=("models.unlisted",),
            )
        elif function["deploy_error"]:
            yield Cause(
                key=f"model.deploy.{function['name']}",
                problem=f"The last deploy of the model {function['name']} failed; the one before serves.",
                evidence=(f"last deploy: {line(function['deploy_error'])}",),
                cure=f"Mend what it names, then run site.yml with --tags {function['name']}.",
                risk=True,
            )
    there = {function["name"] for function in facts["functions"]}
    for name in sorted(set(facts["wish"]["models"]) - there):
        yield Cause(
            key=f"model.missing.{name}",
            problem=f"The model {name} is asked for, and is not deployed.",
            evidence=(
                f"Nuclio's store: {', '.join(sorted(there)) or 'no functions'}",
                f"nuclio_functions in the inventory: {name}",
            ),
            cure=f"Run site.yml with --tags {name}.",
        )


def unlisted(facts: Facts) -> Iterator[Cause]:
    """CVAT itself says that it cannot list its models, for no reason that was found."""
    listed = (facts["cvat"] or {}).get("functions")
    if not listed or listed["status"] in (401, 403):
        return
    if listed["status"] != 200:
        seen, problem = f"/api/lambda/functions: {line(listed['error'])}", "CVAT cannot list its models."
    else:
        missing = sorted(
            {one["name"] for one in facts["functions"] if one["project"] == PROJECT} - set(listed["listed"])
        )
        if not missing:
            return
        seen, problem = f"/api/lambda/functions: no {', '.join(missing)}", f"CVAT does not list {', '.join(missing)}."
    yield Cause(
        key="models.unlisted",
        problem=problem,
        evidence=(seen,),
        effect="CVAT's page Models is empty or not complete.",
        cure="Read 'docker logs cvat_server' and 'docker logs nuclio'; then docker restart nuclio.",
    )


RULES: tuple[Rule, ...] = (
    serverless_off,
    invoked_directly,
    dashboard,
    functions,
    versions,
    unlisted,
)
