"""Names that are no names: generic words, and sentences.

>>> is_generic("the proposed approach"), is_generic("Results"), is_generic("attention"), is_generic("deep learning")
(True, True, False, False)
>>> is_sentence("we show that attention is not explanation."), is_sentence("Attention Is All You Need")
(True, False)
"""

from __future__ import annotations

import re

from kg.resolve.forms import looks_short, words_of

#: Words that say that something is a thing, and not which: a name of nothing but these is no name.
GENERIC = frozenset(
    """
    ability advantage aim algorithm analysis application approach architecture area article aspect
    assumption author baseline basis behavior benchmark best case challenge change class code collection combination
    component concept condition contribution corpus cost data database dataset design detail development difference
    difficulty direction domain effect effectiveness efficiency effort evaluation evidence example experiment
    extension factor feature field finding focus framework function gain goal idea impact implementation improvement
    information input insight instance issue kind knowledge level limitation literature measure mechanism method metric
    model module need network number objective outcome output paper parameter part performance perspective phase
    pipeline point potential practice problem procedure process property proposal quality question range reason region
    research resource result role sample scenario scheme score set setting setup situation solution stage state step
    strategy structure study subject system target task team technique term test theory tool topic type use user value
    variant version way work
    """.split()
)
# Heads that name nothing even with an adjective before them: `a general approach`, `prior work`.
_EMPTY_HEADS = frozenset(
    """
    algorithm approach article author baseline benchmark case challenge contribution experiment framework idea
    implementation method model paper performance problem procedure research result scheme solution strategy study
    system task technique tool work dataset
    """.split()
)
_DETERMINERS = frozenset(
    """
    a an the our their its this that these those such some any all many several various other another different same
    each both few more most new novel proposed existing previous recent main key major important useful good better best
    original first second third final state of art and or with for to in on by from as sota own alternative related
    corresponding resulting well-known promising current
    """.split()
)
_ADJECTIVES = frozenset(
    """
    prior simple general specific effective efficient strong standard common popular typical traditional conventional
    classic powerful complex small big real advanced modern wide full
    """.split()
)
# What is a name only for one type: papers report the parameters and the cost of models.
_OF_TYPE = frozenset({("Metric", "parameter"), ("Metric", "cost"), ("Metric", "quality")})
_PRONOUN = re.compile(r"^(?:we|it|they|this|these|there|our|i|you|he|she)\b", re.IGNORECASE)
_VERB = re.compile(
    r"\b(?:we|is|are|was|were|has|have|had|can|could|will|would|should|does|do|did|that|which|show|shows|propose|"
    r"proposes|present|presents)\b",
    re.IGNORECASE,
)
_MOST_WORDS = 14


def is_generic(name: str, entity_type: str = "") -> bool:
    """Whether a name says only that there is something (`the proposed approach`), or nothing at all.

    >>> is_generic("existing methods"), is_generic("prior knowledge"), is_generic("parameters", "Metric")
    (True, False, False)
    """
    if looks_short(name):
        return False
    words = words_of(name)
    if not any(character.isalnum() for word in words for character in word):
        return True
    while words and words[0] in _DETERMINERS:
        words = words[1:]
    if len(words) == 2 and words[0] in _ADJECTIVES and words[1] in _EMPTY_HEADS:
        return True
    if not words or (len(words) == 1 and words[0] in _ADJECTIVES and name.islower()):
        return True
    return len(words) == 1 and words[0] in GENERIC and (entity_type, words[0]) not in _OF_TYPE


def is_sentence(name: str) -> bool:
    """Whether a name is a sentence or a piece of one, and no term."""
    words = name.split()
    if len(words) > _MOST_WORDS or "\n" in name:
        return True
    if len(words) < 4 or name.istitle():
        return False
    return bool(_PRONOUN.match(name) and _VERB.search(name)) or (
        name.rstrip().endswith((".", "?", "!")) and bool(_VERB.search(name)) and name != name.title()
    )
