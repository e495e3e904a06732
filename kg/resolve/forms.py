"""Normal forms of a name: what two spellings of one thing have in common, one small named rule after the other.

A rule takes one kind of difference away (`RULES`, in order); the form after rule n is the name without the first n
kinds. Two names match by the first rule after which they are equal, so every match has a reason (`kg.resolve.match`).
Digits, versions and the signs `+ * # @ ||` are never taken away.

>>> forms("Graph Neural-Nets") == forms("graph neural nets"), key("Graph Neural-Nets") == key("graph neural net")
(False, True)
>>> key("Convolutional Neural Networks"), key("β-VAEs"), key("GPT-3.5"), key("C++")
('convolutionalneuralnetwork', 'betavae', 'gpt3.5', 'c plus plus')
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from kg.plural import singular

_PDF_RESIDUE = re.compile(r"\(cid:\d+\)\s*")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_DASHES = re.compile("[\u2010-\u2015\u2212\u2043\ufe58\ufe63\uff0d]")
_QUOTES = re.compile("[\u2018\u2019\u201a\u201b\u2032\u02bc`\u00b4]")
_DOUBLE_QUOTES = re.compile('[\u201c-\u201f\u2033\u00ab\u00bb"]')
_LATEX = re.compile(r"\\([A-Za-z]+)\*?")
_LATEX_FONTS = frozenset(
    "textit textbf textsc texttt textrm textsf emph mathcal mathbb mathbf mathrm mathit mathsf mathfrak boldsymbol bm "
    "text operatorname rm bf it tt sc em left right".split()
)
_LATEX_WORDS = MappingProxyType({"ell": "l", "infty": "inf", "times": "x", "varepsilon": "epsilon", "ast": "*"})
_POSSESSIVE = re.compile(r"(?<=\w)'s?\b|(?<=s)'(?=\s|$)")
_OPEN_END = re.compile(r"\s+[(\[][^()\[\]]*$")
_LAST = re.compile(r"[^-]+$")
_PART = re.compile(r"[^\s-]+")
_TOKEN = re.compile(r"[^\W_]+(?:\.(?=\d)[^\W_]+)*|\|\||[+*#@]")
_SIGNS = MappingProxyType({"+": "plus", "*": "star", "#": "sharp", "@": "at", "||": "parallel"})

_GREEK = MappingProxyType(
    {
        chr(code): unicodedata.name(chr(code)).split(" LETTER ")[1].split(" ")[-1].lower().replace("lamda", "lambda")
        for code in (*range(0x391, 0x3A2), *range(0x3A3, 0x3AA), *range(0x3B1, 0x3C2), *range(0x3C3, 0x3CA))
    }
)

_BRITISH = MappingProxyType(
    {
        "aeroplane": "airplane", "ageing": "aging", "aluminium": "aluminum", "anaesthesia": "anesthesia",
        "analogue": "analog", "artefact": "artifact", "calibre": "caliber", "catalogue": "catalog", "centre": "center",
        "cheque": "check", "defence": "defense", "dialogue": "dialog", "enrol": "enroll", "enrolment": "enrollment",
        "fibre": "fiber", "fulfil": "fulfill", "grey": "gray", "greyscale": "grayscale", "haemorrhage": "hemorrhage",
        "judgement": "judgment", "licence": "license", "litre": "liter", "manoeuvre": "maneuver", "metre": "meter",
        "monologue": "monolog", "mould": "mold", "oesophagus": "esophagus", "offence": "offense",
        "orthopaedic": "orthopedic", "paediatric": "pediatric", "practise": "practice", "pretence": "pretense",
        "programme": "program", "sceptical": "skeptical", "skilful": "skillful", "spectre": "specter",
        "sulphur": "sulfur", "theatre": "theater", "tyre": "tire", "anonymise": "anonymize", "acknowledgement":
        "acknowledgment", "foetal": "fetal", "leukaemia": "leukemia", "anaemia": "anemia", "oestrogen": "estrogen",
        "encyclopaedia": "encyclopedia", "mediaeval": "medieval", "aesthetic": "esthetic", "disc": "disk",
    }
)  # fmt: skip
_OUR = re.compile(
    r"(?<=behavi)our|(?<=col)our|(?<=neighb)our|(?<=fav)our|(?<=lab)our|(?<=hum)our|(?<=rum)our|(?<=tum)our|"
    r"(?<=flav)our|(?<=hon)our|(?<=vap)our|(?<=harb)our|(?<=endeav)our|(?<=arm)our"
)
_ISE = re.compile(r"(?<=[a-z]{3})is(e|ed|er|es|ing|ation|ational|able)$")
# -ise that Americans write too
_ISE_STAYS = re.compile(
    r"(?:wis|vis|nois|(?:pre|con|in|ex|exor|circum|exer)cis|(?:pro|pre|de)mis|pris|[^h]ais|uis|pois|tois|quois|advertis|"
    r"expertis|practis|treatis|chastis|franchis|paradis|chandis|despis|^anis|^(?:a|up|sun)?ris)(?:e|ed|er|es|ing|able)?$"
)
_YSE = re.compile(r"(?<=[a-z]{2}al)ys(e|ed|er|es|ing)$")
_DOUBLE_L = re.compile(
    r"^(model|label|travel|signal|cancel|channel|tunnel|counsel|level|fuel|dial|equal|total|initial|pencil|unravel|"
    r"parcel|jewel|marvel|quarrel|remodel|relabel|mislabel|unlabel|bevel|duel|funnel|panel|rival|shovel|spiral|swivel|"
    r"trammel|trial)l(ed|ing|er|ers|ings)$"
)


@dataclass(frozen=True)
class Rule:
    """One kind of difference between spellings; `score` is how sure equality after it makes us."""

    name: str
    score: float
    apply: Callable[[str], str]


def unify(name: str) -> str:
    """One way to write what looks the same: NFKC, plain dashes and quotes, single blanks, no invisible signs.

    >>> unify("ﬁne–tuning\\u00a0of  “GPT‑2”")
    'fine-tuning of GPT-2'
    """
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", name))
    if "(cid:" in text:
        text = _PDF_RESIDUE.sub("", text)
    text = _DOUBLE_QUOTES.sub("", _QUOTES.sub("'", _DASHES.sub("-", text)))
    return " ".join(text.split())


def tidy(name: str) -> str:
    """A name without what a careless span has at its ends: punctuation, a lone bracket, articles, small words.

    >>> [tidy(name) for name in ("the view synthesis of", "UWB)", "-CNN", "Patch- ", "f(x)", "C++", "In-Context AI")]
    ['view synthesis', 'UWB', 'CNN', 'Patch', 'f(x)', 'C++', 'In-Context AI']
    """
    text = unify(name)
    while True:
        before = text
        text = text.strip(" ,;:!?-–/&'").removesuffix(" (")
        if text.endswith(".") and text.count(".") == 1:
            text = text[:-1]
        for opening, closing in ("()", "[]"):
            if text.count(opening) != text.count(closing):
                text = text.removeprefix(opening).removesuffix(closing).removesuffix(opening)
                text = _OPEN_END.sub("", text)
        first, _, rest = text.partition(" ")
        if rest and first.lower() in ("a", "an", "the") and first.islower():
            text = rest
        rest, _, last = text.rpartition(" ")
        if rest and last in SMALL_WORDS | {"about", "or"}:
            text = rest
        if text == before:
            return text


def plain(name: str) -> str:
    """Without LaTeX, accents and possessive endings; Greek letters by name.

    >>> plain("$\\\\ell_1$-regularised"), plain("Cohen's κ"), plain("Łojasiewicz–Poincaré")
    ('l_1-regularised', 'Cohen kappa', 'Łojasiewicz-Poincare')
    """
    text = unify(name)
    if "\\" in text or "$" in text:
        text = _LATEX.sub(_latex_word, text)
        text = " ".join(re.sub(r"[$^{}\\]|(?<=[A-Za-z])_(?=[A-Za-z0-9])(?!\d)", "", text).split())
    text = _POSSESSIVE.sub("", text)
    if text.isascii():
        return text
    text = "".join(_GREEK.get(letter, letter) for letter in text)
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _latex_word(match: re.Match[str]) -> str:
    command = match.group(1)
    return "" if command in _LATEX_FONTS else _LATEX_WORDS.get(command, command)


@lru_cache(maxsize=1 << 16)
def american(word: str) -> str:
    """American spelling of one lower-case word.

    >>> [american(word) for word in ("optimisation", "behaviour", "modelling", "denoising", "supervised", "quantised")]
    ['optimization', 'behavior', 'modeling', 'denoising', 'supervised', 'quantized']
    """
    word = _BRITISH.get(word, word)
    if "our" in word:
        word = _OUR.sub("or", word)
    if "is" in word:
        found = _ISE.search(word)
        if found and (not _ISE_STAYS.search(word) or found.group(1).startswith("ation")):
            word = word[: found.start()] + "iz" + found.group(1)
    if "ys" in word:
        word = _YSE.sub(r"yz\1", word)
    if "ll" in word:
        word = _DOUBLE_L.sub(r"\1\2", word)
    return word


def tokens(name: str) -> list[str]:
    """The words of a plain name; signs that tell names apart are words.

    >>> tokens("GPT-3.5 and k-means++, A* or P@10")
    ['GPT', '3.5', 'and', 'k', 'means', 'plus', 'plus', 'A', 'star', 'or', 'P', 'at', '10']
    """
    return [_SIGNS.get(token, token) for token in _TOKEN.findall(name)]


def _fold(name: str) -> str:
    return plain(name).casefold()


def _plural(name: str) -> str:
    return re.sub(r"[^\W\d_]+", lambda word: singular(word.group()), plain(name)).casefold()


def _spelling(name: str) -> str:
    return re.sub(r"[^\W\d_]+", lambda word: american(word.group()), _plural(name))


def _fused(name: str) -> str:
    words = words_of(name)
    if not words:
        return _fold(name).replace(":", ";")  # a colon tells ids from normal forms
    joined = [words[0]]
    for before, word in itertools.pairwise(words):
        # `k-means++` is not `k-means plus`; digits that meet would make another number
        apart = word in SIGN_WORDS or before in SIGN_WORDS or (before[-1].isdigit() and word[0].isdigit())
        joined.append(f" {word}" if apart else word)
    return "".join(joined)


SIGN_WORDS = frozenset(_SIGNS.values())


@lru_cache(maxsize=1 << 17)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, each singular, American and in lower case.

    >>> words_of("Behaviour-cloning Policies")
    ('behavior', 'cloning', 'policy')
    """
    return tuple(american(singular(token).casefold()) for token in tokens(plain(name)))


#: Kinds of difference, each on top of the ones before it.
RULES = (
    Rule("exact", 1.0, str),
    Rule("unicode", 0.99, unify),
    Rule("case", 0.98, lambda name: unify(name).casefold()),
    Rule("sign", 0.97, _fold),
    Rule("plural", 0.96, _plural),
    Rule("spelling", 0.95, _spelling),
    Rule("hyphen", 0.94, _fused),
)


def forms(name: str) -> tuple[str, ...]:
    """The form of a name after each of the `RULES`."""
    return tuple(rule.apply(name) for rule in RULES)


@lru_cache(maxsize=1 << 17)
def key(name: str) -> str:
    """The last of the forms: what all spellings of a name share."""
    return _fused(name)


def looks_short(name: str) -> bool:
    """Whether a name looks like an abbreviation: one short word with two capitals, or capital and digit.

    >>> [name for name in ("BERT", "LLMs", "MoE", "kNN", "R-CNN", "BLEU-4", "Adam", "attention") if looks_short(name)]
    ['BERT', 'LLMs', 'MoE', 'kNN', 'R-CNN', 'BLEU-4']
    """
    if " " in name or len(name) > 12:
        return False
    capitals = sum(letter.isupper() for letter in name)
    return capitals >= 2 or (capitals == 1 and any(letter.isdigit() for letter in name))


#: Heads that say only what type a thing has, by type: `attention mechanism` is attention, `BERT model` is BERT.
HEADS = MappingProxyType(
    {
        "Method": frozenset("mechanism operation procedure strategy technique".split()),
        "Task": frozenset("problem task".split()),
        "Dataset": frozenset("benchmark corpus dataset".split()),
        "Metric": frozenset("measure metric score".split()),
        "Concept": frozenset("phenomenon problem".split()),
    }
)
#: Heads that go after a proper name only: `BERT model`, but `diffusion model`.
_HEADS_OF_NAMES = frozenset("algorithm approach architecture framework method model network system".split())
SMALL_WORDS = frozenset("a an and as at by for from in into of on or over the to via with".split())
_TAIL_FIRST = frozenset("of for in on over".split())
# Words in -ing and -ed that are not the same thing as the verb's other forms: a trained model is no training.
_OWN_FORMS = frozenset(
    "modeling programming filtering coding training learning masking mapping ranking embedding bootstrapping planning "
    "building engineering setting meaning string reading writing sampling testing hearing trained learned structured "
    "supervised reduced distributed related unified weighted signed directed mixed bounded clustering".split()
)
# A word, and the one after it that says as much alone.
_MATTER_OF_COURSE = frozenset({("artificial", "neural"), ("natural", "language")})
# Before another word they only join: `node-level classification`, `transformer-based language model`.
_BETWEEN = frozenset({"based", "level"})
# What a noun with `to` is about goes before it: `adaptation to domains`.
_TAKES_TO = re.compile(r"(?:ation|ance|ness|ity|ment|ence)$")
_AGENT = re.compile(
    r"(detect|iz|ifi|lat|gat|mend|pars|tag|riev|learn|dict|imat|erat|rank|solv|plann|link|segment)g?[eo]r$"
)
_DOUBLED = re.compile(r"([bdgmnprt])\1$")


def wording(name: str) -> str:
    """A name without small words, with what follows `of`, `for`, `in`, `on` or `over` before its head.

    A `net` is a network, `artificial neural` is neural, and `natural language` is language.

    >>> wording("the estimation of depth") == wording("Estimating Depths"), wording("text-to-image generation")
    (False, 'text to image generation')
    >>> wording("nets over graphs"), wording("detecting sentence boundaries")
    ('graph network', 'sentence boundary detecting')
    """
    words = list(words_of(name))
    if len(words) < 2 or any(len(word) == 1 for word in words):
        return " ".join(words)
    words = ["network" if word == "net" else word for word in words]
    words = [word for word, after in itertools.pairwise([*words, ""]) if word not in _BETWEEN or not after]
    words = [word for word, after in itertools.pairwise([*words, ""]) if (word, after) not in _MATTER_OF_COURSE]
    if words[0].endswith("ing") and words[0] not in _OWN_FORMS and len(words[0]) > 5:
        words = [*words[1:], words[0]]
    for place, word in enumerate(words):
        tail_first = word in _TAIL_FIRST or (word == "to" and place == 1 and _TAKES_TO.search(words[0]))
        if tail_first and 0 < place < len(words) - 1:
            words = [*words[place + 1 :], *words[:place]]
            break
    if words[0] in ("a", "an", "the"):
        words = words[1:]
    return " ".join([*words[:1], *(word for word in words[1:] if word not in SMALL_WORDS - {"to", "from", "with"})])


# Nouns of verbs whose ending says nothing of it: `retrieval` is retrieving, but a segment is no segmenting.
_VERBAL_NOUNS = MappingProxyType(
    {
        "retrieval": "retriev", "removal": "remov", "recovery": "recover", "discovery": "discover",
        "alignment": "align", "assignment": "assign", "placement": "plac", "deployment": "deploy",
        "enhancement": "enhanc", "refinement": "refin", "improvement": "improv", "measurement": "measur",
        "assessment": "assess", "enrichment": "enrich", "adjustment": "adjust", "replacement": "replac",
        "disentanglement": "disentangl", "entanglement": "entangl", "synthesis": "synthesiz", "analysis": "analyz",
        "comparison": "compar",
    }
)  # fmt: skip


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """One word without the ending of a verb's forms and of the noun that it makes.

    >>> [stem(word) for word in ("adapting", "adaptation", "pruned", "pruning", "retrieval", "retrieving")]
    ['adapt', 'adapt', 'prun', 'prun', 'retriev', 'retriev']
    """
    if word in _VERBAL_NOUNS:
        return _VERBAL_NOUNS[word]
    if len(word) < 6 or word in _OWN_FORMS or not word.isalpha():
        return word.removesuffix("e") if len(word) > 4 and word.isalpha() else word
    for ending in ("ization", "izing", "ized"):
        if word.endswith(ending):
            return word.removesuffix(ending) + "iz"
    for ending in ("ification", "ifying", "ified"):
        if word.endswith(ending):
            return word.removesuffix(ending) + "if"
    for ending in ("ation", "ating", "ated", "ing", "ion", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return _DOUBLED.sub(r"\1", word.removesuffix(ending))
    return word.removesuffix("e")


def loose(name: str, entity_type: str) -> tuple[str, ...]:
    """The form of a name after each of the `LOOSE` rules, without blanks, so that compounds may be split or fused.

    - wording: see `wording`
    - inflection: each word without the ending that makes a verb, a participle or a noun of it, unless it is alone
    - head: without heads that say only the type; after a proper name without others too (`BERT model`)
    - modifier: without modifiers in front that say only how usual a thing is, or when it is measured

    >>> loose("detecting faces", "Task")[1] == loose("detection of faces", "Task")[1]
    True
    >>> loose("self-attention mechanisms", "Method"), loose("average test accuracy", "Metric")[-1]
    (('selfattentionmechanism', 'selfattentmechanism', 'selfattent', 'selfattent'), 'accuracy')
    """
    worded = wording(name).split(" ")
    words = list(map(stem, worded))
    forms = ["".join(worded), "".join(words if len(words) > 1 else worded)]
    first, _, last = name.partition(" ")
    if entity_type == "Method" and looks_short(first) and singular(last.lower()) in _HEADS_OF_NAMES:
        return (*forms, key(first), key(first))
    if entity_type == "Task" and len(words) > 1:  # object detectors do object detection
        words[-1] = _AGENT.sub(r"\1", words[-1])
    while len(words) > 1 and words[-1] in _STEMMED_HEADS[entity_type]:
        words.pop()
    forms.append("".join(words))
    weightless = _OF_MEASURES if entity_type == "Metric" else _WEIGHTLESS
    while len(words) > 1 and words[0] in weightless:
        words.pop(0)
    if entity_type == "Metric":
        words = [word for word in words if word not in _MEASURED_ON] or words
    forms.append("".join(words))
    return tuple(forms)


_STEMMED_HEADS = {entity_type: frozenset(map(stem, heads)) for entity_type, heads in HEADS.items()}
_WEIGHTLESS = frozenset(map(stem, "vanilla plain standard conventional traditional typical existing new novel".split()))
_MEASURED_ON = frozenset(map(stem, ("test", "validation")))
_OF_MEASURES = _WEIGHTLESS | frozenset(
    map(stem, "test validation average mean overall prediction predictive final absolute".split())
)

#: Looser rules with their scores, in order: for names that are not found by `RULES`, and never for abbreviations.
LOOSE = (("wording", 0.88), ("inflection", 0.85), ("head", 0.82), ("modifier", 0.8))


def title(name: str, *, plural: bool = False) -> str:
    """A name as the title of an encyclopedia entry: capitals, and singular unless `plural`.

    >>> title("graph neural networks"), title("mixture of experts"), title("GANs"), title("k-means"), title("wav2vec")
    ('Graph Neural Network', 'Mixture of Experts', 'GAN', 'k-Means', 'wav2vec')
    """
    words = unify(name).split(" ")
    if not plural and not any(word in SMALL_WORDS for word in words):
        words[-1] = _LAST.sub(lambda part: singular(part.group()), words[-1])
    return " ".join(
        _PART.sub(lambda part, first=not place: _capital(part.group(), first=first), word)  # type: ignore[misc]
        for place, word in enumerate(words)
    )


def _capital(part: str, *, first: bool) -> str:
    if not part.isalpha() or not part.islower() or len(part) == 1 or (part in SMALL_WORDS and not first):
        return part
    return part[0].upper() + part[1:]
