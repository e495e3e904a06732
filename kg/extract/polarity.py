"""Whether a sentence denies a relation ("does not outperform") or only supposes it ("may improve"), by plain rules.

A "not" somewhere near is no denial: it has to stand before the verb that says the relation, in the sentence that names
both entities. What the rules do not know counts as said, and as sure.

>>> said("BERT does not outperform GPT on NLI.", "outperforms", (0, 4), (25, 28))
(True, False)
>>> said("BERT may not only help but outperform GPT.", "outperforms", (0, 4), (38, 41))
(False, True)
"""

from __future__ import annotations

import re
from types import MappingProxyType

from kg.sentences import sentence_at, sentences

#: The verbs (as beginnings of words) that say a relation, of those relations that texts deny.
_VERBS = MappingProxyType(
    {
        "outperforms": r"outperform|beat|exceed|surpass|improve|better|superior|win",
        "used_for": r"us(?:e|ed|able|ing)\b|appl|work|suit|design|solv|perform|handl|address|help|able|intend"
        r"|generali[sz]|extend|transfer|support|appropriate|effective",
        "evaluated_on": r"evaluat|test|train|perform|work|generali[sz]|appl|us(?:e|ed)\b",
        "exhibits": r"exhibit|suffer|show|hav(?:e|ing)\b|possess|lead|caus|display|incur|introduc",
    }
)
_NOT = (
    r"(?:\b(?:not|never|no longer|cannot|fails? to|failed to|failing to|unable to|neither|nor|no)\b|n['’]t\b)"
    r"\s+(?!(?:only|just|merely|simply|limited|necessarily)\b)(?:(?:be|been|being|yet|to|directly|always|\w+ly)\s+){0,2}"
)
_DENIALS = MappingProxyType({name: re.compile(_NOT + f"(?:{verbs})", re.IGNORECASE) for name, verbs in _VERBS.items()})
_HEDGE = re.compile(
    r"\b(?:may|might|could|perhaps|possibly|potentially|presumably|likely|suggest(?:s|ing)? that|seems?|appears? to"
    r"|hypothesi[sz]e[sd]?|conjectur\w*|speculat\w*|believ\w+|we expect|promising)\b",
    re.IGNORECASE,
)
#: Characters before the first entity in which its clause is looked for.
_LEAD = 80


def said(text: str, predicate: str, head: tuple[int, int], tail: tuple[int, int]) -> tuple[bool, bool]:
    """(negated, hedged) of a relation that the text shows by these two mentions (ranges of characters)."""
    first, second = sorted((head, tail))
    begin, end = sentence_at(text, first[0], second[1])
    if any(begin < border < end for border, _ in sentences(text)):
        return False, False  # they stand in different sentences: no verb is known to join them
    lead = re.split(r"[,;:]\s|\b(?:but|while|whereas|although)\b", text[max(begin, first[0] - _LEAD) : first[0]])[-1]
    clause = lead + text[first[0] : second[1]]
    denial = _DENIALS.get(predicate)
    return denial is not None and denial.search(clause) is not None, _HEDGE.search(clause) is not None
