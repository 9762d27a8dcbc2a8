"""When to look for cyclic garbage: nearly everything here is freed by reference count alone.

For processes, never for libraries: these settings are the whole interpreter's.
"""

import gc


def collect_rarely() -> None:
    """For commands: what plays or reads many sessions spends a sixth of its time on searches otherwise."""
    gc.set_threshold(20_000, 10, 1_000)


def collect_seldom_among_the_old() -> None:
    """For a server: with two thousand sessions a full search stops them all for 0.8 s.

    What is there already, modules above all, is not searched at all; the old wait for an hour of such a load.
    """
    gc.freeze()
    gc.set_threshold(2_000, 5, 8_000)
