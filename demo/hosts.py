"""Hosts: containers that boot systemd and can run a Docker Engine of their own."""

import socket
import time
from collections.abc import Callable, Iterable

from demo import images, settings
from demo.shell import Failed, docker, inspect, step

# The same for cgroup v1, v2 and both: the boot script in the image mounts the container's own branch of the tree. Works
# also on machines that themselves lack CAP_SYS_RESOURCE, where --privileged fails. Without systempaths=unconfined the
# inner engine cannot set up network interfaces. In other words: root in such a host is close to root on this machine.
FLAGS = (
    "--cgroupns=private", "--cap-add=ALL", "--cap-drop=SYS_RESOURCE",
    "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined", "--security-opt=systempaths=unconfined",
    "--tmpfs=/run", "--tmpfs=/tmp:exec", "--volume=/var/lib/docker", "--volume=/var/lib/containerd",
)  # fmt: skip


def ensure_network() -> None:
    """Make the demo's network unless it is there."""
    if inspect("network", settings.NETWORK) is None:
        addresses = ["--subnet", settings.SUBNET, "--gateway", settings.GATEWAY, "--ip-range", settings.IP_RANGE]
        docker("network", "create", "--label", f"{settings.LABEL}=1", *addresses, settings.NETWORK)


def create(name: str, image: str, address: str = "", ports: dict[int, int] | None = None, kind: str = "host") -> bool:
    """Make a host from a base image, or start the one of that name; wait until it has booted. True when it was new.

    `ports` maps ports of this machine (on loopback) to the host's own.
    """
    options = [f"--publish=127.0.0.1:{outer}:{inner}" for outer, inner in (ports or {}).items()]
    options += ["--ip", address] if address else []
    return create_from(images.ensure(image), name, options, kind)


def create_from(
    full: str,
    name: str,
    options: Iterable[str] = (),
    kind: str = "host",
    before_boot: Callable[[str], None] = lambda name: None,
) -> bool:
    """The same from an image by its full name; `before_boot` may change the new host's folders."""
    ensure_network()
    there = inspect("container", name)
    if there is not None and f"{settings.LABEL}.kind" not in (there["Config"]["Labels"] or {}):
        raise Failed(f"A container named {name} exists and was not made here: rename or remove it.")
    if there is None:
        labels = ["--label", f"{settings.LABEL}=1", "--label", f"{settings.LABEL}.kind={kind}"]
        names = ["--name", name, "--hostname", name, "--network", settings.NETWORK]
        with step(f"host {name} from {full.removeprefix(settings.IMAGES)}"):
            docker("create", *FLAGS, *options, *labels, *names, full)
            before_boot(name)
            docker("start", name)
            wait_booted(name)
    elif not there["State"]["Running"]:
        with step(f"host {name} started again"):
            docker("start", name)
            wait_booted(name)
    return there is None


def restart(name: str) -> None:
    """Let a host go down and boot again."""
    with step(f"host {name} restarted"):
        docker("restart", "--time", "60", name)
        wait_booted(name)


def wait_booted(name: str, timeout: float = 60) -> None:
    """Wait until systemd has started everything; `degraded` is expected, since kernel modules cannot be loaded."""
    state = ""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            state = docker("exec", name, "sh", "-c", "systemctl is-system-running || true")
        except Failed as error:
            state = str(error)
        if state in ("running", "degraded"):
            return
        time.sleep(0.3)
    raise Failed(f"Host {name} did not boot within {timeout:.0f} s: {state}\n{docker('logs', '--tail', '20', name)}")


def remove(name: str) -> None:
    """Remove a container made here, with its volumes."""
    there = inspect("container", name)
    if there is not None and settings.LABEL in (there["Config"]["Labels"] or {}):
        docker("rm", "--force", "--volumes", name)


def free_port(wanted: int) -> int:
    """`wanted`, or the next port in steps of 1000 on which nothing listens on loopback."""
    for port in range(wanted, 65536, 1000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failed(f"No free port like {wanted} on 127.0.0.1")
