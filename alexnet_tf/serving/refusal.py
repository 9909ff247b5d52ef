"""What a server says when it will not, or cannot, answer."""

import math

# The canonical codes that both protocols share, and REST's status for each,
# as TF Serving pairs them.
STATUSES = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_SHOWN = 60


class Refusal(Exception):
    """A request that gets an error for an answer.

    Args:
        code: A key of `STATUSES`.
        reason: A word for the metrics, such as "queue".
        message: For the client: what must hold, and what was received.
        status: Of REST, where HTTP has one that says more than the code.
        retry_seconds: When to ask again, or `None`.
    """

    def __init__(self, code, reason, message, status=None, retry_seconds=None):
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.status = status or STATUSES[code]
        self.retry_seconds = retry_seconds and max(1, math.ceil(retry_seconds))


def invalid(message, reason="request"):
    """Returns the refusal of a request that is wrong in itself."""
    return Refusal("INVALID_ARGUMENT", reason, message)


def missing(message):
    """Returns the refusal of a model or version that is not here."""
    return Refusal("NOT_FOUND", "not found", message)


def shorten(text):
    """Returns a client's own words, short enough to be repeated."""
    text = str(text)
    if len(text) <= _SHOWN:
        return text
    return f"{text[:_SHOWN]}... ({len(text)} characters)"
