"""Roomful: experiments in a simulated group chat with one human participant and several AI agents."""

__version__ = "0.1.0"
