"""When to look for cyclic garbage: nearly everything here is freed by reference count alone.

For processes, never for libraries: these settings are the whole interpreter's.
"""

import gc


def collect_rarely() -> None:
    """For commands: what plays or reads many sessions spends a sixth of its time on searches otherwise."""
    gc.set_threshold(20_000, 10, 1_000)


def collect_seldom_among_the_old() -> None:
    """For a server, all of whose rooms a search holds up: among few objects at a time, and seldom among the old.

    Each young object leads to large ones, such as all messages of its room: a search through 2,000 of them took 7 ms of
    CPU, through six times as many 40, and a full one with two thousand sessions 0.8 s. What is there already, modules
    above all, is not searched at all; the old wait for an hour of such a load.
    """
    gc.freeze()
    gc.set_threshold(200, 4, 100_000)
