#!/usr/bin/env python3
"""What a run costs in which nothing changed, against deploying the same list again as CVAT's deploy scripts do.

    .venv/bin/python tests/benchmarks/redeploy.py [--rounds 3] [--inventory inventories/demo]

Both on the same host, one after the other: `--tags models` in rounds, and then one `nuctl deploy` for each function, as
CVAT's serverless/deploy_cpu.sh and deploy_gpu.sh call it, with the images below them built first. The latter is given
the same folders and a warm build cache. At the end the functions are put back as the role deploys them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET_SECONDS = 20.0

# The loop of CVAT's scripts over the folders that the role has laid together. Their nuctl deploy names project, path,
# file, platform and network; the images below the functions are built by docker build, as they do.
AS_THE_SCRIPTS_DO = r"""
set -e
export NUCLIO_DASHBOARD_DEFAULT_ONBUILD_REGISTRY_URL={{ annotation_server_image_prefix | default('') }}quay.io
cd "$(mktemp -d)"
for folder in /opt/annotation-server/functions/*/; do
  [ -e "$folder/Dockerfile" ] && grep -q '^ *baseImage: cvat\.' "$folder/function.yaml" &&
    docker build -q -t "$(sed -n 's/^ *baseImage: //p' "$folder/function.yaml")" "$folder"
  /opt/annotation-server/bin/nuctl deploy --project-name cvat --path "$folder" --file "$folder/function.yaml" \
    --platform local --platform-config '{"attributes": {"network": "cvat_functions"}}' >/dev/null
  echo "deployed $(basename "$folder")"
done
"""


def run(*command: str) -> tuple[float, str]:
    """Run a command in the repository; return its seconds and what it said.

    Raises:
        SystemExit: it failed.
    """
    path = f"{REPOSITORY}/.venv/bin:{os.environ['PATH']}"
    started = time.monotonic()
    done = subprocess.run(command, cwd=REPOSITORY, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    seconds = time.monotonic() - started
    if done.returncode:
        sys.exit(f"{' '.join(command[:4])} ... ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return seconds, done.stdout


def models(inventory: str) -> tuple[float, str]:
    """Run `--tags models`; return its seconds and its recap."""
    seconds, said = run("ansible-playbook", "-i", inventory, "playbooks/site.yml", "--tags", "models")
    return seconds, " ".join(next(line for line in said.splitlines() if "changed=" in line).split())


def main() -> int:
    """Measure, print, put back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--inventory", default="inventories/demo")
    told = parser.parse_args()

    models(told.inventory)  # whatever was left to do
    rounds = []
    for number in range(told.rounds):
        seconds, recap = models(told.inventory)
        print(f"--tags models, nothing changed, round {number + 1}: {seconds:6.1f} s   {recap}", flush=True)
        if "changed=0" not in recap:
            print("Something changed all the same: no figure to rely on.")
            return 1
        rounds.append(seconds)
    ours = statistics.median(rounds)

    command = ["ansible", "-i", told.inventory, "annotation_servers", "--become", "-m", "ansible.builtin.shell"]
    theirs, said = run(*command, "-a", AS_THE_SCRIPTS_DO)
    count = said.count("deployed ")
    print(f"the same list as CVAT's scripts deploy it:      {theirs:6.1f} s   {count} functions", flush=True)
    print(f"ratio {theirs / ours:.1f}; median {ours:.1f} s of {told.rounds} rounds, target {TARGET_SECONDS:.0f} s")

    seconds, recap = models(told.inventory)
    print(f"put back as the role deploys them:              {seconds:6.1f} s   {recap}")
    return int(ours > TARGET_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
