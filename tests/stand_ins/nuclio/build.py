#!/usr/bin/env python3
"""Build the Nuclio stand-ins: the images of the Dockerfile, and nuctl as one executable file.

    build.py --target dashboard --image NAME --base IMAGE
    build.py --nuctl PATH

Packages come from the package index that pip on this machine is configured for. PyYAML goes into nuctl,
so that the file needs nothing but Python on the host.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
WHEELS = ("nuclio-sdk==0.6.3", "pip==25.3")
FIXED_TIME = (2020, 1, 1, 0, 0, 0)  # the same sources make the same file, and so the same checksum


def build_nuctl(target: Path) -> None:
    """Write nuctl as a zip file that Python runs."""
    sources = {f"nuclio_local/{path.name}": path for path in (HERE / "nuclio_local").glob("*.py")}
    sources |= {f"yaml/{path.name}": path for path in Path(yaml.__file__).parent.glob("*.py")}
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        out.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            main = b"import sys\nfrom nuclio_local.nuctl import main\nsys.exit(main())\n"
            archive.writestr(zipfile.ZipInfo("__main__.py", FIXED_TIME), main)
            for name, path in sorted(sources.items()):
                archive.writestr(zipfile.ZipInfo(name, FIXED_TIME), path.read_bytes())
    target.chmod(0o755)


def build_image(image: str, target: str, base: str) -> None:
    """Build one stage of the Dockerfile."""
    with tempfile.TemporaryDirectory(prefix="nuclio-stand-in-") as folder:
        context = Path(folder) / "context"
        shutil.copytree(HERE, context, ignore=shutil.ignore_patterns("__pycache__"))
        wheels = context / "wheels"
        wheels.mkdir()
        if target == "onbuild":
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                            "--dest", str(wheels), *WHEELS], check=True)
        subprocess.run(["docker", "build", "--tag", image, "--target", target, "--build-arg", f"BASE={base}",
                        str(context)], check=True)


def main() -> None:
    """Build what the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nuctl", type=Path, help="write nuctl here")
    parser.add_argument("--image", help="name of the image to build")
    parser.add_argument("--target", choices=("onbuild", "uhttpc", "helper", "dashboard"))
    parser.add_argument("--base", default="annotation-demo/debian:13", help="minimal Debian 13 image")
    options = parser.parse_args()
    if options.nuctl:
        build_nuctl(options.nuctl)
    if options.image:
        build_image(options.image, options.target, options.base)


if __name__ == "__main__":
    main()
