"""`python -m evals.world.slack`: the double alone, with its page, until it is told to end."""

from __future__ import annotations

import argparse
import asyncio
import signal

from evals.world.slack.slack import FakeSlack


async def run(port: int, request_url: str | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    options = {"port": port, "request_url": request_url, "socket_mode": request_url is None}
    async with FakeSlack.serve(**options, rate_scale=1.0) as slack:
        print(f"page            {slack.page_url}")
        print(f"API             {slack.api_url}")
        print(f"bot token       {slack.bot_token}")
        print(f"app token       {slack.app_token}")
        print(f"signing secret  {slack.signing_secret}", flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m evals.world.slack", description="Run the local Slack.")
    parser.add_argument("--port", type=int, default=4711)
    parser.add_argument("--request-url", help="where the app takes events; without it Socket Mode is on")
    given = parser.parse_args()
    asyncio.run(run(given.port, given.request_url))


if __name__ == "__main__":
    main()
