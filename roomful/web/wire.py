"""WebSockets as the server that we start ourselves speaks them: uvicorn's, with nothing of a closed one left behind."""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class Released(WebSocketsSansIOProtocol):
    """Uvicorn's protocol, which is freed as soon as its connection is lost."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of what reads the frames: it and its connection know each other.

        Such a circle, of 1.4 KiB, would stay until a full search for them, which the app makes seldom.
        """
        super().connection_lost(exc)
        self.conn.parser.close()
        self.conn.parser_exc = None
