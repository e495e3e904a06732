"""The tokenizer of the pipeline: spaCy's English one, splitting also where terms of this field touch other words.

>>> [t.text for t in make_blank()("BERT/GPT-2-based (k-NN) models")]
['BERT', '/', 'GPT-2', '-', 'based', '(', 'k', '-', 'NN', ')', 'models']
"""

from __future__ import annotations

from typing import Any

import spacy
from spacy.language import Language
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex

EXTRA_INFIXES = (
    r"(?<=[A-Za-z0-9)])/(?=[A-Za-z0-9(])",  # BERT/RoBERTa
    r"(?<=[0-9])[-–](?=[A-Za-z]{3,})",  # GPT-2-based
    r"(?<=[A-Za-z0-9)\]}])[-–—](?=[(\[{$\\])",  # learning-(RL)
    r"(?<=[)\]}])[-–—](?=[A-Za-z0-9])",  # (RL)-based
    r"(?<=[A-Za-z0-9])[(\[](?=[A-Za-z0-9])",  # BERT(large)
    r"(?<=[a-z0-9)%])[+&;:,(](?=[A-Za-z])",
    r"[–—{}~=]",  # \emph{BERT}, BERT~(LM), F1=80
)
EXTRA_SUFFIXES = (r"/", r"-", r"\\", r"\$", r"\*", r"–", r"—")
EXTRA_PREFIXES = (r"-", r"\$", r"~", r"\\", r"–", r"—", r"/")


def make_blank() -> Language:
    """A blank English pipeline with the tokenizer of kg."""
    nlp = spacy.blank("en")
    defaults = nlp.Defaults
    tokenizer: Any = nlp.tokenizer
    tokenizer.infix_finditer = compile_infix_regex([*(defaults.infixes or ()), *EXTRA_INFIXES]).finditer
    tokenizer.prefix_search = compile_prefix_regex([*(defaults.prefixes or ()), *EXTRA_PREFIXES]).search
    tokenizer.suffix_search = compile_suffix_regex([*(defaults.suffixes or ()), *EXTRA_SUFFIXES]).search
    return nlp
