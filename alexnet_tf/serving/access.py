"""Who may ask: keys, and pages of other sites that may not."""

import hashlib
import hmac
import ipaddress
import pathlib
import urllib.parse

from alexnet_tf.serving.refusal import Refusal, shorten

_LEAST_CHARACTERS = 16
_LOCAL_NAMES = {"localhost", "127.0.0.1", "[::1]"}


class Access:
    """Decides who may ask.

    Args:
        keys: Texts, one of which a client must know; none lets all in.
        host: The address that the server is bound to.
        names: Others by which it may be asked, for one behind a proxy.
    """

    def __init__(self, keys=(), host="127.0.0.1", names=()):
        self._keys = [_digest(key) for key in keys]
        self._is_local = is_loopback(host)
        self._names = _LOCAL_NAMES | {*names}

    def check_key(self, authorization):
        """Refuses a client without a key.

        Args:
            authorization: "Bearer KEY", or `None`.

        Raises:
            Refusal: There are keys, and this is none of them.
        """
        if not self._keys:
            return
        scheme, _, key = (authorization or "").partition(" ")
        found = _digest(key.strip())
        # Each is compared, so that time tells nothing.
        known = [hmac.compare_digest(found, digest) for digest in self._keys]
        if scheme.lower() != "bearer" or not any(known):
            raise Refusal(
                "UNAUTHENTICATED",
                "key",
                "A request must have the header Authorization: Bearer KEY.",
            )

    def check_site(self, host, origin):
        """Refuses what a page of another site has its visitor's browser ask.

        Args:
            host: The header Host, or `None`.
            origin: The header Origin, which browsers send, or `None`.

        Raises:
            Refusal: It comes from elsewhere.
        """
        if origin is not None and urllib.parse.urlsplit(origin).netloc != host:
            raise Refusal(
                "PERMISSION_DENIED",
                "site",
                "Pages of other sites must not ask this server. "
                f"Received: Origin {shorten(origin)}",
            )
        # A name of another site that points to this machine.
        if self._is_local and host:
            name = host if host.endswith("]") else host.rpartition(":")[0]
            if (name or host) not in self._names:
                raise Refusal(
                    "PERMISSION_DENIED",
                    "site",
                    "A server of this machine alone must be asked as "
                    "localhost or 127.0.0.1, or as --allowed_hosts says. "
                    f"Received: {shorten(host)}",
                )


def read_keys(path):
    """Returns the keys of a file, one a line; # begins a comment.

    Raises:
        OSError: It cannot be read.
        ValueError: It has no key, or a short one.
    """
    lines = pathlib.Path(path).read_text("utf-8").splitlines()
    keys = [line.strip() for line in lines]
    keys = [key for key in keys if key and not key.startswith("#")]
    if not keys or min(map(len, keys)) < _LEAST_CHARACTERS:
        raise ValueError(
            f"{path} must hold one key or more, one a line, each of at least "
            f"{_LEAST_CHARACTERS} characters. Make one with: openssl rand "
            f"-hex 32 > {path}"
        )
    return keys


def is_loopback(host):
    """Returns whether an address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _digest(key):
    """Returns a key's hash: all are of one length."""
    return hashlib.sha256(key.encode()).digest()
