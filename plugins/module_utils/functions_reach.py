"""Whom a model reaches: tried from inside its network, because a rule that is there may still not hold.

Nobody must answer. Nuclio's dashboard has no password and holds Docker's socket: who reaches it is root on the server.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping

from ansible_collections.annotation.server.plugins.module_utils import compose_networks, docker_view
from ansible_collections.annotation.server.plugins.module_utils.checklist import CheckFailed, CheckSkipped, CheckWarning
from ansible_collections.annotation.server.plugins.module_utils.docker_view import Container
from ansible_collections.annotation.server.plugins.module_utils.gpu_containers import RunCommand

DASHBOARD, DASHBOARD_PORT = "nuclio", 8070
#: Services of CVAT and the port on which each is asked inside.
SERVICE_PORTS = {
    DASHBOARD: DASHBOARD_PORT,
    "cvat_db": 5432,
    "cvat_redis_inmem": 6379,
    "cvat_redis_ondisk": 6666,
    "cvat_clickhouse": 8123,
    "cvat_server": 8080,
}
_FUNCTION_PORT = 8080
_HOST_PORTS = (22, DASHBOARD_PORT)  # beside those on which the server listens
# Runs with the server's own Python in the network of the model, so that the model's image needs none.
_TRY = """
import concurrent.futures, json, socket, sys
def answers(target):
    try:
        socket.create_connection(target, 1.5).close()
    except OSError:
        return False
    return True
targets = [tuple(target) for target in json.loads(sys.argv[1])]
with concurrent.futures.ThreadPoolExecutor(len(targets)) as pool:
    print(json.dumps(list(pool.map(answers, targets))))
"""
CURE = "Run site.yml with --tags cvat,models; 'systemctl status annotation-server-functions' tells of the rules."


def targets(
    model: Container, containers: Iterable[Container], gateways: Iterable[str], listening: Iterable[int]
) -> dict[tuple[str, int], str]:
    """Return whom a model must not reach: address and port, and what to call it.

    Args:
        model: from where it is tried.
        containers: of the server.
        gateways: the server's own addresses in its networks.
        listening: ports on which the server listens for other machines.
    """
    found: dict[tuple[str, int], str] = {}
    for container in containers:
        port = SERVICE_PORTS.get(container.service, _FUNCTION_PORT if container.function else 0)
        if not port or container.name == model.name:
            continue
        for address in filter(None, container.addresses.values()):
            found[address, port] = f"{container.name} ({address}:{port})"
    for address in gateways:
        for port in sorted({*_HOST_PORTS, *listening}):
            found[address, port] = f"the server itself ({address}:{port})"
    return found


def reached(run: RunCommand, model: Container, wanted: Mapping[tuple[str, int], str]) -> list[str]:
    """Return which of the targets answer a model.

    Raises:
        CheckSkipped: it cannot be tried from there.
    """
    inside = ["nsenter", "--target", str(model.pid), "--net"]
    status, out, err = run([*inside, sys.executable or "python3", "-c", _TRY, json.dumps(list(wanted))])
    if status != 0:
        raise CheckSkipped(f"it cannot be tried from {model.name}: {(err or out).strip()[-200:]}")
    return [name for name, answered in zip(wanted.values(), json.loads(out), strict=True) if answered]


def gateways(run: RunCommand) -> list[str]:
    """Return the server's addresses in CVAT's network and the models'."""
    names = [docker_view.NETWORK, compose_networks.NAME]
    form = "{{ range .IPAM.Config }}{{ .Gateway }} {{ end }}"
    _status, out, _err = run(["docker", "network", "inspect", "--format", form, *names])
    return out.split()


def reach_nobody(run: RunCommand, containers: list[Container], listening: Iterable[int], guarded: bool) -> str:
    """Models are alone with the dashboard in a network of their own, and begin no connection, not even to it.

    Args:
        run: runs a command on the server.
        containers: of the server.
        listening: ports on which the server listens for other machines.
        guarded: whether the packet filter is meant to be there; without it, what answers is a warning.
    """
    running = [each for each in docker_view.models(containers) if each.running]
    if not running:
        raise CheckSkipped("no model runs")
    astray = [each for each in running if set(each.addresses) != {compose_networks.NAME}]
    if ours := [each for each in astray if not each.is_foreign]:
        raise CheckFailed(
            _astray(ours), "Run site.yml with --tags cvat,models, which moves them into a network of their own."
        )
    by_hand = CheckWarning(_astray(astray), docker_view.foreign_cure(astray))
    own = [each for each in running if each not in astray]
    if not own:
        raise by_hand
    wanted = targets(own[0], containers, gateways(run), listening)
    if found := reached(run, own[0], wanted):
        text = f"{own[0].function} reaches {', '.join(found[:4])}{' and others' if len(found) > 4 else ''}"
        if not guarded:
            raise CheckWarning(
                f"{text}: annotation_server_functions_guard is false, so every model can be root here",
                "Set it to true and run site.yml with --tags cvat.",
            )
        raise CheckFailed(f"{text}: whoever takes a model over can be root here", CURE)
    if astray:
        raise by_hand
    return f"of {len(wanted)} addresses none answers {own[0].function}; models stand in {compose_networks.NAME} alone"


def _astray(models: list[Container]) -> str:
    names = ", ".join(each.function for each in models)
    where = sorted({name for each in models for name in each.addresses} - {compose_networks.NAME})
    return f"{names} in the network {', '.join(where) or 'of nobody'}: from there a model can be root here"
