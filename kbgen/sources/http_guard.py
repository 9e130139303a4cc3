"""The rim of the network: a connection goes to the address that was looked at, and to no private network.

A name is resolved here, every address of it is judged, and the connection is made to one of those addresses: a name
that answers differently the second time it is asked (DNS rebinding) gains nothing. Not here: what is sent.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection, Iterable
from typing import Any

import httpcore2

from kbgen.sources.http import Refused

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class GuardedBackend(httpcore2.NetworkBackend):
    """Opens connections.

    Args:
        private: hosts that may lead into a private network, because somebody wrote them into the configuration.
    """

    def __init__(self, private: Collection[str]) -> None:
        self._private = frozenset(private)
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address of the host that answers.

        Raises:
            Refused: an address of the host is private.
            httpcore2.ConnectError: the name has no address, or none of them answers.
        """
        failed: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port):
            try:
                return self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed

    def sleep(self, seconds: float) -> None:
        """Wait; asked for by the pool between its own retries, of which there are none."""
        self._plain.sleep(seconds)

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"the name {host} is not known: {error}") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if host.lower() not in self._private:
            for address in addresses:
                if not is_public(address):
                    msg = (
                        f"{host} leads to {address}, which is in a private network; "
                        f"if that is meant, write {host} into http.private_hosts of site_config/kbgen.yml"
                    )
                    raise Refused(msg)
        return addresses


def is_public(address: str) -> bool:
    """Tell whether an IP address is one the whole Internet can reach; anything else is not one."""
    try:
        ip = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            ip = ipaddress.ip_address(int(ip) & 0xFFFFFFFF)
        elif (inner := ip.ipv4_mapped or ip.sixtofour) is not None:
            ip = inner
    return ip.is_global and not ip.is_multicast


def is_private_name(host: str) -> bool:
    """Tell whether a host names a private place by itself: an address, or a name that exists in no public DNS."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return not is_public(host)
