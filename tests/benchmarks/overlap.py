#!/usr/bin/env python3
"""How well the stages of a first run overlap, with a mirror that is as slow as a line to the internet.

    .venv/bin/python tests/benchmarks/overlap.py [--rate 100]

On the demo, as root, after `make demo` has made mirror and images. Twice from a bare host: once `site.yml` as it is,
and once stage by stage, each waiting for the one before. From the second come the sum of all stages and the longest
chain: what must come one after the other, whatever else goes on, be it steps or bytes on the mirror's line. A run
cannot be faster than that chain, nor than its work on all cores. Nothing else should run meanwhile: what other
processes worked is printed, and more than a tenth of the cores' time makes the figure void. The demo is left as the
second run makes it.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from demo import hosts, settings  # noqa: E402
from demo.shell import docker, docker_environment, inspect  # noqa: E402

CORES = os.cpu_count() or 1
TARGET, OTHERS_AT_MOST = 1.2, 0.1
BEFORE_MODELS = ("preflight", "docker", "storage", "cvat", "object_storage")
# Downloads in the background are jobs of Ansible; each has a file that says whether it has finished.
WAIT = "while grep -lE '\"finished\": *(0|false)' /root/.ansible_async/* 2>/dev/null | grep -q .; do sleep 1; done"
FORGET = """
for name in $(docker ps --all --format '{{.Label "nuclio.io/function-name"}}' | sort -u); do
  /opt/annotation-server/bin/nuctl delete function "$name" --platform local
done
"""


def busy() -> float:
    """Return how many seconds all cores together have worked since the machine started."""
    numbers = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return sum(numbers[index] for index in (0, 1, 2, 5, 6)) / os.sysconf("SC_CLK_TCK")


def ours() -> float:
    """Return how many seconds of that were for the host, the mirror and Ansible."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime + sum(map(container_work, (settings.HOST, settings.MIRROR)))


def container_work(name: str) -> float:
    """Return the seconds of processor time of all processes in a container, from its control group (v1 or v2)."""
    container = inspect("container", name)
    if container is None:
        return 0.0
    lines = Path(f"/proc/{container['State']['Pid']}/cgroup").read_text().splitlines()
    paths = dict(line.split(":", 2)[1:] for line in lines)
    if "cpuacct" in paths:
        return int(Path(f"/sys/fs/cgroup/cpuacct{paths['cpuacct']}/cpuacct.usage").read_text()) / 1e9
    folder = Path(f"/sys/fs/cgroup{paths['']}".removesuffix("/init.scope"))
    return int((folder / "cpu.stat").read_text().split()[1]) / 1e6


def play(*arguments: str) -> float:
    """Run a playbook on the demo; return its seconds.

    Raises:
        SystemExit: it failed.
    """
    command = [".venv/bin/ansible-playbook", "-i", "inventories/demo", *arguments]
    started = time.monotonic()
    done = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | docker_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return time.monotonic() - started


def on_host(script: str) -> float:
    """Run a script on the host; return its seconds."""
    started = time.monotonic()
    docker("exec", settings.HOST, "sh", "-c", script)
    return time.monotonic() - started


def sent() -> int:
    """Return how many bytes the mirror has sent since it started."""
    return int(docker("exec", settings.MIRROR, "cat", "/sys/class/net/eth0/statistics/tx_bytes"))


def throttle(rate: float) -> None:
    """Let the mirror send no faster than so many Mbit/s; 0 lets it run free again."""
    mirror = inspect("container", settings.MIRROR)
    if mirror is None:
        sys.exit("The mirror does not run: make demo first.")
    inside = ["nsenter", "--net", f"--target={mirror['State']['Pid']}", "tc", "qdisc"]
    subprocess.run([*inside, "del", "dev", "eth0", "root"], capture_output=True, check=False)
    if rate:
        shape = ["add", "dev", "eth0", "root", "tbf", "rate", f"{rate}mbit", "burst", "256kb", "latency", "400ms"]
        subprocess.run([*inside, *shape], check=True)


def bare_host() -> None:
    """Make the host anew."""
    hosts.remove(settings.HOST)
    hosts.create(settings.HOST, "host:13", settings.HOST_ADDRESS)
    for facts in settings.FACTS.glob("*demo"):
        facts.unlink()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=100, help="what the mirror sends at most, in Mbit/s")
    told = parser.parse_args()
    throttle(told.rate)
    try:
        bare_host()
        all_work, work, before = -busy(), -ours(), sent()
        whole = play("playbooks/site.yml")
        all_work, work = all_work + busy(), work + ours()
        line = (sent() - before) * 8 / 1e6 / told.rate
        print(f"site.yml, first run: {whole:.0f} s; the cores worked {work:.0f} s, the line {line:.0f} s", flush=True)
        others = (all_work - work) / whole / CORES
        print(f"other processes took {100 * others:.0f} % of the cores", flush=True)

        bare_host()
        stages = {}
        for stage in BEFORE_MODELS:
            stages[stage] = play(f"playbooks/{stage}.yml")
            print(f"  {stage:15} {stages[stage]:5.0f} s", flush=True)
        stages["downloads"] = play("playbooks/early.yml") + on_host(WAIT)
        print(f"  {'downloads':15} {stages['downloads']:5.0f} s   weights and base images of the models", flush=True)
        models = play("playbooks/models.yml")
        on_host(FORGET)
        stages["deploy"] = play("playbooks/models.yml")  # their images are there
        stages["build"] = max(models - stages["deploy"], 0.0)
        stages["verify"] = play("playbooks/verify.yml")
        for stage in ("build", "deploy", "verify"):
            print(f"  {stage:15} {stages[stage]:5.0f} s", flush=True)
    finally:
        throttle(0)

    ends = stages["deploy"] + stages["verify"]
    services = sum(stages[stage] for stage in BEFORE_MODELS) + ends
    images = stages["preflight"] + stages["docker"] + stages["downloads"] + stages["build"] + ends
    # Nothing comes over the line before Docker is there, and models are deployed when all has come.
    line += stages["preflight"] + stages["docker"] + ends
    bound = max(services, images, line, work / CORES)
    print(f"sum of the stages {sum(stages.values()):.0f} s; whole run {whole / sum(stages.values()):.2f} of it")
    print(f"chain of services {services:.0f} s, of images {images:.0f} s, of what comes over the line {line:.0f} s;")
    print(f"work divided by {CORES} cores {work / CORES:.0f} s")
    print(f"ratio {whole / bound:.2f} to the largest of these, target at most {TARGET}")
    if others > OTHERS_AT_MOST:
        print("The machine was not quiet: no figure to rely on.")
    return int(whole / bound > TARGET or others > OTHERS_AT_MOST)


if __name__ == "__main__":
    sys.exit(main())
