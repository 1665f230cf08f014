"""Writes the two lock files: names, versions and hashes of everything, and no address.

One lock serves Python 3.11 and later on Linux and macOS: hashes of all files, markers where they differ.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMPILE = (
    "pip",
    "compile",
    "pyproject.toml",
    "--quiet",
    "--universal",
    "--extra=build",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-annotate",
    "--no-header",
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=True)
        for name, extra in (("requirements.lock", ()), ("requirements-dev.lock", ("--extra=dev",))):
            command = [python, "-m", "uv", *COMPILE, *extra, f"--output-file={name}"]
            subprocess.run(command, check=True, cwd=ROOT)
            print(name, file=sys.stderr)


if __name__ == "__main__":
    main()
