"""Ids of papers: which one a paper gets, under which others it is known, and what makes two records the same paper.

>>> arxiv_id("https://arxiv.org/pdf/1706.03762v5.pdf"), doi("https://doi.org/10.1000/ABC.")
('1706.03762', '10.1000/abc')
>>> reference("https://doi.org/10.48550/arXiv.1706.03762"), reference("https://openalex.org/W42")
('paper:1706.03762', 'paper:W42')
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

from kg.model import digest

_NEW = r"\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}"
_OLD = r"[a-z]+(?:-[a-z]+)*(?:\.[A-Z]{2})?/\d{2}(?:0[1-9]|1[0-2])\d{3}"
_ARXIV_WHOLE = re.compile(rf"\s*(?:arxiv\s*:?\s*)?({_NEW}|{_OLD})(?:v\d+)?(?:\s*\[[\w.-]+\])?\s*", re.IGNORECASE)
_ARXIV_INSIDE = re.compile(
    rf"(?:arxiv\.org/(?:abs|pdf|html|format|e-print)/|10\.48550/arxiv\.|\barxiv\s*:\s*)({_NEW}|{_OLD})(?:v\d+)?(?!\d)",
    re.IGNORECASE,
)
_DOI = re.compile(r"\b10\.\d{1,9}(?:\.\d+)*/\S+")
_OPENALEX = re.compile(r"(?:https?://(?:\w+\.)?openalex\.org/(?:works/)?|openalex:)?\s*(W\d+)", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W_]+")
_COMBINING = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+")


def arxiv_id(text: str | None) -> str | None:
    """The arXiv id, without its version, that a text is or that an address in it holds."""
    if not text:
        return None
    found = _ARXIV_WHOLE.fullmatch(text) or _ARXIV_INSIDE.search(text)
    if not found:
        return None
    name, slash, number = found.group(1).partition("/")
    return f"{name.split('.')[0].lower()}/{number}" if slash else name


def doi(text: str | None) -> str | None:
    """The DOI in a text, in lower case and without address, blanks or a full stop at its end."""
    if not text:
        return None
    if "%" in text and "/" in text:
        text = unquote(text)
    found = _DOI.search(text)
    if not found:
        return None
    name = found.group().rstrip(".,;\"'").lower()
    for opening, closing in ("()", "[]", "{}", "<>"):
        while name.endswith(closing) and name.count(closing) > name.count(opening):
            name = name[:-1].rstrip(".,;")
    return name


def openalex_id(text: str | None) -> str | None:
    """The OpenAlex id of a work, such as W2741809807."""
    found = _OPENALEX.fullmatch(text.strip()) if text else None
    return found.group(1).upper() if found else None


def reference(text: str) -> str | None:
    """The id of a paper that others refer to in any writing: an arXiv id, DOI or OpenAlex id, or what it says."""
    text = text.strip()
    local = text.removeprefix("paper:").strip()
    if not local:
        return None
    known = arxiv_id(local) or doi(local) or openalex_id(local)
    return f"paper:{known}" if known else f"paper:{local}"


def title_key(title: str) -> str:
    """A title without case, accents, blanks and punctuation; as it is where nothing else remains.

    >>> title_key("Caf\u00e9: the  Model!") == title_key("CAFE - The model")
    True
    """
    return "".join(title_words(title)) or " ".join(title.split())


def title_words(title: str) -> list[str]:
    """The words of a title without case and accents."""
    if not title.isascii():
        title = _COMBINING.sub("", unicodedata.normalize("NFKD", title))
    return _LETTERS.findall(title.casefold())


def family_name(author: str) -> str:
    """The last name, by which first authors are compared; initials and accents do not matter.

    >>> family_name("J\u00f6rg Weiss"), family_name("WEISS, J."), family_name("J. Weiss Jr.")
    ('weiss', 'weiss', 'weiss')
    """
    head, comma, _ = author.partition(",")
    words = title_words(head if comma else author)
    while len(words) > 1 and words[-1] in ("jr", "sr", "ii", "iii", "iv"):
        words.pop()
    return words[-1] if words else ""


def title_hash(title: str) -> str:
    """The id of a paper that has nothing but a title."""
    return digest(title_key(title))[:16]
