"""`stepfour up` in a process of its own, to be killed without a word and started again where it was."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import httpx
from pydantic import SecretStr

from app.identity import sign
from app.main import utc_now
from evals.world.spec import Spec
from evals.world.world import World
from tests.app.web.hosts import Host, strict
from tests.e2e.conftest import quick_settings
from tests.e2e.surfaces.model import Model
from tests.e2e.surfaces.stage import STUB

ROOT = Path(__file__).parents[3]
STARTS_WITHIN = timedelta(minutes=2)


class Killable:
    """On one data folder and one port, with a model at hand."""

    def __init__(self, world: World, data: Path, llm: Model, host: Host) -> None:
        self.settings = quick_settings(world.addresses, data)
        self.host = host
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        host.policy = strict(self.url)
        secrets = {
            name: getattr(self.settings, name).get_secret_value()
            for name in ("site_secret", "platform_token")
        }
        given = {
            "data_dir": str(data),
            "port": str(self.port),
            "pages": str(self.settings.pages),
            "modes": json.dumps(self.settings.modes),
            "sites": json.dumps([host.url]),
            "platform_url": self.settings.platform_url or "",
            "pause_seconds": "0.05",
            "llm_base_url": llm.url,
            "llm_model": "double",
            **secrets,
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("STEPFOUR_")}
        self._env = clean | {f"STEPFOUR_{name.upper()}": value for name, value in given.items()}
        self._log = data.with_name("server.log")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.e2e.surfaces.up"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._env, cwd=ROOT, stdout=log, stderr=log)
        ends = time.monotonic() + STARTS_WITHIN.total_seconds()
        with httpx.Client(trust_env=False) as client:
            while not self._well(client):
                assert self._process.poll() is None, self._log.read_text()[-2000:]
                assert time.monotonic() < ends, "the server did not start"
                time.sleep(0.05)

    def _well(self, client: httpx.Client) -> bool:
        try:
            return client.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def shop_page(self, spec: Spec) -> str:
        token = sign(
            self.settings,
            sub=spec.owner.user,
            account=spec.owner.account,
            agent=False,
            minutes=60,
            now=utc_now(),
        )
        assert isinstance(self.settings.site_secret, SecretStr)
        self.host.script(f"{STUB}stepfour('boot', {{getToken: () => '{token}'}});", "/own.js")
        body = f'<script src="/own.js"></script><script async src="{self.url}/widget/loader.js"></script>'
        return self.host.page(body, "/own")
