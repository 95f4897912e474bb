"""Command line of the demo; the scripts demo/up, demo/down and demo/cleanup call it."""

import argparse
import sys

from demo import hosts, mirror, removal, settings, site, snapshot
from demo.shell import Failed


def main() -> int:
    """Run one of the commands; errors end in one message."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("mirror", help="base images, stand-ins and the mirror that serves them")
    commands.add_parser("site", help="the mirror, a host, and playbooks/site.yml on it")
    host = commands.add_parser("host", help="make a host (or start it again)")
    host.add_argument("name")
    host.add_argument("--image", default="host:13", help="host:13, host:12, host-docker:13 or site:13")
    host.add_argument("--address", default="", help="address on the demo's network; the next free one by default")
    host.add_argument("--with-mirror", action="store_true", help="bring up the mirror first, unless it runs")
    commands.add_parser("restart", help="restart a host, and wait until it has booted").add_argument("name")
    gone = commands.add_parser("remove", help="remove a host")
    gone.add_argument("name")
    commands.add_parser("remove-hosts", help="remove the hosts that molecule made")
    commands.add_parser("remove-all", help="remove everything that was made on the engine")
    told = parser.parse_args()
    settings.STATE.mkdir(parents=True, exist_ok=True)
    try:
        if told.command == "mirror":
            mirror.up()
        elif told.command == "site":
            return site.up()
        elif told.command == "host":
            if told.with_mirror and not mirror.runs():
                mirror.up()
            finished = told.image == "site:13"
            new = snapshot.create(told.name) if finished else hosts.create(told.name, told.image, told.address)
            print("new" if new else "there")
        elif told.command == "restart":
            hosts.restart(told.name)
        elif told.command == "remove":
            hosts.remove(told.name)
        else:
            removal.remove(everything=told.command == "remove-all")
    except Failed as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
