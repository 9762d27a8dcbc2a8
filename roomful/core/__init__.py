"""The pure core: what has happened, what is true, what happens next. No await, clock, random or I/O."""

CORE_VERSION = 2
"""Raised whenever the core decides otherwise than before: a log is run again by the version that made it."""
