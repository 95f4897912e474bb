"""What can be wrong with CVAT and how people reach it: address, certificate, database, parts that are ill.

Each rule is a pure function from facts (see ``cause_facts``) to causes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.annotation.server.plugins.module_utils.cause_probes_docker import ORDINARY, telling
from ansible_collections.annotation.server.plugins.module_utils.causes import Cause, Facts, Rule, line

#: A first start may take 5 minutes, one after an upgrade longer (seconds).
PATIENCE = 900
#: Numbers of OpenSSL (x509_vfy.h) for what can be wrong with a certificate.
NOT_YET, EXPIRED, WRONG_NAME = 9, 10, (62, 64)
RENEW_DAYS = 14
_DATABASE = re.compile(r"\b(?:FATAL|PANIC)\b|not accepting|could not (?:write|extend|open)|corrupt", re.IGNORECASE)
_NO_DATABASE = re.compile(r"OperationalError|could not connect to server|connection to server at .* failed")
_CSRF = re.compile(r"(?i)csrf verification failed|origin checking failed|referer checking failed")
_HOST = re.compile(r"(?i)invalid http_host header|DisallowedHost")


def _log(facts: Facts, name: str) -> list[str]:
    return (facts["containers"].get(name) or {}).get("log") or []


def _last(lines: list[str], pattern: re.Pattern[str]) -> str:
    return next((text for text in reversed(lines) if pattern.search(text)), "")


def names(facts: Facts) -> Iterator[Cause]:
    """CVAT's front door does not know the name or address that people open."""
    server = facts["containers"].get("cvat_server")
    if not server or not server["hosts"]:
        return
    wish = facts["wish"]
    unknown = [host for host in [wish["host"], *wish["extra_hosts"]] if host not in server["hosts"]]
    if not unknown:
        return
    cvat = facts["cvat"] or {}
    said = [f"docker inspect cvat_server: Traefik's rules name {', '.join(server['hosts'])}"]
    if cvat.get("status") == 404:
        said.append(f"{cvat['url']} with Host {cvat['host']}: {line(cvat['error'])}")
    yield Cause(
        key="cvat.names",
        problem=f"CVAT does not answer under {', '.join(unknown)} (CVAT_HOST).",
        evidence=tuple(said),
        effect="Who opens CVAT that way sees '404 page not found', or cannot log in (CSRF).",
        cure="Put it into annotation_server_host or annotation_server_extra_hosts, and run site.yml with --tags cvat.",
        explains=("cvat.down", "cvat.404", "cvat.csrf"),
    )


def certificate(facts: Facts) -> Iterator[Cause]:
    """A certificate that browsers refuse, or soon will."""
    found = facts["certificate"] or {"used": False}
    if not found["used"] or found["number"] == -1:
        return
    seen = (f"{facts['wish']['url']}: {found['error']}",)
    renew = (
        "Run site.yml with --tags tls,cvat, after putting the new one in its place where it is your own (docs/tls.md)."
    )
    if found["number"] in (EXPIRED, NOT_YET):
        kind = "has expired" if found["number"] == EXPIRED else "is not valid yet"
        yield Cause("certificate.time", f"CVAT's certificate {kind}.", seen, renew, "Browsers warn.", ("cvat.down",))
    elif found["number"] in WRONG_NAME:
        problem = f"CVAT's certificate is not for {found['name']}."
        yield Cause("certificate.name", problem, seen, renew, "Browsers warn.", ("cvat.down",))
    elif found["number"]:
        problem = "CVAT's certificate comes from an authority that this server does not know."
        yield Cause("certificate.authority", problem, seen, renew, "Browsers warn.", ("cvat.down",))
    elif found["days"] is not None and found["days"] < RENEW_DAYS:
        problem = f"CVAT's certificate expires in {found['days']} days."
        yield Cause("certificate.soon", problem, (f"{facts['wish']['url']}: notAfter",), renew, risk=True)


def database(facts: Facts) -> Iterator[Cause]:
    """A database that runs and refuses, or whose tables are not those of this release."""
    container = facts["containers"].get("cvat_db") or {}
    parts = (facts["cvat"] or {}).get("parts") or {}
    part = next((str(state) for name, state in parts.items() if name.startswith("Database")), "working")
    asks = (facts["containers"].get("cvat_server") or {}).get("state") == "running" and not parts
    no_answer = _last(_log(facts, "cvat_server"), _NO_DATABASE) if asks else ""
    if container.get("state") == "running" and (part != "working" or no_answer):
        own = _last([text for text in _log(facts, "cvat_db") if not ORDINARY.search(text)], _DATABASE)
        yield Cause(
            key="database.refuses",
            problem="CVAT's database runs and accepts no connections.",
            evidence=tuple(
                f"{where}: {line(text)}"
                for where, text in (
                    ("docker logs cvat_db", own),
                    ("CVAT's health", part if part != "working" else ""),
                    ("docker logs cvat_server", no_answer),
                )
                if text
            ),
            effect="Nobody can work in CVAT.",
            cure="Read 'docker logs cvat_db'. While it recovers after a crash, wait; otherwise docker restart cvat_db.",
            explains=("cvat.*", "database.migrations", "models.unlisted"),
        )
    migrations = next((str(state) for name, state in parts.items() if name.startswith("Migrations")), "working")
    if migrations != "working":
        yield Cause(
            key="database.migrations",
            problem="CVAT's database has not been brought to this release: migrations are not finished.",
            evidence=(f"CVAT's health: {line(migrations)}", *_said("cvat_server", telling(_log(facts, "cvat_server")))),
            effect="Parts of CVAT answer with errors.",
            cure="Wait while 'docker logs cvat_server' shows progress; if it stands still, docker restart cvat_server.",
            explains=("cvat.part.Migrations*",),
        )


def _said(container: str, text: str) -> list[str]:
    return [f"docker logs {container}: {line(text)}"] if text else []


def ill_parts(facts: Facts) -> Iterator[Cause]:
    """Parts of CVAT that its own health page calls ill."""
    for name, state in ((facts["cvat"] or {}).get("parts") or {}).items():
        if state != "working" and not name.startswith(("Database", "Migrations")):
            part = name.partition(":")[0].removesuffix("HealthCheck").replace(" ", "")
            if name.startswith("Cache"):
                part = f"Cache.{name.rpartition(' ')[2]}"
            yield Cause(
                key=f"cvat.part.{part}",
                problem=f"CVAT says that its part '{name}' is ill.",
                evidence=(f"{facts['cvat']['url']}/api/server/health/: {name}: {line(str(state))}",),
                effect="CVAT's health page fails, and monitoring with it.",
                cure="Read 'docker logs cvat_server'; then docker restart cvat_server.",
            )


def no_answer(facts: Facts) -> Iterator[Cause]:
    """CVAT's containers run, and it does not answer."""
    cvat = facts["cvat"]
    if cvat is None:
        cvat = {
            "url": facts["wish"]["url"],
            "host": facts["wish"]["host"],
            "status": 0,
            "error": "no answer in time",
            "parts": None,
        }
    if cvat["parts"] or not facts["docker"]["reachable"]:
        return
    server = facts["containers"].get("cvat_server") or {}
    seen = f"{cvat['url']} with Host {cvat['host']}: {line(cvat['error'])}"
    young = server.get("state") == "running" and server["running_seconds"] < PATIENCE
    if cvat["status"] == 404:
        yield Cause(
            key="cvat.404",
            problem="The front door of CVAT knows no way to it (404).",
            evidence=(seen, *_said("traefik", telling(_log(facts, "traefik")))),
            effect="People see '404 page not found'.",
            cure="Read 'docker logs traefik'; then docker restart traefik cvat_server.",
        )
    elif young and (cvat["status"] in (502, 503, 504) or not cvat["status"]):
        yield Cause(
            key="cvat.starting",
            problem=f"CVAT has been starting for {server['running_seconds']} s and does not answer yet.",
            evidence=(seen, *_said("cvat_server", telling(_log(facts, "cvat_server")))),
            effect="Nobody can work in CVAT.",
            cure="Wait: a first start takes 5 minutes, one after an upgrade longer. Then run diagnose again.",
        )
    else:
        yield Cause(
            key="cvat.down",
            problem="CVAT does not answer, although its containers run.",
            evidence=(seen, *_said("cvat_server", telling(_log(facts, "cvat_server")))),
            effect="Nobody can work in CVAT.",
            cure="Read 'docker logs cvat_server'; then docker restart cvat_server.",
        )


def login(facts: Facts) -> Iterator[Cause]:
    """The first user's password in the secret file is not the one in CVAT."""
    asked = (facts["cvat"] or {}).get("storages") or {}
    if asked.get("status") in (401, 403):
        yield Cause(
            key="cvat.login",
            problem="CVAT refuses the password that lies on the server for its first user.",
            evidence=(f"/api/cloudstorages: {line(asked['error'])}", "cvat_superuser_password in the secrets folder"),
            effect="verify, warm_up and this diagnosis see less; people are not concerned.",
            cure="Write the right one into the file, or run site.yml with --tags cvat "
            "-e cvat_superuser_reset_password=true.",
            risk=True,
        )


def csrf(facts: Facts) -> Iterator[Cause]:
    """Logins refused because CVAT thinks that it is called something else."""
    said = _last(_log(facts, "cvat_server"), _CSRF) or _last(_log(facts, "cvat_server"), _HOST)
    if said:
        yield Cause(
            key="cvat.csrf",
            problem="CVAT refuses requests because they come by another name or scheme than it expects (CSRF).",
            evidence=tuple(_said("cvat_server", said)),
            effect="Who opens CVAT that way cannot log in.",
            cure="Open it as annotation_server_host; behind another proxy, have it pass Host and X-Forwarded-Proto on.",
        )


RULES: tuple[Rule, ...] = (names, certificate, database, no_answer, ill_parts, csrf, login)
