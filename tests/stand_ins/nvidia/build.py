#!/usr/bin/env python3
"""Makes a signed apt repository of small packages that stand for NVIDIA's. Runs on the throw-away host, as root.

build.py FOLDER     FOLDER/cuda, FOLDER/toolkit, FOLDER/debian and FOLDER/key.asc
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

DRIVERS = ("580.95.05", "580.105.08", "595.10.01")
DEBIAN = {"bookworm": ("535.261.03", "1"), "trixie": ("550.163.01", "2")}
CUDAS = {"12": "12.8.93", "13": "13.0.48"}
KERNELS = {"bookworm": "6.1.147-1", "trixie": "6.12.48-1"}
CUDA_OF_DEBIAN = {"trixie": ("12.4", "12.4.131")}
TOOLKITS = ("1.17.8", "1.20.0", "1.21.0")
LICENSES = {"open": "Dual MIT/GPL", "proprietary": "NVIDIA"}

SMI = """\
#!/bin/sh
# As the real one: it works only beside a loaded driver of its own version.
loaded=$(cat /sys/module/nvidia/version 2>/dev/null)
[ -n "$loaded" ] || { echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."; exit 9; }
[ "$loaded" = "@VERSION@" ] || { echo "Failed to initialize NVML: Driver/library version mismatch"; exit 18; }
number=0
for device in /sys/bus/pci/devices/*; do
  grep -qsx 0x10de "$device/vendor" || continue
  echo "GPU $number: Stand-in $(cat "$device/device") (UUID: GPU-0000000$number)"
  number=$((number + 1))
done
"""
# Ubuntu's: persistence off, and nothing that `systemctl enable` could use.
PERSISTENCED = """\
[Unit]
Description=Stand-in for the persistence daemon
[Service]
ExecStart=/usr/bin/nvidia-persistenced --user nobody --no-persistence-mode --verbose
"""
# What dkms does, without a compiler; a file makes it fail as a missing header would.
BUILT = """\
#!/bin/sh
set -e
folder=/lib/modules/$(uname -r)/updates/dkms
[ "$1" = configure ] || exit 0
[ ! -e /srv/machine/dkms-fails ] || { echo "Bad return status for module build on kernel: $(uname -r)"; exit 0; }
mkdir -p "$folder"
cp /usr/src/nvidia-stand-in.ko "$folder/@NAME@.ko"
depmod -a
"""
UNBUILT = """\
#!/bin/sh
rm -f /lib/modules/*/updates/dkms/nvidia*.ko
depmod -a || true
"""
HOOK = """\
#!/bin/sh
# The real hook mounts devices and libraries; this one puts a program into the container that says so.
[ "$1" = prestart ] || exit 0
bundle=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["bundle"])')
root=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1] + "/config.json"))["root"]["path"])' "$bundle")
case $root in /*) ;; *) root=$bundle/$root ;; esac
printf '#!/bin/sh\\necho "GPU 0: Stand-in, in a container"\\n' >"$root/usr/bin/nvidia-smi"
chmod 0755 "$root/usr/bin/nvidia-smi"
"""
CTK = """\
#!/bin/sh
case "$*" in
  "system create-dev-char-symlinks --create-all") mkdir -p /dev/char && ln -sf ../nvidiactl /dev/char/195:255 ;;
  *) echo "unknown: $*" >&2; exit 1 ;;
esac
"""
NVCC = '#!/bin/sh\necho "Cuda compilation tools, release {}, V{}"\n'


def module(version: str, kind: str) -> bytes:
    """Make the smallest file that modinfo and depmod take for a kernel module (source: elf(5))."""
    modinfo = f"license={LICENSES[kind]}\0version={version}\0name=nvidia\0".encode()
    names = b"\0.modinfo\0.symtab\0.strtab\0.shstrtab\0"
    parts = [modinfo, bytes(24), b"\0", names]
    offsets, at = [], 64
    for part in parts:
        offsets.append(at)
        at += (len(part) + 7) & ~7
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, at, 0, 64, 0, 0, 64, 5, 4)
    body = b"".join(part.ljust((len(part) + 7) & ~7, b"\0") for part in parts)
    # name, type, flags, address, offset, size, link, info, alignment, size of an entry
    table = bytes(64)
    for index, (name, type_, link, entry) in enumerate(((1, 1, 0, 0), (10, 2, 3, 24), (18, 3, 0, 0), (26, 3, 0, 0))):
        table += struct.pack(
            "<IIQQQQIIQQ", name, type_, 2 * (index == 0), 0, offsets[index], len(parts[index]), link, 0, 1, entry
        )
    return head + body + table


class Repository:
    """A folder of packages and, at the end, its signed lists."""

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder, self.work = folder, work
        folder.mkdir(parents=True)

    def add(self, name: str, version: str, depends: str = "", more: str = "", **files: str | bytes) -> None:
        """Build a package; keys of `files` are paths with two underscores for a slash, or postinst and prerm."""
        root = self.work / f"{name}_{version}"
        (root / "DEBIAN").mkdir(parents=True)
        control = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: Stand-in <nobody@localhost>\n"
        control += f"Depends: {depends}\n" if depends else ""
        control += more + "Description: stands for the package of this name, and does nothing\n"
        (root / "DEBIAN/control").write_text(control)
        for path, content in files.items():
            target = root / ("DEBIAN" if path in ("postinst", "prerm") else "") / path.replace("__", "/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
            target.chmod(0o755)
        command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(root), str(self.folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def sign(self, label: str, base: Path, lists: Path, suite: str = "", component: str = "") -> None:
        """Write Packages, Release and InRelease below `base` (or for a flat repository in it)."""
        text = ""
        for path in sorted(self.folder.glob("*.deb")):
            control = subprocess.run(
                ["dpkg-deb", "--field", str(path)], check=True, capture_output=True, text=True
            ).stdout
            data = path.read_bytes()
            text += f"{control.strip()}\nFilename: {path.relative_to(base)}\nSize: {len(data)}\n"
            text += f"SHA256: {hashlib.sha256(data).hexdigest()}\n\n"
        binary = lists / (f"{component}/binary-amd64" if component else "")
        binary.mkdir(parents=True, exist_ok=True)
        (binary / "Packages.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
        (binary / "Packages").write_text(text)
        sums = "".join(
            f" {hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_size} {path.relative_to(lists)}\n"
            for path in sorted(lists.rglob("Packages*"))
        )
        release = (
            f"Origin: NVIDIA\nLabel: {label}\n" if not suite else f"Origin: Debian\nLabel: {label}\nSuite: {suite}\n"
        )
        release += f"Codename: {suite}\n" if suite else ""
        release += "Components: main contrib non-free non-free-firmware\nArchitectures: amd64\n" if suite else ""
        release += f"Date: Mon, 05 Aug 2024 00:00:00 UTC\nSHA256:\n{sums}"
        (lists / "Release").write_text(release)
        gpg("--batch", "--yes", "--clearsign", "--output", str(lists / "InRelease"), str(lists / "Release"))


def gpg(*arguments: str) -> bytes:
    """Run gpg with a home of its own."""
    return subprocess.run(["gpg", *arguments], check=True, capture_output=True).stdout


def add_driver(target: Repository, version: str, revision: str, driver: str) -> None:
    """Add the packages of one driver; `driver` is the name of the package with nvidia-smi."""
    full = f"{version}-{revision}"
    smi = SMI.replace("@VERSION@", version)
    target.add("libcuda1", full)
    target.add(driver, full, f"libcuda1 (= {full})", **{"usr__bin__nvidia-smi": smi})
    daemon = {"usr__bin__nvidia-persistenced": '#!/bin/sh\necho "$@"\nexec sleep infinity\n'}
    target.add(
        "nvidia-persistenced", full, **daemon, **{"lib__systemd__system__nvidia-persistenced.service": PERSISTENCED}
    )
    name = "nvidia" if driver == "nvidia-driver-cuda" else "nvidia-current"
    opened = "nvidia-kernel-open-dkms" if name == "nvidia" else "nvidia-open-kernel-dkms"
    for package, other, kind in ((opened, "nvidia-kernel-dkms", "open"), ("nvidia-kernel-dkms", opened, "proprietary")):
        source = {"usr__src__nvidia-stand-in.ko": module(version, kind)}
        conflicts = f"Conflicts: {other}\nReplaces: {other}\n"
        target.add(package, full, more=conflicts, postinst=BUILT.replace("@NAME@", name), prerm=UNBUILT, **source)


def build(folder: Path) -> None:
    """Build everything."""
    work = folder / "work"
    for debian, cuda_version in CUDAS.items():
        cuda = Repository(folder / f"cuda/debian{debian}/x86_64", work / debian)
        for version in DRIVERS:
            add_driver(cuda, version, "1", "nvidia-driver-cuda")
            # As Ubuntu keeps old branches: an empty package of that name brings a newer one.
            cuda.add("nvidia-driver-550", f"{version}-1", f"nvidia-driver-cuda (= {version}-1)")
        for branch in sorted({version.split(".")[0] for version in DRIVERS}):
            cuda.add(f"nvidia-driver-pinning-{branch}", f"{branch}-1")
        release = cuda_version.rpartition(".")[0]
        nvcc, toolkit_of = (f"{name}-{release.replace('.', '-')}" for name in ("cuda-nvcc", "cuda-toolkit"))
        cuda.add(
            nvcc, f"{cuda_version}-1", **{f"usr__local__cuda-{release}__bin__nvcc": NVCC.format(release, cuda_version)}
        )
        cuda.add(toolkit_of, f"{release}.1-1", nvcc)
        cuda.add("cuda-toolkit", "13.1.0-1")
        cuda.sign("NVIDIA CUDA", cuda.folder, cuda.folder)

    toolkit = Repository(folder / "toolkit/amd64", work)
    for version in TOOLKITS:
        full = f"{version}-1"
        base = {"usr__bin__nvidia-ctk": CTK, "usr__bin__nvidia-container-runtime": '#!/bin/sh\nexec runc "$@"\n'}
        toolkit.add("libnvidia-container1", full)
        toolkit.add("libnvidia-container-tools", full, f"libnvidia-container1 (>= {full})")
        toolkit.add("nvidia-container-toolkit-base", full, **base)
        needs = f"nvidia-container-toolkit-base (= {full}), libnvidia-container-tools (= {full})"
        toolkit.add("nvidia-container-toolkit", full, needs, **{"usr__bin__nvidia-container-runtime-hook": HOOK})
    toolkit.sign("https://nvidia.github.io/libnvidia-container", toolkit.folder, toolkit.folder)

    for suite, (version, revision) in DEBIAN.items():
        debian = Repository(folder / "debian/pool" / suite, work)
        add_driver(debian, version, revision, "nvidia-smi")
        for library in ("libnvidia-cfg1", "libnvidia-encode1", "libnvcuvid1"):
            debian.add(library, f"{version}-{revision}")
        # What brings new kernels.
        debian.add("linux-image-amd64", KERNELS[suite])
        if suite in CUDA_OF_DEBIAN:
            release, full = CUDA_OF_DEBIAN[suite]
            debian.add("nvidia-cuda-toolkit", f"{full}~{release}.1-2", **{"usr__bin__nvcc": NVCC.format(release, full)})
        for component in ("main", "contrib", "non-free", "non-free-firmware"):
            lists = folder / "debian/dists" / suite / component / "binary-amd64"
            lists.mkdir(parents=True)
            (lists / "Packages").write_text("")
            (lists / "Packages.gz").write_bytes(gzip.compress(b"", mtime=0))
        debian.sign("Debian", folder / "debian", folder / "debian/dists" / suite, suite, "non-free")
    shutil.rmtree(work)


def main() -> None:
    """Make a key, build and sign."""
    folder = Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    os.environ["GNUPGHOME"] = str(home)
    recipe = textwrap.dedent("""\
        %no-protection
        Key-Type: EDDSA
        Key-Curve: ed25519
        Key-Usage: sign
        Name-Real: Stand-in for NVIDIA
        Name-Email: nobody@localhost
        %commit
        """)
    subprocess.run(["gpg", "--batch", "--generate-key"], input=recipe.encode(), check=True, capture_output=True)
    (folder / "key.asc").write_bytes(gpg("--armor", "--export"))
    build(folder)


if __name__ == "__main__":
    main()
