"""How this machine reaches packages: apt sources, certificate authorities, pip. What is made here gets the same."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from demo import settings

CODENAMES = r"bullseye|bookworm|trixie|forky|sid|stable|oldstable|testing|unstable"
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.S)
PACKAGED = Path("/usr/share/ca-certificates")
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")


def debian_mirrors(apt_dir: Path = Path("/etc/apt")) -> tuple[str, str]:
    """URIs of this machine's Debian archive and security archive; Debian's own when it is no Debian or names none."""
    main, security = "", ""
    for uri, suite in _sources(apt_dir):
        if re.fullmatch(rf"({CODENAMES})(-security|/updates)", suite):
            security = security or uri
        elif re.fullmatch(CODENAMES, suite):
            main = main or uri
    main = main or "http://deb.debian.org/debian"
    return main.rstrip("/"), (security or "http://deb.debian.org/debian-security").rstrip("/")


def _sources(apt_dir: Path) -> list[tuple[str, str]]:
    """Pairs of URI and suite from one-line files and from deb822 files (man sources.list)."""
    pairs: list[tuple[str, str]] = []
    for path in sorted([apt_dir / "sources.list", *apt_dir.glob("sources.list.d/*")]):
        text = path.read_text() if path.is_file() else ""
        if path.suffix == ".sources":
            for block in re.split(r"\n\s*\n", text):
                fields = dict(re.findall(r"^(URIs|Suites|Enabled):\s*(.+)$", block, re.M))
                if fields.get("Enabled", "yes") != "no":
                    pairs += [(u, s) for u in fields.get("URIs", "").split() for s in fields.get("Suites", "").split()]
        elif path.suffix == ".list":
            pairs += re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)", text, re.M)
    return pairs


@cache
def apt_settings() -> str:
    """This machine's apt settings about how to fetch (proxies, dates, certificates), in apt.conf syntax."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True).stdout
    keep = re.compile(r"^Acquire::(https?::(Proxy|Timeout|Verify-Peer)|Check-Date|Check-Valid-Until|Retries|ForceIPv)")
    return "".join(line + "\n" for line in dump.splitlines() if keep.match(line) and "localhost" not in line)


@cache
def extra_authorities() -> list[str]:
    """Certificates this machine trusts on top of Debian's package ca-certificates, in PEM."""
    known = "".join(p.read_text() for p in PACKAGED.rglob("*.crt"))
    bundle = next((Path(b) for b in BUNDLES if Path(b).exists()), None)
    if bundle is None:
        return []
    return [pem for pem in PEM.findall(bundle.read_text()) if pem not in known]


def pip_folders() -> list[Path]:
    """Local folders in which this machine's pip looks for wheels; the mirror serves them under /pip/<number>/."""
    return [Path(word) for word in _pip().get("find-links", "").split() if Path(word).is_dir()]


def pip_settings() -> str:
    """A pip.conf for what is built here, made of this machine's settings; local folders come from the mirror."""
    told = _pip()
    keep: dict[str, str] = {
        key: told[key] for key in ("index-url", "proxy", "timeout", "default-timeout") if key in told
    }
    keep["trusted-host"] = "\n  ".join([*told.get("trusted-host", "").split(), settings.MIRROR_ADDRESS])
    indexes = [word for word in told.get("extra-index-url", "").split() if not word.startswith("file:")]
    if indexes:
        keep["extra-index-url"] = "\n  ".join(indexes)
    if folders := pip_folders():
        served = f"http://{settings.MIRROR_ADDRESS}:8000/pip"
        keep["find-links"] = "\n  ".join(f"{served}/{number}/" for number in range(len(folders)))
    if extra_authorities():
        keep["cert"] = "/etc/ssl/certs/ca-certificates.crt"
    return "[global]\n" + "".join(f"{key} = {value}\n" for key, value in sorted(keep.items()))


@cache
def _pip() -> dict[str, str]:
    """This machine's pip settings; of a key in several scopes the last one counts, as for pip itself."""
    lines = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    found = re.findall(r"^(?:global|install|user|site|:env:)\.([\w-]+)='(.*)'$", lines, re.M)
    return {key: value.replace("\\n", " ") for key, value in found}
