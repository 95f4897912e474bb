#!/usr/bin/env python3
"""Write the nuctl stand-in as one executable file: build_nuctl.py PATH

The file is a zip that Python runs; it holds PyYAML too, so that a host needs nothing but Python 3.10.
The same sources make the same bytes, and so the same checksum. A PATH like nuctl-1.16.4-linux-amd64 makes the program
say that it is that version.
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
FIXED_TIME = (2020, 1, 1, 0, 0, 0)
MAIN = b"import sys\nfrom nuclio_local.nuctl import main\nsys.exit(main())\n"


def build(target: Path) -> None:
    """Write nuctl to target."""
    sources = {f"nuclio_local/{path.name}": path for path in (HERE / "nuclio_local").glob("*.py")}
    sources |= {f"yaml/{path.name}": path for path in Path(yaml.__file__).parent.glob("*.py")}
    version = re.match(r"nuctl-([0-9.]+)-", target.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        out.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("__main__.py", FIXED_TIME), MAIN)
            for name, path in sorted(sources.items()):
                content = path.read_bytes()
                if version and name == "nuclio_local/__init__.py":
                    content = re.sub(rb'VERSION = ".*"', f'VERSION = "{version[1]}"'.encode(), content)
                archive.writestr(zipfile.ZipInfo(name, FIXED_TIME), content)
    target.chmod(0o755)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
