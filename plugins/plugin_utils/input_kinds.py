"""What kinds of values the roles take, and which option is of which kind.

A value is either used literally, wherever it ends up - a shell, an address, YAML, a unit of systemd -, or refused
here with a sentence. Passwords take everything that fits on a line; a kind is only as narrow as its last reader.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ansible_collections.annotation.server.plugins.module_utils import bucket_names

#: Longer than any path, name, address or password that a program here takes.
LONGEST = 4096
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
#: Characters that stand in an address as they are (RFC 3986). {} may not.
_URL = r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+"
_WORD = "[A-Za-z0-9][A-Za-z0-9_.-]*"


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Attributes:
        words: what it must be, as the rest of the sentence "NAME must be ...".
        problem: says more about a value that does not fit; empty when it fits.
        secret: its values are shown to nobody.
        may_be_empty: an empty one means "none".
    """

    words: str
    problem: Callable[[str], str]
    secret: bool = False
    may_be_empty: bool = True


def _one_line(value: str) -> str:
    return "" if not _CONTROL.search(value) and len(value) <= LONGEST else "no"


def _matches(pattern: re.Pattern[str], value: str) -> str:
    return "" if pattern.fullmatch(value) and len(value) <= LONGEST else "no"


def _like(pattern: str, words: str, secret: bool = False, may_be_empty: bool = True) -> Kind:
    return Kind(words, partial(_matches, re.compile(pattern)), secret, may_be_empty)


def _path(value: str) -> str:
    # $ and ~ would be expanded on the way; a colon separates host and container in a mount, and folders in a list.
    right = value.startswith("/") and ".." not in value.split("/") and not re.search(r'[$\\"`:*?\[\]{}<>|]', value)
    return _one_line(value) if right else "no"


def _local(value: str) -> str:
    # Ansible would put variables of the environment in the place of $NAME; ~ is the home folder, as everywhere.
    return "no" if value.startswith("-") or "$" in value else _one_line(value)


def _inner(value: str) -> str:
    return "no" if value.startswith(("/", "-")) or ".." in value.split("/") else _one_line(value)


def _address(value: str) -> str:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return "no"
    return ""


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        return f"{value[:80]!r} is no network: {str(error)[:120]}."
    return ""


def _shown(value: str) -> str:
    return "no" if value != value.strip() else _one_line(value)


KINDS = {
    "secret": Kind("one line without white space around it", _shown, secret=True),
    # It stands in headers of HTTP, between other characters.
    "root user": _like(r"[A-Za-z0-9][A-Za-z0-9._@+-]{2,127}", "3 to 128 letters, digits and . _ @ + -", secret=True),
    # Clients of S3 sign other characters differently; the storage's own finds the password's end at a colon.
    "root password": _like(
        r"(?! )[\x20-\x39\x3b-\x7e]{8,128}(?<! )", "8 to 128 plain characters (ASCII), without colons", secret=True
    ),
    "access key": _like(
        r"[A-Za-z0-9][A-Za-z0-9._-]{2,19}", "3 to 20 letters, digits, dots, hyphens and underscores", secret=True
    ),
    "secret key": _like(r"(?! )[\x20-\x7e]{8,40}(?<! )", "8 to 40 plain characters (ASCII)", secret=True),
    "line": Kind("one line of text", _one_line),
    "shown name": _like(
        r"[^\x00-\x1f\x7f\x85\u2028\u2029]{1,63}", "a name of 1 to 63 characters on one line", may_be_empty=False
    ),
    "path": Kind("an absolute path on one line, without '..' and without any of $ \\ \" ` : * ? [ ] { } < > |", _path),
    "local file": Kind("a file on the control node, on one line, without $ and not beginning with a hyphen", _local),
    "inner path": Kind(
        "a path inside a folder, on one line, without a slash or a hyphen at its beginning and without '..'", _inner
    ),
    "pattern": _like(r"/[^\x00-\x1f\x7f]*", "an absolute path on one line, in which * and ? are possible"),
    "host": _like(
        r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?",
        "a name or address without scheme and port",
        may_be_empty=False,
    ),
    "address": Kind("an IP address", _address),
    "network": Kind("a network like 192.168.1.0/24, 10.1.2.3 or fd00::/8", _network, may_be_empty=False),
    "url": _like(rf"https?://{_URL}", "an address that begins with http:// or https://, without spaces"),
    # A bundle's files are fetched from a folder of the server itself.
    "download": _like(
        rf"(https?|file)://{_URL}", "an address that begins with http://, https:// or file://, without spaces"
    ),
    "proxy": _like(_URL, "an address without spaces", secret=True),
    "no proxy": _like(r"[A-Za-z0-9.*:/_,\[\] -]*", "names and networks, separated by commas"),
    "apt url": _like(
        rf"[a-z+]+:{_URL}( [a-z+]+:{_URL})*", "an address as apt knows it, without spaces", may_be_empty=False
    ),
    "git url": _like(
        rf"((https?|ssh|git|file)://|/|[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:){_URL}",
        "a repository's address or path, without spaces",
    ),
    "release": _like(r"v[0-9]+\.[0-9]+\.[0-9]+", "a release tag like v2.80.0", may_be_empty=False),
    "release or none": _like(r"v[0-9]+\.[0-9]+\.[0-9]+", "a release tag like v2.80.0"),
    "version": _like(r"[A-Za-z0-9][A-Za-z0-9.+~:_-]*", "a version of letters, digits and . + ~ : _ -"),
    "commit": _like(r"[0-9a-f]{40}", "a full commit id of 40 hexadecimal digits"),
    "sha256": _like(r"(?i:[0-9a-f]{64})", "64 hexadecimal digits (sha256)"),
    "checksum": _like(
        rf"sha256:([0-9a-f]{{64}}|https?://{_URL})", "sha256: and 64 hexadecimal digits, or sha256: and an address"
    ),
    "fingerprint": _like(r"[0-9A-Fa-f ]{40,60}", "the 40 hexadecimal digits of a fingerprint"),
    "image": _like(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*", "an image's name as Docker knows it"),
    "image prefix": _like(r"[A-Za-z0-9][A-Za-z0-9._/:-]*", "the beginning of an image's name, like mirror:5000/"),
    "registry": _like(r"[A-Za-z0-9][A-Za-z0-9.:/_-]*", "a registry as address:port or network"),
    "bucket": Kind("a bucket's name", bucket_names.problem, may_be_empty=False),
    "word": _like(_WORD, "a name of letters, digits and _ . -"),
    "words": _like(rf"{_WORD}( *, *{_WORD})*", "names of letters, digits and _ . -, separated by commas"),
    "account": _like(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*", "the name or number of a user or group of the server"),
    "login": _like(r"[A-Za-z0-9@.+_-]{1,150}", "a name of letters, digits and @.+-_", may_be_empty=False),
    "mail": _like(r"[^\s'\"\\<>@`$]+@[^\s'\"\\<>@`$]+", "an e-mail address"),
    "mode": _like(r"[0-7]{3,4}", "a mode of three or four octal digits"),
    "size": _like(r"[0-9]+[bkmgBKMG]?", "a size like 50m"),
    "suite": _like(r"[A-Za-z0-9./][A-Za-z0-9._/~-]*", "one word of letters, digits and . _ / ~ -", may_be_empty=False),
    "package": _like(r"[a-z0-9*?][A-Za-z0-9.+:=~_*?-]*", "a package's name", may_be_empty=False),
    "policy": _like(
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}",
        "1 to 128 letters, digits, dots, hyphens and underscores",
        may_be_empty=False,
    ),
    "mount option": _like(r"[^\s\x00-\x20\x7f'\"\\]+", "mount options without spaces and quotes"),
    "proxy options": _like(r"[A-Za-z0-9=./:,_ -]*", "options of letters, digits and = . / : , _ -"),
    "card": _like(r"[0-9]+\.[0-9]+, *[0-9]+(\.[0-9]+)*", "compute capability and driver, like '8.9, 580.105.08'"),
    "frames": _like(r"[0-9]+-[0-9]+", "first and last frame like 0-99"),
    "snapshot": _like(r"latest|[0-9a-f]{8,64}", "latest or the number of a backup"),
    "calendar": _like(r"[A-Za-z0-9*][A-Za-z0-9*,./:~ _+-]*", "a time as in systemd.time(7), like '*-*-* 03:30'"),
    "repository": Kind("a place of restic on one line, without $ and not beginning with a hyphen", _local),
    # nuctl puts it between single quotes and has a shell read it (nuclio: pkg/dockerclient/shell.go).
    "nuclio value": _like(
        r"[^'\x00-\x08\x0e-\x1f\x7f]*", "text without single quotes, because nuctl hands it to a shell", secret=True
    ),
    "quantity": _like(r"[A-Za-z0-9][A-Za-z0-9._-]*", "a quantity like 1 or 2Gi", may_be_empty=False),
    "variable": _like(r"[A-Za-z_][A-Za-z0-9_]*", "the name of a variable", may_be_empty=False),
    "label": _like(r"[A-Za-z0-9][A-Za-z0-9._/-]*", "a name of letters, digits and . _ / -", may_be_empty=False),
    # Laid into YAML or JSON as it is; there every text can be written but NUL.
    "anything": _like(r"(?s:[^\x00-\x08\x0e-\x1f\x7f]*)", "text without control characters"),
}

#: Kinds of what is in a dictionary: those of its keys and of its values.
DICTIONARIES = {
    "backup_environment": ("variable", "secret"),
    "backup_keep": ("word", "word"),
    "bundle_make_settings": ("word", "anything"),
    "cvat_addresses": ("word", "address"),
    "cvat_env_extra": ("variable", "secret"),
    "cvat_object_storage_env": ("variable", "secret"),
    "cvat_override_extra": ("anything", "anything"),
    "cvat_server_env": ("variable", "secret"),
    "docker_engine_address_pools": ("word", "registry"),
    "docker_engine_settings": ("anything", "anything"),
    "nuclio_functions.annotations": ("label", "anything"),
    "nuclio_functions.cpu": ("word", "anything"),
    "nuclio_functions.env": ("variable", "nuclio value"),
    "nuclio_functions.gpu": ("word", "anything"),
    "nuclio_functions.labels": ("label", "nuclio value"),
    "nuclio_functions.pins": ("anything", "anything"),  # words of a Dockerfile
    "nuclio_functions.resources": ("label", "quantity"),
    "preflight_object_storage_ports": ("word", "line"),
    "preflight_ports": ("word", "line"),
}

#: The first that fits an option's whole name decides. Options in lists and dictionaries are called list.option.
_RULES: tuple[tuple[str, str], ...] = (
    # Those whose name says less than they are.
    (r"cvat_version", "release"),
    (r"upgrade_to", "release or none"),
    (r"cvat_git_url", "git url"),
    (r"cvat_archive_url|nuctl_url|nuclio_functions_checkpoints_url", "download"),
    (r"cvat_git_commit", "commit"),
    (r"cvat_object_storage_root_user", "root user"),
    (r"cvat_object_storage_root_password", "root password"),
    (r"cvat_object_storage_healthcheck|docker_engine_settings", "anything"),
    (r"cvat_smokescreen_opts", "proxy options"),
    (
        r"(adopt_settings_file|diagnose_archive|tls_authority_copy|acceptance_report|verify_report|verify_picture)",
        "local file",
    ),
    (r"(cvat_local_path|nuctl_local_file|docker_engine_repository_key|nuclio_functions_source_dir)", "local file"),
    (r"tls_(certificate|key|authority)|nuclio_functions\.checkpoint\.src", "local file"),
    (r"\w+_repository_key|apt_repository_key", "local file"),
    (r"(cuda_toolkit|nvidia_\w+|apt)_repository_url", "apt url"),
    (r"apt_repository_(suites|components)", "suite"),
    (r"apt_repository_pins\.packages|docker_engine_extra_packages|teardown_keep_packages", "package"),
    (r"apt_repository_pins\.pin", "line"),
    (r"apt_repository_signed_by", "path"),
    (r"(teardown_)?backup_repository", "repository"),
    (r"backup_restore", "snapshot"),
    (r"teardown_confirm", "line"),  # compared with the host's name,
    (r"backup_schedule", "calendar"),
    (r"diagnose_files(_extra)?", "pattern"),
    (r"docker_engine_insecure_registries|bundle_make_insecure_registries", "registry"),
    (r"bundle_make_work", "path"),
    (r"bundle_path|bundle_make_requirements", "local file"),
    (r"bundle_make_pip", "line"),
    (r"docker_engine_registry_mirrors|preflight_urls", "url"),
    (r"\w+_access_key", "access key"),
    (r"\w+_secret_key", "secret key"),
    (r"object_storage_policy_name", "policy"),
    (r"preflight_(host|(functions_)?subnet|ip_range)", "line"),  # its findings say more, and in two languages
    (r"object_storage_upload_(from|prefix)", "inner path"),
    (r"object_storage_extra_buckets\.name", "bucket"),
    (r"(\w+\.|object_storage_)display_name", "shown name"),
    (r"\w+_share_(owner|group)|storage_share_users|docker_engine_users", "account"),
    (r"storage_\w+_mount\.(src|fstype)", "line"),
    (r"storage_\w+_mount\.opts", "mount option"),
    (r"warm_up_frames", "frames"),
    (r"\w+_cvat_user|cvat_superuser", "login"),
    (r"nuclio_functions_cards", "card"),
    (r"nuclio_functions_(only|remove)", "words"),
    (r"nuclio_functions\.(source|include\.src|builds\.source)", "local file"),
    (r"nuclio_functions\.(config_file|include\.dest|checkpoint\.dest|exclude)", "inner path"),
    (r"nuclio_functions\.checkpoint\.url", "url"),
    (r"nuclio_functions\.(base_image|builds\.name)|nuclio_functions_helper_images\.(name|source)", "image"),
    (r"nuclio_functions\.(name|id|tags)|verify_functions|diagnose_models", "word"),
    # Endings that say what it is.
    (r"\w+_password", "secret"),
    (r"\w+_http_proxy|\w+_https_proxy", "proxy"),
    (r"\w+_no_proxy", "no proxy"),
    (r"\w+_ca_certificates", "local file"),
    (r"\w+_image_prefix", "image prefix"),
    (r"\w+_images?", "image"),
    (r"\w+_fingerprint", "fingerprint"),
    (r"[\w.]+_?sha256|nuctl_checksum", "sha256"),
    (r"\w+_checksum", "checksum"),
    (r"\w+_(url|endpoint|server|cvat_address)", "url"),
    (r"\w+_hosts?", "host"),
    (r"\w+_bind|tls_address|verify_cvat_local_address", "address"),
    (r"\w+_(networks|subnets?|ip_range)", "network"),
    (r"\w+_buckets?", "bucket"),
    (r"\w+_email", "mail"),
    (r"\w+_mode", "mode"),
    (r"\w+_max_size", "size"),
    (r"\w+_(version|minimum|branch)", "version"),
    (r"\w+_(dirs?|folders|path|file|replaces|nuctl)", "path"),
    (r"\w+_(network|container|projects?|name|pins_name|log_driver|interactor|function|language|accept)", "word"),
    (r"\w+_description", "line"),
)


def kind_of(name: str) -> str:
    """Return the kind of an option's values, by its name; empty if nobody has said."""
    return next((kind for pattern, kind in _RULES if re.fullmatch(pattern, name)), "")
