"""A command's side of the operator's API: the running server, found through its data folder."""

import json
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from roomful.rules import Wrong, parse_json, read_text

FILE = "server.json"
TIMEOUT = 10.0
"""Seconds until a server that does not answer is given up."""


class NoServer(Exception):
    """No server works in this data folder."""


class OperatorError(Exception):
    """The server would not do it, and why."""


class Operator:
    """A running server, as its operator reaches it from this machine."""

    def __init__(self, data: Path) -> None:
        """Raises NoServer when the data folder tells of none."""
        try:
            told = parse_json(read_text(data / FILE))
        except Wrong as fault:
            raise NoServer(f"No server is running in {data}/.") from fault
        if not isinstance(told, dict):
            raise NoServer(f"{data / FILE} is not what a server writes there.")
        self._data = data
        self._address, self._key = urlsplit(str(told.get("url"))).netloc, str(told.get("key"))

    def ask(self, method: str, path: str, body: object = None) -> object:
        """Return what the server answers. Raises NoServer when there is none behind the address, OperatorError."""
        connection = HTTPConnection(self._address, timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = json.loads(answer.read() or b"null")
        except ConnectionRefusedError as fault:
            # left by a server that was killed
            raise NoServer(f"No server is running in {self._data}/.") from fault
        except (OSError, HTTPException, ValueError) as fault:
            raise OperatorError(f"The server in {self._data}/ does not answer as it should: {fault}") from fault
        finally:
            connection.close()
        if answer.status != 200:
            detail = content.get("detail") if isinstance(content, dict) else content
            raise OperatorError(f"The server in {self._data}/ answered {answer.status}: {detail}")
        return content
