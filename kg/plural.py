"""The singular of an English word, by rule and a list of the irregular ones.

>>> [singular(word) for word in ("matrices", "sizes", "NAS", "GANs", "CLRS", "analyses", "bias")]
['matrix', 'size', 'NAS', 'GAN', 'CLRS', 'analysis', 'bias']
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType

_IRREGULAR = MappingProxyType(
    {
        "analyses": "analysis", "appendices": "appendix", "automata": "automaton", "axes": "axis",
        "children": "child", "codices": "codex", "corpora": "corpus", "criteria": "criterion", "crises": "crisis",
        "curricula": "curriculum", "diagnoses": "diagnosis", "ellipses": "ellipsis", "emphases": "emphasis",
        "equilibria": "equilibrium", "extrema": "extremum", "feet": "foot", "formulae": "formula", "foci": "focus",
        "geese": "goose", "genera": "genus", "halves": "half", "hypotheses": "hypothesis", "indices": "index",
        "knives": "knife", "leaves": "leaf", "lemmata": "lemma", "lexica": "lexicon",
        "lives": "life", "loci": "locus", "matrices": "matrix", "maxima": "maximum", "men": "man",
        "metamorphoses": "metamorphosis", "mice": "mouse", "minima": "minimum", "momenta": "momentum",
        "nebulae": "nebula", "neuroses": "neurosis", "nuclei": "nucleus", "oases": "oasis", "optima": "optimum",
        "paralyses": "paralysis", "parentheses": "parenthesis", "people": "person", "phenomena": "phenomenon",
        "polyhedra": "polyhedron", "prognoses": "prognosis", "quanta": "quantum", "quizzes": "quiz", "radii": "radius",
        "schemata": "schema", "shelves": "shelf", "simplices": "simplex", "spectra": "spectrum", "stimuli": "stimulus",
        "strata": "stratum", "syllabi": "syllabus", "symposia": "symposium",
        "synopses": "synopsis", "syntheses": "synthesis", "taxa": "taxon", "teeth": "tooth", "theses": "thesis",
        "tori": "torus", "vertebrae": "vertebra", "vertices": "vertex", "vortices": "vortex", "wives": "wife",
        "wolves": "wolf", "women": "woman",
        # -s that the endings below would leave or cut wrongly
        "gpus": "gpu", "tpus": "tpu", "cpus": "cpu", "npus": "npu", "menus": "menu", "movies": "movie",
        "cookies": "cookie", "zombies": "zombie", "calories": "calorie", "selfies": "selfie", "ties": "tie",
        "caches": "cache", "niches": "niche", "headaches": "headache", "avalanches": "avalanche",
        "metrics": "metric", "topics": "topic", "heuristics": "heuristic", "characteristics": "characteristic",
        "critics": "critic", "comics": "comic", "lyrics": "lyric", "clinics": "clinic", "mosaics": "mosaic",
        "biases": "bias", "lenses": "lens", "gases": "gas", "atlases": "atlas", "canvases": "canvas",
        "aliases": "alias", "viruses": "virus", "buses": "bus", "statuses": "status", "corpuses": "corpus",
        "focuses": "focus", "censuses": "census", "campuses": "campus", "viri": "virus", "heroes": "hero",
        "echoes": "echo", "potatoes": "potato", "tomatoes": "tomato", "vetoes": "veto", "torpedoes": "torpedo",
    }
)  # fmt: skip
_SAME_IN_PLURAL = frozenset(
    "series species always news lens gas atlas canvas alias bias pancreas mathematics ethos chaos cosmos kudos chess "
    "plus thus versus via yes this his its is was has as us across perhaps besides less sans pros cons means kmeans "
    "corps apparatus aries texas kansas paris address pegasus ours theirs css aws ros".split()
)
_KEEP_S = ("ss", "us", "is", "ics", "ous", "as", "'s")


@lru_cache(maxsize=1 << 16)
def singular(word: str) -> str:
    """The singular of one word; a word in capitals is an abbreviation and stays, but its small `s` goes.

    >>> [singular(word) for word in ("queries", "losses", "LSTMs", "responses", "semantics", "heuristics", "corpora")]
    ['query', 'loss', 'LSTM', 'response', 'semantics', 'heuristic', 'corpus']
    """
    if len(word) < 3 or not word[-1].isalpha():
        return word
    if word.isupper():  # a shouted word, not an abbreviation, when it is long
        return singular(word.lower()).upper() if len(word) > 7 else word
    if word[-1] == "S":
        return word
    if word[-1] == "s" and word[:-1].isupper():
        return word[:-1]
    low = word.lower()
    if low in _IRREGULAR:
        single = _IRREGULAR[low]
        return single.capitalize() if word[0].isupper() else single
    if len(word) < 4 or low[-1] != "s" or low in _SAME_IN_PLURAL or low.endswith(_KEEP_S):
        return word
    if low.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if low.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return word[:-2]
    return word[:-1]
