"""From what papers name to the nodes of the graph: a vocabulary, normal forms, abbreviations, and decisions of people.

>>> Resolver(Vocabulary.of(())).resolve({}, []).entities
()
"""

from kg.resolve.decisions import Decision
from kg.resolve.resolver import Resolver
from kg.resolve.rules import Rules, Thresholds
from kg.resolve.vocabulary import Concept, Vocabulary, load_vocabulary

__all__ = ["Concept", "Decision", "Resolver", "Rules", "Thresholds", "Vocabulary", "load_vocabulary"]
