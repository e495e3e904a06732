"""Names that are no names: generic words, and sentences.

>>> is_generic("the proposed approach"), is_generic("Results"), is_generic("attention"), is_generic("deep learning")
(True, True, False, False)
>>> is_sentence("we show that attention is not explanation."), is_sentence("Attention Is All You Need")
(True, False)
"""

from __future__ import annotations

import re

from kg.resolve.forms import words_of

#: Words that say that something is a thing, and not which: a name of nothing but these is no name.
GENERIC = frozenset(
    """
    ability advantage aim algorithm analysis application approach architecture area article aspect
    assumption author baseline basis behavior benchmark best case challenge change class code collection combination
    component concept condition contribution corpus cost data database dataset design detail development difference
    difficulty direction domain effect effectiveness efficiency effort evaluation evidence example experiment
    extension factor feature field finding focus framework function gain goal idea impact implementation improvement
    information input insight instance issue kind knowledge level limitation literature measure mechanism metric
    model module need network number objective outcome output paper parameter part performance perspective phase
    pipeline point potential practice problem procedure process property proposal quality question range reason region
    research resource result role sample scenario scheme score set setting setup situation solution stage state step strategy
    structure study subject system target task team technique term test theory tool topic type use user value variant
    version way work
    """.split()
)
_COLOURLESS = frozenset(
    """
    a an the our their its this that these those such some any all many several various other another different same
    each both few more most new novel proposed existing current previous prior recent simple general specific main key
    major important useful effective efficient good better best strong standard common popular typical traditional
    conventional classic original first second third final state-of-the-art state of art and or with for to in on by
    from as sota powerful complex large-scale small big real real-world own alternative advanced modern related
    corresponding resulting well-known wide promising full
    """.split()
)
# Names of the field that are made of nothing but such words.
_NAMES = frozenset(
    {("feature", "set"), ("test", "set"), ("network", "architecture"), ("domain", "knowledge"), ("data", "structure"),
     ("data", "set"), ("network", "analysis"), ("network", "design"), ("data", "analysis"), ("data", "quality"),
     ("system", "design"), ("information", "theory"), ("network", "structure"), ("user", "study"), ("case", "study"),
     ("task", "network"), ("knowledge", "base"), ("question", "type"), ("type", "system"), ("type", "theory"),
     ("set", "theory"), ("state", "space"), ("domain", "theory"), ("set", "function"), ("function", "class"),
     ("value", "function"), ("score", "function"), ("objective", "function"), ("user", "model"), ("topic", "model"),
     ("process", "model"), ("state", "model"), ("data", "model"), ("team", "theory")}
)  # fmt: skip
_PRONOUN = re.compile(r"^(?:we|it|they|this|these|there|our|i|you|he|she)\b", re.IGNORECASE)
_VERB = re.compile(
    r"\b(?:we|is|are|was|were|has|have|had|can|could|will|would|should|does|do|did|that|which|show|shows|propose|"
    r"proposes|present|presents)\b",
    re.IGNORECASE,
)
_MOST_WORDS = 14


def is_generic(name: str) -> bool:
    """Whether a name says only that there is something (`the proposed approach`), or nothing at all."""
    words = words_of(name)
    if not any(character.isalnum() for word in words for character in word):
        return True
    bare = tuple(word for word in words if word not in _COLOURLESS)
    return len(bare) < 2 and all(word in GENERIC for word in bare)


def is_sentence(name: str) -> bool:
    """Whether a name is a sentence or a piece of one, and no term."""
    words = name.split()
    if len(words) > _MOST_WORDS:
        return True
    if len(words) < 4 or name.istitle():
        return False
    return bool(_PRONOUN.match(name) and _VERB.search(name)) or (
        name.rstrip().endswith((".", "?", "!")) and bool(_VERB.search(name)) and name != name.title()
    )
