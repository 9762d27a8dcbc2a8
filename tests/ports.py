"""Ports for servers that are told which one to listen on."""

import os
import socket
from itertools import count

FIRST, COUNT = 20_000, 10_000
"""Below those that systems give out by themselves (Linux from 32768, others from 49152): a port that nobody listens
on when it is looked at would else be given to a client, or to another worker's server, before ours listens."""

# each process begins elsewhere, and goes on from there
_offsets = count(os.getpid() * 1009)


def free_port() -> int:
    """Return a port of this machine on which nobody listens, another one each time."""
    for offset in _offsets:
        port = FIRST + offset % COUNT
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("the offsets have no end")
