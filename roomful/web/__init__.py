"""The server: what participants and operators reach over HTTP and WebSocket."""
