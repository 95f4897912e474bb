"""Take away what was made on the engine: only objects that carry the demo's label."""

from demo import settings
from demo.shell import docker


def remove(everything: bool) -> None:
    """Remove the hosts that tests made or, with `everything`, every container, volume, network and image."""
    mine = f"label={settings.LABEL}"
    containers = _list("ps", "--all", "--quiet", "--filter", mine if everything else f"{mine}.kind=host")
    if not everything:
        keep = _list("ps", "--all", "--quiet", "--filter", f"name=^{settings.HOST}$")
        containers = [c for c in containers if c not in keep]
    if containers:
        docker("rm", "--force", "--volumes", *containers)
    if everything:
        for kind in ("volume", "network"):
            for name in _list(kind, "ls", "--quiet", "--filter", mine):
                docker(kind, "rm", name)
        if images := _list("images", "--quiet", "--no-trunc", "--filter", mine):
            docker("rmi", "--force", *dict.fromkeys(images))


def _list(*arguments: str) -> list[str]:
    return docker(*arguments).split()
