"""`python -m evals.world --state-dir DIR`: runs the world until it is told to end.

Prints one JSON line with its addresses, the shape of `spec.Addresses`, once all of it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from evals.world.serving import serve


async def run(folder: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(folder, lambda addresses: print(addresses.model_dump_json(), flush=True), stop)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.world", description="Run the fictional platform.")
    parser.add_argument("--state-dir", type=Path, required=True, help="what it remembers, ports included")
    try:
        asyncio.run(run(parser.parse_args().state_dir))
    except OSError as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
