"""What can be wrong with the folders of people's data and with the object storage.

Each rule is a pure function from facts (see ``cause_facts``) to causes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible_collections.annotation.server.plugins.module_utils.cause_probes_docker import telling
from ansible_collections.annotation.server.plugins.module_utils.causes import Cause, Facts, Rule, line

FOLDERS = {"share": "shared folder", "store": "object storage's folder"}
EFFECTS = {"share": "CVAT shows an empty share, or old pictures.", "store": "Buckets and pictures seem to be gone."}
REFUSED = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed")


def unmounted(facts: Facts) -> Iterator[Cause]:
    """A folder that should be a mount point and is none."""
    for kind, title in FOLDERS.items():
        place = facts[kind]
        if not place or place["mounted"]:
            continue
        inside = [name for name, seen in place["containers"].items() if seen not in ("same", "absent")]
        if not place["expected_by"] and not inside:
            continue
        folder, others = place["folder"], [f"mount table of {name}: {place['containers'][name]}" for name in inside[:1]]
        if not place["expected_by"] and "//deleted" in "".join(others):
            continue  # a folder that was made anew, not a mount: see stale
        yield Cause(
            key=f"share.unmounted.{kind}",
            problem=f"The {title} {folder} is not mounted.",
            evidence=(
                f"/proc/self/mountinfo: nothing is mounted on {folder}",
                *([f"{', '.join(place['expected_by'])}: it should be"] if place["expected_by"] else []),
                *others,
            ),
            effect=EFFECTS[kind],
            cure=f"mount {folder} ('dmesg' and 'journalctl -b' say why it is not), then docker restart "
            f"{' '.join(place['containers']) or 'the containers that use it'}.",
            explains=(
                f"share.stale.{kind}",
                f"share.inside.{kind}",
                f"share.missing.{kind}",
                "sign:dependency",
                "sign:no_mount_source",
            )
            + (("storage.*",) if kind == "store" else ()),
        )


def missing(facts: Facts) -> Iterator[Cause]:
    """A folder that is not there, or that never answers."""
    for kind, title in FOLDERS.items():
        place = facts[kind]
        if not place or place["exists"]:
            continue
        hangs = place["exists"] is None
        yield Cause(
            key=f"share.missing.{kind}",
            problem=f"The {title} {place['folder']} {'does not answer' if hangs else 'is not there'}.",
            evidence=(
                f"stat {place['folder']}: no answer within 5 s; it is {place['mounted'] or 'no mount'}"
                if hangs
                else f"stat {place['folder']}: no such folder",
            ),
            effect=EFFECTS[kind],
            cure="Bring back the server of that network share, or umount -l and mount it again."
            if hangs
            else "Run site.yml with --tags storage,cvat.",
            explains=(f"share.stale.{kind}", f"share.inside.{kind}", "sign:no_mount_source"),
        )


def stale(facts: Facts) -> Iterator[Cause]:
    """Containers that see another folder than the server does: it was mounted, or made anew, after they started."""
    for kind, title in FOLDERS.items():
        place = facts[kind]
        if not place:
            continue
        elsewhere = {name: seen for name, seen in place["containers"].items() if seen not in ("same", "absent")}
        absent = [name for name, seen in place["containers"].items() if seen == "absent"]
        if elsewhere:
            first, seen = next(iter(elsewhere.items()))
            yield Cause(
                key=f"share.stale.{kind}",
                problem=f"Containers see something else than the server's {title} {place['folder']}: it was "
                "mounted, or made anew, after they started.",
                evidence=(
                    f"mount table of {first}: {place['inside']} is {seen}",
                    f"mount table of the server: {place['folder']} is {place['mounted'] or 'an ordinary folder'}",
                ),
                effect=EFFECTS[kind],
                cure=f"docker restart {' '.join(elsewhere)}.",
                explains=(f"share.inside.{kind}",) + (("storage.*",) if kind == "store" else ()),
            )
        if absent:
            yield Cause(
                key=f"share.absent.{kind}",
                problem=f"The {title} {place['folder']} is not given to {', '.join(absent)}.",
                evidence=(f"mount table of {absent[0]}: nothing at {place['inside']}",),
                effect=EFFECTS[kind],
                cure="Run site.yml with --tags cvat, which makes these containers anew.",
                explains=(f"share.inside.{kind}",),
            )


def unreadable(facts: Facts) -> Iterator[Cause]:
    """A share that CVAT's user may not list."""
    said = (facts.get("share_inside") or {}).get("error", "")
    if said and facts["share"]:
        yield Cause(
            key="share.inside.share",
            problem=f"CVAT cannot read the shared folder {facts['share']['folder']}.",
            evidence=(f"scandir in cvat_server: {line(said)}",),
            effect=EFFECTS["share"],
            cure=f"Let everybody read it (chmod o+rx {facts['share']['folder']}), or run site.yml with --tags storage.",
        )


def object_storage(facts: Facts) -> Iterator[Cause]:
    """The object storage runs and does not answer, or refuses the key that was made for CVAT."""
    found, bucket = facts["storage"], facts["wish"]["bucket"]
    if not found:
        return
    words = telling((facts["containers"].get("minio") or {}).get("log") or [])
    if not found["live"]:
        yield Cause(
            key="storage.down",
            problem="The object storage does not answer.",
            evidence=(
                f"{found['endpoint']}/minio/health/live: {line(found['error'])}",
                *([f"docker logs minio: {line(words)}"] if words else []),
            ),
            effect="Tasks from the cloud storage show no pictures.",
            cure="Read 'docker logs minio'; then docker restart minio.",
            explains=("storage.*",),
        )
    elif found["code"] in REFUSED or found["code"] == "AccessDenied":
        knows = "does not know CVAT's key" if found["code"] == "InvalidAccessKeyId" else "refuses CVAT's key"
        yield Cause(
            key="storage.key",
            problem=f"The object storage {knows} for the bucket {bucket}"
            + (": its secret is another one." if found["code"] == "SignatureDoesNotMatch" else "."),
            evidence=(
                f"ListObjects with the key in the secrets folder: {found['code']}",
                *_registered(facts, bucket, ("FORBIDDEN", "NOT_FOUND")),
            ),
            effect="Tasks from the cloud storage show no pictures.",
            cure="Run site.yml with --tags object_storage, which gives the key and its rights again.",
            explains=("storage.registered.*",),
        )
    elif found["code"] == "NoSuchBucket":
        yield Cause(
            key="storage.bucket",
            problem=f"The bucket {bucket} is not in the object storage.",
            evidence=(f"ListObjects: {found['code']}", *_registered(facts, bucket, ("NOT_FOUND",))),
            effect="Tasks from the cloud storage show no pictures.",
            cure="Bring it back with playbooks/restore.yml; site.yml with --tags object_storage makes an empty one.",
            explains=("storage.registered.*",),
        )
    elif found["code"] == "RequestTimeTooSkewed":
        yield Cause(
            key="storage.key",
            problem="The object storage refuses requests because clocks differ.",
            evidence=(f"ListObjects: {found['code']}",),
            cure="Set the clock of the server, or of the object storage: timedatectl set-ntp true.",
            explains=("storage.registered.*",),
        )
    elif found["code"]:
        yield Cause(
            key="storage.error",
            problem=f"The object storage cannot list the bucket {bucket}.",
            evidence=(
                f"ListObjects: {line(found['error'])}",
                *([f"docker logs minio: {line(words)}"] if words else []),
            ),
            effect="Tasks from the cloud storage show no pictures.",
            cure="Read 'docker logs minio'; then docker restart minio.",
            explains=("storage.registered.*",),
        )


def _registered(facts: Facts, bucket: str, states: tuple[str, ...]) -> list[str]:
    """Return what CVAT says of its cloud storages for a bucket, as evidence."""
    return [
        f"CVAT: {one['name']} is {line(one['state'])}" for one in _of_bucket(facts, bucket) if one["state"] in states
    ]


def _of_bucket(facts: Facts, bucket: str) -> list[dict[str, Any]]:
    listed = ((facts["cvat"] or {}).get("storages") or {}).get("list") or []
    return [one for one in listed if one["bucket"] == bucket]


def proxy(facts: Facts) -> Iterator[Cause]:
    """CVAT's own proxy, which refuses private addresses unless told otherwise."""
    asked = (facts["inside"] or {}).get("proxy")
    if not asked or 200 <= asked["status"] < 300:
        return
    options = ((facts["containers"].get("cvat_server") or {}).get("variables") or {}).get("SMOKESCREEN_OPTS", "")
    refused = asked["status"] == 407
    yield Cause(
        key="storage.proxy",
        problem="CVAT's own proxy (smokescreen) refuses the object storage's address."
        if refused
        else "CVAT does not reach the object storage through its own proxy (smokescreen).",
        evidence=(
            f"{facts['wish']['endpoint']} by cvat_server's proxy: {asked['status'] or ''} {line(asked['error'])}",
            f"docker inspect cvat_server: SMOKESCREEN_OPTS is '{line(options)}'",
        ),
        effect="Tasks from the cloud storage show no pictures, and it cannot be registered.",
        cure="Run site.yml with --tags cvat, which allows the address and makes the containers anew."
        if refused
        else "Read 'docker logs cvat_server'; then docker restart cvat_server minio.",
        explains=("storage.registered.*",),
    )


def registration(facts: Facts) -> Iterator[Cause]:
    """CVAT does not know the bucket, or by something that no longer holds."""
    bucket, storages = facts["wish"]["bucket"], (facts["cvat"] or {}).get("storages") or {}
    if not bucket or storages.get("status") != 200:
        return
    ours = _of_bucket(facts, bucket)
    if not ours:
        yield Cause(
            key="storage.unregistered",
            problem=f"CVAT has no cloud storage for the bucket {bucket}.",
            evidence=(f"/api/cloudstorages: {', '.join(one['bucket'] for one in storages['list']) or 'none'}",),
            effect="The bucket does not appear under Cloud Storages.",
            cure="Run site.yml with --tags object_storage.",
        )
    for one in ours:
        wrong = one["endpoint"] and one["endpoint"].rstrip("/") != facts["wish"]["endpoint"].rstrip("/")
        if one["state"] != "AVAILABLE":
            yield Cause(
                key=f"storage.registered.{one['name']}",
                problem=f"CVAT's cloud storage {one['name']} is {line(one['state'])}"
                + (f"; it is registered at {one['endpoint']}." if wrong else ": it holds another key or address."),
                evidence=(f"/api/cloudstorages/…/status: {line(one['state'])}",),
                effect="Tasks from the cloud storage show no pictures.",
                cure="Run site.yml with --tags object_storage, which gives it the right key and address.",
            )


RULES: tuple[Rule, ...] = (unmounted, missing, stale, unreadable, object_storage, proxy, registration)
