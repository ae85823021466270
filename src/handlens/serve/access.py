"""Who may ask: names of this server, other pages kept out, the token of a server that others can reach.

A page elsewhere can make a browser send requests here. It cannot make the browser lie about where they come
from (`Origin`, `Sec-Fetch-Site`), nor about the name that it believes the server to have (`Host`): so DNS
rebinding shows.
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from handlens.serve.refusal import Refusal

HOME = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Access:
    """What a request must show.

    Attributes:
        hosts: names and addresses that `Host` may have.
        addresses: whether any address (not name) will do: of a server that listens on all of them.
        token: empty where none is asked for.
        cookie: name of the cookie that keeps it; cookies are shared by all ports of a machine.
    """

    hosts: frozenset[str] = HOME
    addresses: bool = False
    token: str = ""
    cookie: str = "handlens"

    def check(self, headers: Mapping[str, str], *, page: bool) -> None:
        """Raise unless the request comes from this server's own pages, or from no page at all.

        Args:
            headers: names in small letters.
            page: it asks for a page to look at, which a link elsewhere may lead to.

        Raises:
            Refusal: 403, or 400 without a usable `Host`.
        """
        host = headers.get("host", "")
        if not self._known(name_of(host)):
            raise Refusal(403, f"this server is not called {host[:80]!r}; open it by the address it printed")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
            raise Refusal(403, f"requests from pages of {origin[:80]!r} are not answered")
        site = headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") and not (page and headers.get("sec-fetch-mode") == "navigate"):
            raise Refusal(403, "requests from pages of other sites are not answered")

    def _known(self, name: str) -> bool:
        if name in self.hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return self.addresses

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Whether the request shows the token, in its cookie or as `Authorization: Bearer`."""
        if not self.token:
            return True
        kind, _, shown = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.fits(shown.strip()):
            return True
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        return morsel is not None and self.fits(morsel.value)

    def brings(self, query: str) -> bool:
        """Whether an address has the token behind `?token=`, as the one that is printed."""
        return bool(self.token) and self.fits(parse_qs(query).get("token", [""])[0])

    def fits(self, shown: str) -> bool:
        """Compared in constant time: how long it takes tells nothing about the token."""
        return hmac.compare_digest(shown.encode("utf-8", "replace"), self.token.encode())

    def set_cookie(self) -> str:
        """The header that lets the browser keep the token for this site's own requests alone."""
        return f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"


def name_of(host: str) -> str:
    """`localhost` of `localhost:8350`, `::1` of `[::1]:8350`; in small letters; empty if it is neither."""
    host = host.strip().lower()
    if host.startswith("["):
        inner, _, rest = host[1:].partition("]")
        return inner if rest == "" or (rest[0] == ":" and rest[1:].isdigit()) else ""
    name, colon, port = host.partition(":")
    return name if not colon or port.isdigit() else ""


def access(host: str, port: int, token: str) -> Access:
    """What requests to a server that listens on `host` must show; `token` is empty on the loopback one."""
    cookie = f"handlens-{port}"
    if is_home(host):
        return Access(HOME | {host.lower()}, False, token, cookie)
    everywhere = host in ("0.0.0.0", "::")
    names = {host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
    return Access(HOME | names, everywhere, token, cookie)


def is_home(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
