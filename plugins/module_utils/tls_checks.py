"""Whether a certificate and a key can serve a name. Pure functions over what community.crypto says of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def is_address(name: str) -> bool:
    """Tell an address from a name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def names(hosts: Iterable[str]) -> list[str]:
    """Return the hosts that are names, not addresses."""
    return [host for host in hosts if not is_address(host)]


def alternative_names(hosts: Iterable[str]) -> list[str]:
    """Return the hosts, each once, as a certificate names them: ``DNS:name`` or ``IP:address``."""
    return list(dict.fromkeys(f"IP:{host}" if is_address(host) else f"DNS:{host.lower()}" for host in hosts))


def covers(named: Sequence[str], host: str) -> bool:
    """Tell whether one of a certificate's names is the host; ``*.`` stands for one label, as in browsers."""
    if is_address(host):
        wanted = ipaddress.ip_address(host)
        addresses = (name.split(":", 1)[1] for name in named if name.startswith(("IP:", "IP Address:")))
        return any(ipaddress.ip_address(address) == wanted for address in addresses)
    host = host.lower()
    known = {name[4:].lower() for name in named if name.startswith("DNS:")}
    return host in known or "*." + host.partition(".")[2] in known


def problems(
    certificate: Mapping[str, Any],
    key: Mapping[str, Any],
    hosts: Sequence[str],
    authority: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return what is wrong with a certificate and its key, a sentence each.

    Args:
        certificate: answer of ``community.crypto.x509_certificate_info`` (``msg`` if it failed).
        key: answer of ``community.crypto.openssl_privatekey_info``.
        hosts: names and addresses that people open.
        authority: the same of the authority's certificate, if one was given.
    """
    found = []
    if "public_key" not in certificate:
        found.append(f"The certificate cannot be read ({certificate.get('msg', 'no answer')}). It must be a PEM file.")
    if "public_key" not in key:
        found.append(
            f"The key cannot be read ({key.get('msg', 'no answer')}). It must be a PEM file without a passphrase."
        )
    if authority is not None and "public_key" not in authority:
        found.append(f"The authority cannot be read ({authority.get('msg', 'no answer')}). It must be a PEM file.")
    elif authority is not None and "Certificate Sign" not in (authority.get("key_usage") or []):
        # Python 3.13 verifies strictly (RFC 5280, 4.2.1.3), and with it whatever on the server asks CVAT.
        found.append(
            "The authority's certificate does not say that it may sign certificates (key usage keyCertSign), so newer "
            "programs refuse it. Have a new one made for the authority's key."
        )
    if found:
        return found
    if certificate["public_key"].strip() != key["public_key"].strip():
        found.append("The key does not belong to the certificate: their public keys differ.")
    if certificate.get("expired"):
        found.append(
            f"The certificate expired at {certificate.get('not_after')} (year, month, day, hours, UTC). Renew it."
        )
    named = certificate.get("subject_alt_name") or []
    missing = [host for host in hosts if not covers(named, host)]
    if missing:
        found.append(
            f"The certificate is not for {', '.join(missing)}; it names {', '.join(named) or 'nothing'}. "
            "Get one for all names that people open, or change annotation_server_host and "
            "annotation_server_extra_hosts."
        )
    return found
