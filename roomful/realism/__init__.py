"""How much like people's chats sessions are: twelve statistics, distances to real chats, text markers."""

from roomful.realism.compare import Comparison, compare
from roomful.realism.markers import Markers, markers
from roomful.realism.measures import NAMES, TIMING, WORDS, Post, Statistics, statistics
from roomful.realism.references import CORPORA, Corpus, Reference, Sessions, corpus, measure
from roomful.realism.rooms import posts_of

__all__ = [
    "CORPORA",
    "NAMES",
    "TIMING",
    "WORDS",
    "Comparison",
    "Corpus",
    "Markers",
    "Post",
    "Reference",
    "Sessions",
    "Statistics",
    "compare",
    "corpus",
    "markers",
    "measure",
    "posts_of",
    "statistics",
]
