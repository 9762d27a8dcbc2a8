"""WebSockets as the server that we start ourselves speaks them: uvicorn's, with nothing of a lost one left behind."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class Released(WebSocketsSansIOProtocol):
    """Uvicorn's protocol, which lets go of who does not read, and is freed as soon as its connection is lost."""

    def keepalive_timeout(self) -> None:
        """Close the connection of one who does not answer; at once if there is still something on its way to them.

        Otherwise it would be closed when they have read that: who never does would be taken for present.
        """
        super().keepalive_timeout()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what reads the frames: it and its connection know each other.

        Such a circle, of 1.4 KiB, would stay until a full search for them, which the app makes seldom.
        """
        super().connection_lost(exc)
        self.conn.parser.close()
        self.conn.parser_exc = None
