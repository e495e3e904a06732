"""Whether a sentence denies a relation ("does not outperform") or only supposes it ("may improve"), by plain rules.

A "not" somewhere near is no denial: it has to govern the verb or the phrase that ties the second entity to the first,
and nothing may end its reach before that entity. What the rules do not know counts as said, and as sure.

>>> said("BERT does not outperform GPT on NLI.", "outperforms", (0, 4), (25, 28))
(True, False)
>>> said("BERT may not only help but outperform GPT.", "outperforms", (0, 4), (38, 41))
(False, True)
>>> said("GPT solves NLI without fine-tuning.", "used_for", (23, 34), (0, 3))
(True, False)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

from kg.sentences import sentence_at, sentences

#: Predicates that a denial must name by a verb or adjective of their own (beginnings of words): for them, that the
#: first entity does not do something else says nothing ("A, not using labels, outperforms B").
_VERBS = MappingProxyType(
    {
        "outperforms": r"outperform|beat|exceed|surpass|improve|better|superior|win\b",
        "compared_with": r"compar",
        "evaluated_on": r"(?:re-?)?evaluat|test|train|validat|benchmark|assess|examin|experiment|appl|us(?:e|ed)\b",
        "measured_by": r"measur|evaluat|assess|suit|appropriate|adequate|reliabl|sufficient|meaningful|applicable"
        r"|used\b",
        "benchmark_for": r"suit|appropriate|adequate|sufficient|applicable|designed|cover|used\b",
        "part_of": r"us(?:e|es|ing)\b|rel(?:y|ies)|employ|contain|includ|consist|depend|involv|incorporat|integrat"
        r"|part\b|component|supported",
        "based_on": r"us(?:e|es|ing)\b|rel(?:y|ies)|employ|buil[dt]|based|extend|initiali[sz]|deriv|depend",
    }
)
#: Relations of something used: which of (head, tail) is used.
_USED = MappingProxyType({"used_for": 0, "part_of": 0, "based_on": 1})
_NOT = (
    r"(?:(?<!or )(?<!or may )(?<!if )(?<!why )(?<!to )\bnot|\bnever|\bno longer|\bcannot|\bunable to|\bincapable of"
    r"|(?<!sometimes )(?<!can )(?<!may )\bfail(?:s|ed|ing)? to|n['’]t)\b"
    r"(?!\s+(?:only|just|merely|simply|solely|limited|necessarily|always|to mention|yet (?:clear|fully))\b)"
)
#: Words between a "not" and its verb.
_ADVERBS = r"(?:\s+(?:be|been|being|yet|to|as|well|very|so|also|even|\w+ly))*\s+"
#: What a thing may fail to do, or to be, while the relation holds.
_HARMLESS = (
    r"(?:degrad|harm|hurt|affect|sacrific|compromis|impair|alter|chang|increas|los|damag|worsen|correlat|known\b|clear\b"
    r"|explored|understood|investigated|studied|optimal|ideal|require|need|necessitat)"
)
_DENIED_VERB = MappingProxyType(
    {
        name: re.compile(
            rf"(?:{_NOT}(?:\s+(?!and\b|but\b|yet\b|or\b)[\w-]+){{0,4}}?\s+|\bno\s+)(?:{verbs})", re.IGNORECASE
        )
        for name, verbs in _VERBS.items()
    }
)
#: At most so many words may stand between what denies and the second entity.
_DENIAL = re.compile(
    rf"(?:{_NOT}{_ADVERBS}(?!{_HARMLESS})[\w-]+"
    r"|\b(?:ineffective|unsuitable|inapplicable|inadequate|insufficient|impractical|ill-suited)\b)(?:\s+[\w'’-]+){0,4}\s*$",
    re.IGNORECASE,
)
_LACK = re.compile(
    r"(?:(?<!to )(?<!the )(?<!a )(?<!we )(?<!still )\black(?:s|ed|ing)?|(?<!we )\bstill lacks?"
    r"|\b(?:have|has|show|shows|exhibits?) an? (?:\w+ )?lack of)"
    r"(?:\s+(?!in\b|for\b|on\b|to\b|when\b|of\b)[\w-]+){0,4}:?\s*$",
    re.IGNORECASE,
)
_DENIED_USE = re.compile(
    rf"{_NOT}{_ADVERBS}(?:require|need|us(?:e|es|ing)\b|rel(?:y|ies)|depend|involve|necessitat)\w*(?:\s+on)?(?:\s+[\w-]+){{0,3}}\s*$",
    re.IGNORECASE,
)
_WITHOUT = re.compile(
    r"(?:(?<!and )(?<!or )\bwithout|\bwith no|\brather than|\binstead of|\bbut not|\band not)"
    r"(?:\s+(?:need for|(?!los|sacrific|compromis|chang|degrad|harm|hurt|affect|access|modif"
    r"|for\b|in\b|on\b|from\b|with\b)[\w-]+)){0,5}?\s*$",
    re.IGNORECASE,
)
_NO = re.compile(
    r"(?:(?<!if )(?<!whether )(?<!when )\bno(?!\s+matter)|\brather than|\binstead of)(?:\s+[\w-]+){0,2}\s*$",
    re.IGNORECASE,
)
_NONE = re.compile(r"\b(?:none of|neither|no)(?:\s+[\w-]+){0,3}\s*$", re.IGNORECASE)
#: What ends the reach of a "not" before it comes to the second entity.
_END = re.compile(
    r"\b(?:but|while|whereas|although|though|because|since|unless|until|if|due to|owing to|thanks to)\b"
    r"|\band\s+(?:(?:also|thus|therefore|instead|still|even|then|it|they|we)\b|(?:achiev|improv|outperform|enabl|provid|reduc|increas|yield"
    r"|allow|us(?:es|ing)\b|is\b|are\b|can\b|has\b|have\b))",
    re.IGNORECASE,
)
#: What begins a clause of which the first entity is not the subject.
_OTHER_CLAUSE = re.compile(
    r";\s|\b(?:while|whereas|although)\b|\bbut\s+(?!(?:can|do|does|did|is|are|was|may|might|could|has|have|still|often"
    r"|not|no|fail\w*|lack\w*|cannot|they|it|its|their)\b)",
    re.IGNORECASE,
)
_FRONTED = re.compile(
    r"(?:^|[,;]\s)\s*(?:\w+,\s)?(?:in|on|for|at|under|among|within|when|using)\s[^,;]*$", re.IGNORECASE
)
_ASIDE = re.compile(r",\s(?:which|who|whose|where)\b[^,;:]*,", re.IGNORECASE)
_PARENTHESES = re.compile(r"\([^()]*\)")
#: Predicates of which a sentence that supposes something else supposes nothing, unless it says so right at them.
_FIRM = frozenset({"subtype_of", "part_of", "compared_with", "evaluated_on", "measured_by", "benchmark_for"})
#: Verbs that make a supposition of the whole clause that they govern.
_SUPPOSED = re.compile(
    r"\b(?:hypothesi[sz]e[sd]?(?!\s+and\s+(?:verif|confirm|show))|conjectur(?:e[sd]?|ing)\b|speculat(?:e[sd]?|ing)\b"
    r"|we believe\b|believed to\b|(?:we|i) (?:expect|hope(?!.{0,60}\b(?:research|exploration|studies|investigation)\b))"
    r"|expected (?:that|to)\b|suggest(?:s|ing|ed)? that\b"
    r"|postulate\b.{0,30}\bhypothesis\b)",
    re.IGNORECASE,
)
_END_OF_SUPPOSED = re.compile(
    r";\s|,\s(?:and\s+|but\s+)?(?:we|our|this paper)\b|\bbut\s+we\b|\((?:i+|\d)\)"
    r"|\b(?:including|such as|e\.g\.|where|because|since|when|although|considering)",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:may|might|could|perhaps(?! the)|possibly|presumably|seemingly"
    r"|potentially(?!\s+\w+(?:able|ful|ous|ive|al|ic|ing)\b)|(?<!most )(?<!more )likely|more likely to|seems?"
    r"|appears? (?:to|as)|potential (?:for|to|in|as|of)"
    r"|potential (?:solution|approach|tool|candidate)s?"
    r"|promising (?:\w+ )?(?:approach|solution|avenue|way|method|alternative|tool|candidate|technique"
    r"|framework)(?:es|s)? (?:to|for))\b",
    re.IGNORECASE,
)
#: "We show that it could", "why it could": there "could" is the past of "can".
_COULD = re.compile(
    r"\b(?:(?:show\w*|demonstrat\w+|prove[sdn]?|verif\w+|confirm\w*|f[io]u?nds?)\b[^.;]*|why\s[^.;,]*|how\s[^.;,]*)$",
    re.IGNORECASE,
)
_OWN = re.compile(r"\b(?:its|their|whose)(?:\s+[\w-]+){0,2}\s*$", re.IGNORECASE)
#: Begins a sentence that goes on about what the one before it named.
_GOES_ON = re.compile(
    r"(?:(?:However|Moreover|Furthermore|Thus|Therefore|Hence|Yet|But|Nevertheless|In addition|Additionally),?\s+)?"
    r"(?:it(?!\s+(?:is|was|has|remains|seems))|they"
    r"|(?:these|such|this|our) (?:method|model|approach|technique|system)(?:e?s)?)\b",
    re.IGNORECASE,
)
_NOT_ONLY = re.compile(r"\bnot (?:only|just|merely)\b.*?\bbut\b", re.IGNORECASE)
#: Words after which a hedge no longer reaches the second entity.
_REACH = 14
#: The same for predicates that are seldom only supposed.
_NEAR = 8
#: Characters before the first entity in which its clause is looked for.
_LEAD = 80


def said(text: str, predicate: str, head: tuple[int, int], tail: tuple[int, int]) -> tuple[bool, bool]:
    """(negated, hedged) of a relation that the text shows by these two mentions (ranges of characters)."""
    first, second = sorted((head, tail))
    begin, end = sentence_at(text, first[0], second[1])
    borders = [border for border, _ in sentences(text) if begin < border < end]
    if not borders:
        before, between = text[begin : first[0]], _tidy(text[first[1] : second[0]])
    else:
        # They stand in different sentences: only one that goes on ("It may also help ...") can say more.
        goes_on = _GOES_ON.match(text, borders[-1]) if len(borders) == 1 and borders[-1] < second[0] else None
        if goes_on is None or goes_on.end() > second[0]:
            return False, False
        before, between = "", _tidy(text[goes_on.end() : second[0]])
    used_last = predicate in _USED and (head, tail)[_USED[predicate]] == second
    denied = _denied(predicate, before, between, head_first=head == first, used_last=used_last)
    return denied, _supposed(predicate, before, between)


def _tidy(between: str) -> str:
    """The text between two mentions without asides, which have negations and modal verbs of their own."""
    return _ASIDE.sub(" ", _PARENTHESES.sub(" ", between))


def _denied(predicate: str, before: str, between: str, *, head_first: bool, used_last: bool) -> bool:
    if used_last and (without := _WITHOUT.search(between)):
        # "It cannot work without": that says it is used.
        return re.search(_NOT, between[: without.start()], re.IGNORECASE) is None
    if predicate in _VERBS:
        found = _DENIED_VERB[predicate].search(between)
        if found and not _left(between, found.start()):
            return True
        says = re.search(_VERBS[predicate], between, re.IGNORECASE)
        return bool(predicate == "outperforms" and head_first and says and _NONE.search(before))
    if predicate not in ("used_for", "exhibits"):
        return False
    if between.lstrip().startswith(",") and _FRONTED.search(before):
        return False  # "in retrieval, transformers have not": the first entity is not what has not
    if used_last and _DENIED_USE.search(between):
        return True
    for denial in (_DENIAL, _LACK):
        found = denial.search(between)
        if found and not _END.search(found.group()) and not _left(between, found.start()):
            return True
    if predicate == "exhibits":
        return _NO.search(between) is not None
    return re.search(r"\b(?:rather than|instead of)(?:\s+[\w-]+){0,3}\s*$", between, re.IGNORECASE) is not None


def _left(between: str, place: int) -> bool:
    """Whether a clause with a subject of its own has begun before this place."""
    found = _OTHER_CLAUSE.search(between)
    return found is not None and found.start() < place


def _supposed(predicate: str, before: str, between: str) -> bool:
    if predicate in _FIRM:
        near = " ".join(re.split(r"[,;:]\s", between)[-1].split()[-_NEAR:])
        return _OWN.search(before) is None and any(True for _ in _hedges(before, near))
    whole = before + " " + between
    if any(not _END_OF_SUPPOSED.search(whole[found.end() :]) for found in _SUPPOSED.finditer(whole)):
        return True
    lead = re.split(r"[,;:]\s|\b(?:but|while|whereas|although)\b", before[-_LEAD:])[-1]
    return any(
        len(after.split()) <= _REACH
        and not re.search(r";\s|\b(?:but|while|whereas|although)\b", _NOT_ONLY.sub("", after))
        for after in _hedges(before, lead + " " + between)
    )


def _hedges(before: str, clause: str) -> Iterator[str]:
    """What stands in the clause after each word that supposes."""
    for found in _HEDGE.finditer(clause):
        if found.group().lower() != "could" or not _COULD.search(before + clause[: found.start()]):
            yield clause[found.end() :]
