"""Names, folders and addresses of the demo."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
STATE = REPOSITORY / ".cache" / "demo"
FILES = STATE / "files"  # what the mirror serves on port 8000
FACTS = REPOSITORY / ".cache" / "facts"
ENDPOINT = REPOSITORY / ".cache" / "engine" / "docker_host"

NETWORK = "annotation-demo"
# Three leading octets; settings.sh reads the same variable.
OCTETS = os.environ.get("ANNOTATION_DEMO_NETWORK", "10.231.0")
SUBNET = f"{OCTETS}.0/24"
# Hosts without an address of their own are numbered from here, out of the way of the fixed ones.
GATEWAY = f"{OCTETS}.1"
IP_RANGE = f"{OCTETS}.128/25"

MIRROR = "annotation-mirror"
MIRROR_ADDRESS = f"{OCTETS}.2"
REGISTRY = f"{MIRROR_ADDRESS}:5000"

HOST = "annotation-demo"
HOST_ADDRESS = f"{OCTETS}.10"

IMAGES = "annotation-demo/"  # prefix of every image that is made here
LABEL = "annotation-demo"  # on everything that is made here; removal looks for nothing else
