"""Every rule over what was recorded of a finished demo server: silent on it, and first when its fault is put in."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.annotation.server.plugins.module_utils import causes
from ansible_collections.annotation.server.plugins.module_utils.cause_rules import RULES

RECORDED = json.loads((Path(__file__).parent / "recorded/facts_healthy.json").read_text(encoding="utf-8"))
Facts = dict[str, Any]


def keys(facts: Facts, risks: bool = False) -> list[str]:
    """Return the keys of what is found, in order."""
    return [each.cause.key for each in causes.find(facts, RULES) if risks or not each.cause.risk]


@pytest.fixture
def facts() -> Facts:
    return copy.deepcopy(RECORDED)


def change(facts: Facts, path: str, value: Any) -> None:
    """Set ``a/b/c`` in nested mappings; what is missing on the way is made."""
    *way, last = path.split("/")
    for step in way:
        facts = facts.setdefault(step, {})
    facts[last] = {**facts[last], **value} if path.count("/") == 1 and path.startswith("containers/") else value


def stopped(name: str, **more: Any) -> Callable[[Facts], Any]:
    """Return what stops a container."""

    def put(facts: Facts) -> None:
        ended = {"state": "exited", "exit_code": 137, "ended": "2026-11-25 18:00:00", "running_seconds": 0}
        facts["containers"][name].update(ended, **more)

    return put


def sets(**changes: Any) -> Callable[[Facts], Any]:
    """Return what sets values; ``__`` stands for ``/``."""

    def put(facts: Facts) -> None:
        for path, value in changes.items():
            change(facts, path.replace("__", "/"), value)

    return put


def both(*faults: Callable[[Facts], Any]) -> Callable[[Facts], Any]:
    """Return what puts in several faults."""

    def put(facts: Facts) -> None:
        for fault in faults:
            fault(facts)

    return put


def function(name: str = "sam2", **changes: Any) -> Callable[[Facts], Any]:
    """Return what changes Nuclio's record of a model."""

    def put(facts: Facts) -> None:
        next(one for one in facts["functions"] if one["name"] == name).update(changes)

    return put


def data_disk(**changes: Any) -> Callable[[Facts], Any]:
    """Return what makes CVAT's data a disk of its own."""

    def put(facts: Facts) -> None:
        disk = {
            "mount": "/srv/data",
            "fstype": "ext4",
            "read_only": False,
            "free": 900 * 1024**3,
            "used_percent": 10.0,
            "cvat_percent": 10.0,
            "free_inodes_percent": 90.0,
            "holds": {"CVAT's data": "/srv/data"},
        }
        facts["disks"].append({**disk, **changes})

    return put


def docker_down(facts: Facts) -> None:
    facts["docker"].update(reachable=False, error="Cannot connect to the Docker daemon at unix:///var/run/docker.sock.")
    facts["units"]["docker.service"].update(ActiveState="inactive")
    facts.update(containers={}, networks=[], functions=[], inside=None)
    facts["cvat"].update(status=0, error="CVAT does not answer: Connection refused", parts=None)
    facts["storage"].update(live=False, error="Connection refused", code=None)
    facts.pop("share_inside", None)


def dashboard_stopped(facts: Facts) -> None:
    stopped("nuclio", log=["Received signal, stopping"])(facts)
    facts["cvat"]["functions"] = {"status": 503, "error": "CVAT answered 503"}
    facts["inside"]["dashboard"] = {"status": 0, "error": "Name or service not known"}
    facts["inside"]["resolve"]["nuclio"] = []


def share_unmounted(facts: Facts) -> None:
    facts["share"].update(expected_by=["/etc/fstab"], mounted="")
    facts["share"]["containers"] = dict.fromkeys(facts["share"]["containers"], "nfs4 nas:/export /")


def function_in_error(facts: Facts) -> None:
    function(state="error", message="Function is not healthy")(facts)
    log = ["2026 starting", "RuntimeError: cannot read weights"]
    facts["containers"]["nuclio-nuclio-sam2"].update(state="restarting", restarts=7, log=log)


def bucket_key_wrong(facts: Facts) -> None:
    facts["storage"].update(code="SignatureDoesNotMatch", error="An error occurred (SignatureDoesNotMatch)")
    facts["cvat"]["storages"]["list"][0]["state"] = "FORBIDDEN"


def disk_full(facts: Facts) -> None:
    data_disk(used_percent=95.0, cvat_percent=95.0, free=5 * 1024**3)(facts)
    facts["cvat"].update(status=500)
    facts["cvat"]["parts"]["DiskUsage"] = "warning: 95.0% disk usage exceeds 90%"


FIVE = {
    "container.stopped.nuclio": dashboard_stopped,
    "share.unmounted.share": share_unmounted,
    "model.error.sam2": function_in_error,
    "storage.key": bucket_key_wrong,
    "disk.full./srv/data": disk_full,
}


def mount_fails_and_docker_waits(facts: Facts) -> None:
    docker_down(facts)
    facts["docker_journal"] = ["Dependency failed for docker.service - Docker Application Container Engine."]
    facts["share"].update(mounted="", expected_by=["/etc/fstab"], containers={})


def no_room_for_the_database(facts: Facts) -> None:
    facts["disks"][0].update(used_percent=100.0, cvat_percent=100.0, free=0)
    words = 'FATAL:  could not write lock file "postmaster.pid": No space left on device'
    stopped("cvat_db", log=[words], state="restarting", restarts=9)(facts)
    facts["cvat"].update(status=500, parts=None, error="CVAT answered 500")


def memory_gone(facts: Facts) -> None:
    facts["oom"] = [
        {
            "id": facts["containers"]["nuclio-nuclio-openvino-dextr"]["id"],
            "task": "python3",
            "line": "oom-kill:constraint=CONSTRAINT_NONE,task_memcg=/system.slice/docker-x.scope,task=python3",
        }
    ]
    stopped("nuclio-nuclio-openvino-dextr")(facts)


def two_releases(facts: Facts) -> None:
    facts["containers"]["cvat_worker_export"]["image"] = "cvat/server:v2.79.0"


def network_overlaps(facts: Facts) -> None:
    for network in facts["networks"]:
        if network["name"] == "cvat_cvat":
            network.update(name="other_default", subnets=["172.20.0.0/16"], containers={})


def network_gone(facts: Facts) -> None:
    facts["networks"] = [network for network in facts["networks"] if network["name"] != "cvat_cvat"]


def address_taken(facts: Facts) -> None:
    address = facts["wanted"]["services"]["traefik"]["address"]
    network = next(one for one in facts["networks"] if one["name"] == "cvat_cvat")
    network["containers"].pop("traefik", None)
    network["containers"]["stranger"] = address
    stopped("traefik", state="created", error="Address already in use")(facts)


def port_taken(facts: Facts) -> None:
    port = facts["wanted"]["services"]["traefik"]["ports"][0]["port"]
    stopped("traefik", ports=[], error="failed to bind host port: address already in use")(facts)
    facts["listeners"] = [{"address": "0.0.0.0", "port": port, "pid": 99, "process": "nginx"}]
    facts["cvat"].update(status=404, parts=None, error="CVAT answered 404")


def name_unknown(facts: Facts) -> None:
    facts["wish"]["host"] = facts["cvat"]["host"] = "cvat.example.org"
    facts["cvat"].update(
        status=404, parts=None, error="CVAT answered 404 to GET /api/server/health/: 404 page not found"
    )


def taken_down(facts: Facts) -> None:
    facts["containers"] = {
        name: one for name, one in facts["containers"].items() if one["project"] != "cvat" and not one["function"]
    }
    facts.update(inside=None, functions=[])
    facts["wish"]["models"] = []
    facts["cvat"].update(status=0, parts=None, error="Connection refused")


def proxy_refuses(facts: Facts) -> None:
    facts["inside"]["proxy"] = {"status": 407, "error": "Egress proxying is denied to host 'minio:9000'"}
    facts["containers"]["cvat_server"]["variables"]["SMOKESCREEN_OPTS"] = ""
    facts["cvat"]["storages"]["list"][0]["state"] = "NOT_FOUND"


def bucket_gone(facts: Facts) -> None:
    facts["storage"].update(code="NoSuchBucket", error="(NoSuchBucket)")
    facts["cvat"]["storages"]["list"][0]["state"] = "NOT_FOUND"


def started_anew(facts: Facts) -> None:
    facts["cvat"].update(status=502, parts=None, error="CVAT answered 502")
    facts["containers"]["cvat_server"].update(running_seconds=20, log=["Applying engine.0093_x..."])


def down(facts: Facts) -> None:
    facts["cvat"].update(status=502, parts=None, error="CVAT answered 502")
    facts["containers"]["cvat_server"].update(running_seconds=90000)


def database_refuses(facts: Facts) -> None:
    facts["cvat"].update(status=500)
    facts["cvat"]["parts"].update({"DatabaseBackend": "unavailable", "MigrationsHealthCheck": "unavailable"})
    facts["containers"]["cvat_db"]["log"] = ["FATAL:  the database system is in recovery mode"]


def card(facts: Facts, **changes: Any) -> None:
    facts["gpu"] = {"used": True, "smi": 0, "said": "GPU 0: L4", "loaded": "580.1", "installed": "580.1", **changes}


def gpu_mismatch(facts: Facts) -> None:
    said = "Failed to initialize NVML: Driver/library version mismatch"
    card(facts, smi=18, said=said, installed="580.2")
    facts["gpu_lost"] = {"nuclio-nuclio-sam2": "Failed to initialize NVML: Driver/library version mismatch"}
    facts["reboot_required"] = True


def gpu_lost(facts: Facts) -> None:
    card(facts)
    facts["gpu_lost"] = {"nuclio-nuclio-sam2": "Failed to initialize NVML: Unknown Error"}
    facts["containers"]["nuclio-nuclio-sam2"]["health"] = "unhealthy"


def certificate(**changes: Any) -> Callable[[Facts], Any]:
    good = {"used": True, "name": "cvat.example.org", "error": "", "number": 0, "days": 300}
    return sets(certificate={**good, **changes})


CASES: dict[str, tuple[str, Callable[[Facts], Any]]] = {
    **{f"five: {key}": (key, fault) for key, fault in FIVE.items()},
    "Docker stopped": ("docker.down", docker_down),
    "Docker hangs": ("docker.hangs", both(docker_down, sets(docker__hangs=True))),
    "Docker stopped and not enabled": (
        "docker.down",
        both(docker_down, lambda facts: facts["units"]["docker.service"].update(UnitFileState="disabled")),
    ),
    "Docker not installed": ("docker.missing", both(docker_down, sets(docker__installed=False))),
    "a mount fails at boot": ("share.unmounted.share", mount_fails_and_docker_waits),
    "no room at all": (f"disk.full.{RECORDED['disks'][0]['mount']}", no_room_for_the_database),
    "no inodes": (
        f"disk.inodes.{RECORDED['disks'][0]['mount']}",
        lambda facts: facts["disks"][0].update(free_inodes_percent=0.0),
    ),
    "disk read-only": (
        f"disk.read_only.{RECORDED['disks'][0]['mount']}",
        both(lambda facts: facts["disks"][0].update(read_only=True), stopped("cvat_db")),
    ),
    "memory": ("memory.short", memory_gone),
    "memory, nothing ended yet": ("memory.short", sets(memory={"total": 16000, "available": 100})),
    "clock": ("clock.wrong", sets(clock__offset=-1200.0, storage__code="RequestTimeTooSkewed")),
    "firewall": ("net.firewall", sets(firewall__known=True, firewall__dnat=[])),
    "secrets gone": ("secrets.missing", sets(secrets__error="No such file or directory")),
    "compose files broken": ("compose.broken", sets(wanted__error="yaml: line 3: mapping values are not allowed")),
    "no CVAT": ("compose.absent", sets(wanted={"error": "holds no CVAT", "services": {}, "absent": True})),
    "taken down": ("container.none", taken_down),
    "network overlaps": ("net.overlap", network_overlaps),
    "network gone": ("net.none", network_gone),
    "address taken": ("net.address.traefik", address_taken),
    "port taken": (f"net.port.{RECORDED['wanted']['services']['traefik']['ports'][0]['port']}", port_taken),
    "port taken by a container": (
        f"net.port.{RECORDED['wanted']['services']['traefik']['ports'][0]['port']}",
        both(
            port_taken,
            lambda facts: facts["listeners"].clear(),
            lambda facts: facts["containers"].update(
                other={**copy.deepcopy(facts["containers"]["cvat_ui"]), "project": "other", "ports": [8080]}
            ),
        ),
    ),
    "engine too new": (
        "docker.too_new.nuclio",
        both(dashboard_stopped, sets(containers__nuclio__log=["client version 1.42 is too old. Minimum is 1.44"])),
    ),
    "two releases": ("upgrade.half", two_releases),
    "upgrade noted": (
        "upgrade.half",
        both(started_anew, sets(upgrade={"from": "v2.79.0", "to": "v2.80.0", "phase": "changing"})),
    ),
    "database stopped": (
        "container.stopped.cvat_db",
        both(stopped("cvat_db"), database_refuses, sets(cvat__functions={"status": 500, "error": "CVAT answered 500"})),
    ),
    "frozen": (
        "container.paused.cvat_server",
        both(down, sets(containers__cvat_server={"state": "paused", "log": ["OperationalError: of before"]})),
    ),
    "looping": ("container.loops.cvat_opa", sets(containers__cvat_opa__state="restarting")),
    "own check": ("container.unhealthy.minio", sets(containers__minio__health="unhealthy")),
    "container missing": ("container.missing.cvat_ui", lambda facts: facts["containers"].pop("cvat_ui")),
    "share mounted late": (
        "share.stale.share",
        both(
            sets(share__mounted="nfs4 nas:/export"),
            lambda facts: facts["share"]["containers"].update(cvat_server="overlay overlay /mnt/share"),
        ),
    ),
    "share folder made anew": (
        "share.stale.share",
        lambda facts: facts["share"]["containers"].update(cvat_server="ext4 /dev/sda1 /mnt/share//deleted"),
    ),
    "share not given": (
        "share.absent.share",
        lambda facts: facts["share"]["containers"].update(cvat_worker_import="absent"),
    ),
    "share gone": ("share.missing.share", sets(share__exists=False)),
    "share hangs": ("share.missing.share", sets(share__exists=None, share_inside__error="no answer within 8 s")),
    "share unreadable": ("share.inside.share", sets(share_inside__error="PermissionError: [Errno 13]")),
    "object storage does not answer": (
        "storage.down",
        both(sets(storage__live=False, storage__error="timed out"), bucket_gone, sets(storage__live=False)),
    ),
    "key unknown": ("storage.key", sets(storage__code="InvalidAccessKeyId")),
    "no rights": ("storage.key", sets(storage__code="AccessDenied")),
    "object storage ill": ("storage.error", sets(storage__code="InternalError", storage__error="(InternalError)")),
    "bucket gone": ("storage.bucket", bucket_gone),
    "proxy refuses": ("storage.proxy", proxy_refuses),
    "not registered": ("storage.unregistered", lambda facts: facts["cvat"]["storages"]["list"].clear()),
    "registered with another key": (
        f"storage.registered.{RECORDED['cvat']['storages']['list'][0]['name']}",
        lambda facts: facts["cvat"]["storages"]["list"][0].update(state="FORBIDDEN"),
    ),
    "name unknown": ("cvat.names", name_unknown),
    "certificate expired": ("certificate.time", both(certificate(number=10, error="certificate has expired"), down)),
    "certificate of another name": ("certificate.name", certificate(number=62, error="Hostname mismatch")),
    "authority unknown": ("certificate.authority", certificate(number=20, error="unable to get local issuer")),
    "database refuses": ("database.refuses", database_refuses),
    "migrations": (
        "database.migrations",
        lambda facts: facts["cvat"]["parts"].update(MigrationsHealthCheck="unavailable: migrations not applied"),
    ),
    "names in containers": ("net.dns", sets(inside__resolve__cvat_db=[])),
    "proxy of the outside": (
        "net.proxy",
        sets(containers__cvat_server__proxy=True, containers__cvat_server__no_proxy="localhost"),
    ),
    "no way to CVAT": ("cvat.404", sets(cvat__parts=None, cvat__status=404, cvat__error="404 page not found")),
    "starting": ("cvat.starting", started_anew),
    "no answer": ("cvat.down", down),
    "cache ill": ("cvat.part.Cache.media", lambda facts: facts["cvat"]["parts"].update({"Cache backend: media": "no"})),
    "csrf": ("cvat.csrf", sets(containers__cvat_server__log=["Forbidden (Origin checking failed - http://x)"])),
    "driver mismatch": ("gpu.driver", gpu_mismatch),
    "driver not loaded": ("gpu.driver", lambda facts: card(facts, smi=9, said="couldn't communicate", loaded="")),
    "cards lost": ("gpu.lost", gpu_lost),
    "no serverless": (
        "models.off",
        sets(containers__cvat_server__variables={"CVAT_NUCLIO_INVOKE_METHOD": "dashboard"}),
    ),
    "direct": ("models.direct", sets(containers__cvat_server__variables__CVAT_NUCLIO_INVOKE_METHOD="direct")),
    "dashboard does not answer": ("models.unreachable", sets(inside__dashboard={"status": 0, "error": "timed out"})),
    "versions": ("models.versions", sets(versions__nuctl="1.15.9")),
    "model stopped": ("model.stopped.openvino-dextr", stopped("nuclio-nuclio-openvino-dextr")),
    "model stopped, and the dashboard knows": (
        "model.stopped.openvino-dextr",
        both(
            stopped("nuclio-nuclio-openvino-dextr", health="unhealthy"),
            function("openvino-dextr", state="unhealthy", message="Function is not healthy"),
        ),
    ),
    "model's container gone": (
        "model.gone.openvino-dextr",
        lambda facts: facts["containers"].pop("nuclio-nuclio-openvino-dextr"),
    ),
    "model unhealthy": (
        "model.error.sam2",
        both(
            function(state="unhealthy", message="Function is not healthy"),
            lambda facts: facts["containers"]["nuclio-nuclio-sam2"].update(health="unhealthy"),
        ),
    ),
    "model starting": (
        "model.starting.sam2",
        both(
            function(state="unhealthy", message="Function is not healthy"),
            lambda facts: facts["containers"]["nuclio-nuclio-sam2"].update(health="starting", running_seconds=9),
        ),
    ),
    "deploy killed": ("model.building.sam2", function(state="building")),
    "wrong project": ("model.project.sam2", function(project="default")),
    "wrong network": (
        "model.network.sam2",
        lambda f: f["containers"]["nuclio-nuclio-sam2"].update(addresses={"bridge": ""}),
    ),
    "address changed": ("model.address.sam2", function(addresses=["172.20.0.250"])),
    "type unknown": ("model.type.sam2", function(type="segmenter")),
    "model missing": ("model.missing.other", lambda facts: facts["wish"]["models"].append("other")),
    "not listed": ("models.unlisted", lambda facts: facts["cvat"]["functions"]["listed"].remove("sam2")),
}


def test_nothing_is_wrong_with_a_healthy_server(facts: Facts) -> None:
    assert keys(facts, risks=True) == []
    assert causes.in_words(causes.find(facts, RULES)) == ["Nothing found wrong."]


@pytest.mark.parametrize("case", CASES)
def test_the_cause_is_named_first(facts: Facts, case: str) -> None:
    key, fault = CASES[case]
    fault(facts)
    found = causes.find(facts, RULES)
    assert found[0].cause.key == key, [each.cause.key for each in found]
    # What only follows from it is no cause of its own.
    assert keys(facts) == [key]
    assert all(text.endswith(".") for text in (found[0].cause.problem, found[0].cause.cure))
    assert all(": " in each for each in found[0].cause.evidence) and found[0].cause.evidence


@pytest.mark.parametrize("pair", list(itertools.combinations(FIVE, 2)), ids=" and ".join)
def test_both_of_two_faults_are_named(facts: Facts, pair: tuple[str, str]) -> None:
    for key in pair:
        FIVE[key](facts)
    assert set(keys(facts)) == set(pair)


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("RuntimeError: CUDA out of memory. Tried to allocate 2 GiB", "Run fewer or smaller models"),
        ("RuntimeError: No CUDA GPUs are available", "--tags gpu,models"),
        ("ImportError: no module named x", "--tags sam2"),
    ],
)
def test_the_cure_of_a_model_depends_on_what_it_says(facts: Facts, said: str, cure: str) -> None:
    function_in_error(facts)
    facts["containers"]["nuclio-nuclio-sam2"]["log"] = [said]
    (found,) = causes.find(facts, RULES)
    assert cure in found.cause.cure and said in found.cause.evidence[-1]


def test_a_model_for_which_docker_finds_no_card(facts: Facts) -> None:
    stopped("nuclio-nuclio-sam2", state="created", exit_code=0)(facts)
    facts["containers"]["nuclio-nuclio-sam2"]["error"] = 'could not select device driver "" with capabilities: [[gpu]]'
    (found,) = causes.find(facts, RULES)
    assert found.cause.key == "model.stopped.sam2" and found.cause.cure == "Run site.yml with --tags gpu,models."


RISKS: dict[str, Callable[[Facts], Any]] = {
    "host.reboot": sets(reboot_required=True),
    "docker.not_enabled": lambda facts: facts["units"]["docker.service"].update(UnitFileState="disabled"),
    "secrets.open": sets(secrets__open=["/etc/annotation-server/secrets has mode 0755 and belongs to user 0"]),
    "container.no_restart": sets(containers__traefik__restart="no"),
    "certificate.soon": certificate(days=5),
    "cvat.login": sets(cvat__storages={"status": 401, "error": "CVAT answered 401"}),
    "net.guard": sets(firewall__guards=["inet"]),
    "net.models": lambda f: f["containers"]["nuclio-nuclio-sam2"].update(addresses={"cvat_cvat": "172.20.1.128"}),
    "model.deploy.sam2": function(deploy_error="pip: no such package"),
    "backup.failed": both(
        sets(backup={"configured": True, "age": 60}),
        lambda facts: facts["units"].update({"annotation-server-backup.service": {"Result": "exit-code"}}),
    ),
    "backup.old": both(
        sets(backup={"configured": True, "age": 4 * 86400}),
        lambda facts: facts["units"].update({"annotation-server-backup.timer": {"ActiveState": "active"}}),
    ),
}


@pytest.mark.parametrize("key", RISKS)
def test_what_only_threatens_is_no_cause(facts: Facts, key: str) -> None:
    RISKS[key](facts)
    assert keys(facts) == [] and keys(facts, risks=True) == [key]
    assert causes.in_words(causes.find(facts, RULES))[0] == "Nothing found wrong."


SOUND: dict[str, Callable[[Facts], Any]] = {
    "a limit that was raised": both(
        data_disk(used_percent=93.0, cvat_percent=93.0, free=70 * 1024**3),
        sets(containers__cvat_server__variables__CVAT_HEALTH_DISK_USAGE_MAX="99"),
    ),
    "a large disk with much room at 96 %": lambda facts: facts["disks"][0].update(
        used_percent=96.0, cvat_percent=80.0, free=400 * 1024**3
    ),
    "a container that was killed for memory long ago and is well": lambda facts: facts["oom"].append(
        {"id": facts["containers"]["nuclio-nuclio-openvino-dextr"]["id"], "task": "python3", "line": "oom-kill:"}
    ),
    "somebody else's container that was killed": lambda facts: facts["oom"].append(
        {"id": "0" * 12, "task": "python3", "line": "oom-kill:"}
    ),
    "a firewall that cannot be asked": sets(firewall={"known": False, "dnat": []}),
    "an upgrade that ended": sets(upgrade={"from": "v2.79.0", "to": "v2.80.0", "phase": "done"}),
    "a model that came back, and that the dashboard has not looked at again": function(
        state="unhealthy", message="Function is not healthy"
    ),
    "a share that is mounted": sets(share__mounted="nfs4 nas:/export", share__expected_by=["/etc/fstab"]),
    "a proxy that is told": sets(
        containers__cvat_server__proxy=True, containers__cvat_server__no_proxy="minio, localhost,nuclio"
    ),
    "somebody else's stopped container": lambda facts: facts["containers"].update(
        other={**copy.deepcopy(facts["containers"]["traefik"]), "project": "other", "service": "web", "state": "exited"}
    ),
    "a service that does its work once": both(
        stopped("cvat_ui"), lambda facts: facts["wanted"]["services"]["cvat_ui"].update(ends=True)
    ),
    "a weekly backup": both(
        sets(backup={"configured": True, "age": 6 * 86400}),
        lambda facts: facts["units"].update(
            {
                "annotation-server-backup.timer": {
                    "ActiveState": "active",
                    "LastTriggerUSec": "Sat 2026-11-21 02:00:00 UTC",
                    "NextElapseUSecRealtime": "Sat 2026-11-28 02:00:00 UTC",
                }
            }
        ),
    ),
    "a model with ports that CVAT calls directly": both(
        sets(containers__cvat_server__variables__CVAT_NUCLIO_INVOKE_METHOD="direct"),
        lambda facts: [one.update(port=32000) for one in facts["functions"]],
        lambda facts: [one.update(ports=[32000]) for one in facts["containers"].values() if one["function"]],
    ),
}


@pytest.mark.parametrize("case", SOUND)
def test_what_is_sound_is_not_named(facts: Facts, case: str) -> None:
    SOUND[case](facts)
    assert keys(facts, risks=True) == []


def test_nothing_known_is_no_cause() -> None:
    """What could not be asked is neither well nor ill; no rule may fail on it."""
    nothing: dict[str, Any] = {name: None for name in RECORDED if name not in ("wish", "docker")}
    nothing |= {"containers": {}, "networks": [], "disks": [], "listeners": [], "functions": [], "gpu_lost": {}}
    found = keys({**nothing, "wish": {**RECORDED["wish"], "models": []}, "docker": RECORDED["docker"]}, risks=True)
    assert found == ["cvat.down"]
