"""The address policy of the world: its own loopback network, and nothing else."""

from __future__ import annotations

import ipaddress

from knowledge.addresses import hostname


class WorldPolicy:
    """For `Net`, given by code that starts a world; production has no way to come by it."""

    def __init__(self, network: str) -> None:
        self._network = ipaddress.ip_network(network)

    def host(self, name: str) -> str | None:
        return hostname(name, record=True)

    def address(self, address: str) -> bool:
        try:
            return ipaddress.ip_address(address) in self._network
        except ValueError:
            return False
