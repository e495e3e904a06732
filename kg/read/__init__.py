"""Papers in: one small reader a format, chosen by content and suffix, cleaned once, each paper once.

>>> "bibtex" in FORMATS
True
"""

from kg.read.corpus import read_papers
from kg.read.formats import FORMATS
from kg.read.record import ReadReport

__all__ = ["FORMATS", "ReadReport", "read_papers"]
