"""Connections of HTTP that are closed when nothing comes of them."""

import math

import h11
from uvicorn.protocols.http import h11_impl

from alexnet_tf.serving import protocol

# A refused body is read and thrown away for so long: a connection that is
# closed over its client's words takes the refusal with it.
_LINGER_SECONDS = 5.0


def make_protocol(limits, metrics):
    """Returns the class of a server's connections.

    uvicorn's own keeps a connection for ever that sends half a request; this
    one closes it after `limits.header_seconds`. Where there are more than
    `limits.connections`, that which has waited longest for a request makes
    room, so that silent clients keep nobody out.

    Args:
        limits: A `Limits`.
        metrics: A `Metrics`.
    """
    # Of connections without a request, the oldest first.
    silent = {}

    class Protocol(h11_impl.H11Protocol):
        """One connection."""

        _timer = None

        def connection_made(self, transport):
            """Waits for a request, but not for ever."""
            super().connection_made(transport)
            metrics.connections.set(len(self.connections))
            if len(self.connections) > limits.connections:
                oldest = next(iter(silent), self)
                metrics.refusals.labels("connections").inc()
                oldest.transport.abort()
            if not transport.is_closing():
                self._wait()

        def connection_lost(self, exc):
            """Forgets the connection."""
            self._stop_waiting()
            super().connection_lost(exc)
            metrics.connections.set(len(self.connections))

        def handle_events(self):
            """Takes what has come; a whole request ends the waiting."""
            before = self.cycle
            super().handle_events()
            if self.cycle is not before:
                self._stop_waiting()

        def on_response_complete(self):
            """Waits for the next request, or for the end of a refused one."""
            super().on_response_complete()
            refused = self.conn.their_state is h11.SEND_BODY
            self._wait(_LINGER_SECONDS if refused else None)

        def send_400_response(self, msg):
            """Answers what is no HTTP, in JSON as everything else."""
            metrics.refusals.labels("http").inc()
            body = protocol.dump({"error": msg})
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                headers = [
                    (b"content-type", b"application/json"),
                    (b"content-length", str(len(body)).encode()),
                    (b"connection", b"close"),
                ]
                for event in (
                    h11.Response(status_code=400, headers=headers),
                    h11.Data(data=body),
                    h11.EndOfMessage(),
                ):
                    self.transport.write(self.conn.send(event))
            self.transport.close()

        def _wait(self, seconds=None):
            self._stop_waiting()
            silent[self] = True
            self._unread = math.inf
            self._timer = self.loop.call_later(
                seconds or limits.header_seconds, self._give_up
            )

        def _stop_waiting(self):
            silent.pop(self, None)
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _give_up(self):
            unread = self.transport.get_write_buffer_size()
            if unread and unread < self._unread:
                # Slow, but it does take its answer.
                self._wait()
                self._unread = unread
                return
            metrics.refusals.labels("silence").inc()
            self.transport.abort()

    return Protocol
