"""WebSockets as our own server speaks them, over real sockets."""

import json

import pytest

from tests.asgi import eventually
from tests.listening import listening
from tests.wire import connect, start_session

pytestmark = pytest.mark.anyio


async def test_who_neither_reads_nor_answers_pings_is_absent_however_much_is_on_the_way(tmp_path):
    pings = {"ws_ping_interval": 2.0, "ws_ping_timeout": 0.5}
    limits = {"max_message_chars": 20_000, "max_frame_bytes": 100_000}
    async with listening(tmp_path, limits=limits, uvicorn_options=pings, reconnect_grace_seconds=600) as server:
        session_id = await start_session(server.port)
        client = await connect(server.port, f"/ws/{session_id}", lambda *_: None, receive_buffer=1 << 16)
        room = server.host.rooms[session_id]
        client.transport.pause_reading()
        # 240 KB each as they come back, 7 MB together: more than the system keeps for a client that does not read
        for number in range(30):
            frame = {"type": "user_message", "content": "🎈" * 20_000, "client_id": f"c{number}"}
            client.send(json.dumps(frame, ensure_ascii=False))
        await eventually(lambda: len(room.state.messages) == 30)
        assert room.socket

        await eventually(lambda: room.socket is None)

        assert room.state.ended is None
        client.drop()
