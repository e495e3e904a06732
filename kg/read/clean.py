r"""Cleans LaTeX, HTML and Unicode residue out of a text, once, and never eats content.

>>> clean(r"<jats:p>Fast  $\alpha$-nets: \emph{O}$(n^{2})$ &amp; efﬁcient</jats:p>")
'Fast α-nets: O(n^2) & efficient'
>>> clean(r"p < 0.05, C#, {0,1}, 100%, ~5, 5% of \$100")
'p < 0.05, C#, {0,1}, 100%, ~5, 5% of $100'
>>> clean(r"{BERT}: Sch{\"o}n~und {0,1} --- a {\LaTeX} title", bibtex=True)
'BERT: Schön und {0,1} — a LaTeX title'
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from html.entities import html5
from typing import Any

_PLAIN = re.compile(r"[ -~]*")
_SUSPECT = re.compile(r"[\\$<&]|``")

# --- characters

_GONE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_LIGATURES = {
    "ﬀ": "ff",
    "ﬁ": "fi",
    "ﬂ": "fl",
    "ﬃ": "ffi",
    "ﬄ": "ffl",
    "ﬅ": "st",
    "ﬆ": "st",
    "\u2010": "-",
    "\u2011": "-",
}
_CONTROLS = {code: bytes([code]).decode("cp1252", "ignore") or " " for code in range(0x80, 0xA0)}
_CHARACTERS = (
    dict.fromkeys((*range(32), 127), " ")
    | {ord(character): character for character in "\t\n\r"}
    | _CONTROLS
    | _GONE
    | {ord(ligature): letters for ligature, letters in _LIGATURES.items()}
    | dict.fromkeys(range(55296, 57344), "�")
)
#: Characters that were UTF-8, were read as Latin-1 or Windows-1252, and so became two or three (`Ã©`, `â€™`).
_MISREAD = {
    found: character
    for character in map(chr, (*range(0xA1, 0x100), *range(0x2013, 0x2015), *range(0x2018, 0x201E), 0x2022, 0x2026))
    for found in (
        character.encode().decode("latin-1"),
        "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in character.encode()),
    )
}
_MISREAD_RUN = re.compile("[ÂÃâ][\x80-\xbfŒœŠšŸŽžƒˆ˜–—‘-„†-•…‰‹›€™]{1,2}")
_BROKEN_LINE = re.compile(r"(?<=[a-z]-)[ \t]*\r?\n\s*(?=[a-z])")

# --- HTML, JATS and MathML

_INLINE = frozenset(
    "a b big bold em ext-link font i inf inline-formula italic mark monospace named-content overline roman sans-serif "
    "sc scp small span strong styled-content sub sup tt u underline xref math semantics mrow mi mn mo msub msup "
    "msubsup mfrac msqrt mtext mstyle mover munder mfenced mspace mtable mtr mtd tex-math alternatives".split()
)
_BLOCK = frozenset(
    "blockquote br center dd disp-formula div dl dt h1 h2 h3 h4 h5 h6 hr li list list-item ol p sec table tbody td th "
    "thead tr ul".split()
)
_TAG = re.compile(r"<(?P<close>/?)(?P<prefix>jats:|mml:)?(?P<name>[A-Za-z][A-Za-z0-9-]*)(?P<rest>\s[^<>]*|/)?\s*>")
_COMMENT = re.compile(r"<!--.*?-->|<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_HEADING = re.compile(r"<(jats:)?title(?:\s[^<>]*)?>(.*?)</(?:jats:)?title>", re.DOTALL)
_TEX_MATH = re.compile(r"<(?:jats:)?tex-math[^<>]*>(.*?)</(?:jats:)?tex-math>", re.DOTALL)
_ALTERNATIVES = re.compile(r"<(jats:)?alternatives>.*?</(?:jats:)?alternatives>", re.DOTALL)
_DOCUMENT = re.compile(r"\\documentclass.*?\\begin\{document\}(.*?)\\end\{document\}", re.DOTALL)
_ANNOTATION = re.compile(r"<(?:mml:)?(annotation(?:-xml)?)\b[^<>]*>.*?</(?:mml:)?\1>", re.DOTALL)
_LEAF = r"\s*<(?:mml:)?m[ino]\b[^<>]*>([^<>]*)</(?:mml:)?m[ino]>\s*"
_SCRIPT = re.compile(rf"<(?:mml:)?m(sup|sub|frac)\b[^<>]*>{_LEAF}{_LEAF}</(?:mml:)?m\1>")
_SUPERSCRIPT = re.compile(r"(?<=[\w)\]])<(?:jats:)?sup>\s*([-+−–]?(?:\d[\w.,]*|[a-z*]))\s*</(?:jats:)?sup>")
_ENTITY = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,30}));")

# --- LaTeX

_DOLLARS = re.compile(
    r"(?<![\\$])\$\$(?P<display>[^$]+?)\$\$"
    r"|(?<![\\$])\$(?P<marked>(?=[^$]*[\\^_])(?!\s)(?:\\.|[^$\\])+(?<!\s))\$"
    r"|(?<![\\$])\$(?P<spaced>\s(?=[^$]*[\\^])(?:\\[A-Za-z]+|\\.|[^$\\A-Za-z]|[A-Za-z]{1,2}(?![A-Za-z]))+)\$"
    r"|(?<![\\$\w])\$(?P<inline>[^\s$\\]|[^\s$\\][^$\\]*[^\s\\$])\$(?!\d)"
)
_MONEY = re.compile(r"\d[\d.,]*\s?(?:[A-Za-z]|[^\w\s%]\s)[^\\^_{}=<>+*|]*")
_BRACKETS = re.compile(r"\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_ACCENT = re.compile(
    r"(?P<open>\{)?\\(?P<mark>[\"'`^~=.]|[Hckbdruvt](?=\s*\{))\s*"
    r"(?:\{\s*(?P<braced>\\[ij](?![A-Za-z])|[A-Za-z])\s*\}|(?P<bare>\\[ij](?![A-Za-z])(?:\{\})?|[A-Za-z]))(?(open)(?P<close>\})?)"
)
_MARKS = {
    '"': "\u0308",
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    ".": "\u0307",
    "H": "\u030b",
    "c": "\u0327",
    "k": "\u0328",
    "b": "\u0331",
    "d": "\u0323",
    "r": "\u030a",
    "u": "\u0306",
    "v": "\u030c",
    "t": "\u0361",
}
_LETTERS = ("AA", "AE", "L", "O", "OE", "aa", "ae", "i", "j", "l", "o", "oe", "ss")
_LETTER = re.compile(rf"\{{\\({'|'.join(_LETTERS)})\s*\}}|\\({'|'.join(_LETTERS)})(?:\{{\}}|(?![A-Za-z])[ ]?)")
_SWITCH = re.compile(
    r"\{\s*\\(?:em|bf|it|sc|rm|tt|sl|sf|cal|bfseries|itshape|scshape|upshape|ttfamily|sffamily|rmfamily|small|large|Large|"
    r"normalfont|mathcal)(?![A-Za-z])\s*([^{}]*)\}"
)
_BARE_SWITCH = re.compile(
    r"\\(?:em|bf|it|bfseries|itshape|normalfont|displaystyle|textstyle|centering|noindent)(?![A-Za-z])\s*"
)
_DROPPED = re.compile(
    r"\s?\\(?:cite[a-zA-Z]*|label|v?space|hspace|vskip|begin|end|bibliographystyle|thanks)\*?\s*(?:\[[^\[\]]*\])*\{[^{}]*\}"
)
_TWO = re.compile(r"\\(href|textcolor|texorpdfstring|d?frac|tfrac|color)\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_ONE = re.compile(r"\\([A-Za-z]+)\*?(?:\[[^\[\]{}]*\])?\{([^{}]*)\}")
_WORD = re.compile(r"(?P<before>^|[\s(\[{\"'“‘,;-])?\\(?P<name>[A-Za-z]+)(?P<empty>\{\})?")
_EMPTY_ACCENT = re.compile(r"\\([\^~])\{\s*\}\s?")
_ESCAPED = re.compile(r"\\([%&#_$])")
_ESCAPED_BRACE = re.compile(r"\\([{}])")
_LINE_END = re.compile(r"(?:\\\\)+(?:\[[^\]]*\])?(?=\s|$)|\\(?=[ \n])|(?<=\w)\\-(?=\w)|\\[,;:!/](?=\s|\w|\\|$)")
_SCRIPT_GROUP = re.compile(r"([_^])\s*\{([^{}]*)\}")
_QUOTED = re.compile(r"``((?:(?!``|'').)+)''", re.DOTALL)
_TIE = re.compile(
    r"(?<=[A-Za-z]{2})~(?=[(\[\\])|(?<=\w\.)~(?=\S)|(?<=\b(?:Fig|Tab|Sec|Ref))~|(?<=Table|Figur)~(?=\d)|(?<=Section|Chapter)~"
)
_DELIMITERS = re.compile(r"\\(?:left|right|middle|[bB]igg?[lrm]?)(?![A-Za-z])\s*\.?")
_SPACES = re.compile(r"\\(?:[,;:!> ]|quad(?![A-Za-z])|qquad(?![A-Za-z]))")
_NUMBERS = re.compile(r"\{(\s*[-−+]?\d[\d.]*(?:\s*,\s*(?:[-−+]?\d[\d.]*|\.\.\.|…|\\ldots|\\dots))+\s*)\}")
_GROUP = re.compile(r"\{([^{}]*)\}")
_FONTS = frozenset(
    "mathcal mathbb mathbf mathrm mathit mathsf mathtt mathfrak mathscr mathnormal boldsymbol bm operatorname text "
    "textrm textbf textit textsc texttt textsf textsl textup textmd textnormal emph underline mbox hbox "
    "ensuremath uline".split()
)
_HIDE = str.maketrans("{}", "\ue000\ue001")
_SHOW = str.maketrans("\ue000\ue001", "{}")


def clean(text: str, *, bibtex: bool = False) -> str:
    """The text without markup, in NFC, on one line; cleaning it again changes nothing.

    In `bibtex`, braces group, `~` is a blank and hyphens in a row are dashes.
    """
    if bibtex:
        text = _bibtex(text)
    for _ in range(20):
        if _PLAIN.fullmatch(text) and not _SUSPECT.search(text) and "~" not in text:
            return " ".join(text.split()) if "  " in text or text[:1] == " " or text[-1:] == " " else text
        cleaned = _once(text)
        if cleaned == text:
            break
        text = cleaned
    return text


def _once(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        text = _MISREAD_RUN.sub(_reread, text)
        text = _BROKEN_LINE.sub("", text).translate(_CHARACTERS)
    if "<" in text:
        text = _html(text)
    if "&" in text:
        text = _ENTITY.sub(_entity, text)
    if "\\" in text or "$" in text or "``" in text or "~" in text:
        text = _latex(text)
    return " ".join(unicodedata.normalize("NFC", text).split())


def _reread(match: re.Match[str]) -> str:
    run = match.group()
    for length in (3, 2):
        if run[:length] in _MISREAD:
            return _MISREAD[run[:length]] + run[length:]
    return run


def _html(text: str) -> str:
    if "-->" in text or "]]>" in text:
        text = _COMMENT.sub(lambda match: match.group(1) or "", text)
    if "tex-math>" in text or "alternatives>" in text:
        text = _ALTERNATIVES.sub(lambda match: " ".join(_TEX_MATH.findall(match.group())) or match.group(), text)
        text = _TEX_MATH.sub(r"\1", text)
    if "\\documentclass" in text:
        text = _DOCUMENT.sub(r"\1", text)
    if "<mml:" in text or "<math" in text:
        text = _ANNOTATION.sub("", text)
        text = _SCRIPT.sub(lambda match: match[2] + {"sup": "^", "sub": "_", "frac": "/"}[match[1]] + match[3], text)
    if "title>" in text and "</" in text:
        structured = "jats:" in text or "<sec" in text or "</p>" in text
        text = _HEADING.sub(lambda match: _heading(match) if structured else match.group(), text)
    text = _SUPERSCRIPT.sub(r"^\1", text)
    closed = {match["name"].lower() for match in _TAG.finditer(text) if match["close"]}
    return _TAG.sub(lambda match: _tag(match, closed), text)


def _heading(match: re.Match[str]) -> str:
    heading = " ".join(match.group(2).split())
    if heading.rstrip(".:").casefold() in ("", "abstract", "summary"):
        return " "
    return f" {heading} " if heading[-1] in ".:?!" else f" {heading}: "


def _tag(match: re.Match[str], closed: set[str]) -> str:
    name = match["name"].lower()
    block = name in _BLOCK
    if match["prefix"]:
        return " " if block or name in ("abstract", "title") else ""
    if not block and name not in _INLINE:
        return match.group()
    before = match.string[match.start() - 1 : match.start()]
    lone = name in ("br", "hr") or (name in ("p", "li") and (not before or before.isspace() or before in ".!?>"))
    if match["close"] or match["rest"] or name in closed or lone:
        return " " if block else ""
    return match.group()


def _entity(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name:
        return html5.get(f"{name};", match.group())
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if code in _CONTROLS:
        return _CONTROLS[code]
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"


def _latex(text: str) -> str:
    if "~" in text:
        text = _TIE.sub(" ", text)
    if "``" in text:
        text = _QUOTED.sub("“\\1”", text)
    if "\\" in text:
        text = _BRACKETS.sub(lambda match: _math(match.group(1) or match.group(2)), text)
    if "$" in text:
        text = _DOLLARS.sub(_dollars, text)
    if "\\" in text:
        text = _commands(text, math=False)
    return text


def _dollars(match: re.Match[str]) -> str:
    inner = match["display"] or match["marked"] or match["spaced"] or match["inline"]
    if match["inline"] and _MONEY.fullmatch(inner):
        return match.group()
    before, after = match.string[max(0, match.start() - 1) : match.start()], match.string[match.end() : match.end() + 1]
    if before.isalnum() and after.isdigit():
        return match.group()  # US$1 and x_1 and US$2
    return _math(inner)


def _math(text: str) -> str:
    """The inside of a formula."""
    text = _EMPTY_ACCENT.sub(r"\1", text)
    text = _DELIMITERS.sub("", text)
    text = _SPACES.sub(" ", text)
    text = _NUMBERS.sub(lambda match: match.group().translate(_HIDE), text)
    text = _ESCAPED_BRACE.sub(lambda match: match.group(1).translate(_HIDE), text)
    for _ in range(20):
        before = text
        text = _SCRIPT_GROUP.sub(_script, text)
        text = _commands(text, math=True)
        if text == before:
            break
    text = _GROUP.sub(r"\1", text)
    return text.translate(_SHOW).strip()


def _script(match: re.Match[str]) -> str:
    mark, inner = match.group(1), match.group(2).strip()
    single = re.fullmatch(r"[-−+]?(?:\w+|\d[\d.]*)|\\[A-Za-z]+|[*+′'T]|", inner)
    return f"{mark}{inner}" + (" " if inner.startswith("\\") else "") if single else f"{mark}({inner})"


def _commands(text: str, *, math: bool) -> str:
    text = _EMPTY_ACCENT.sub(r"\1", text)
    text = _ACCENT.sub(_accent, text)
    text = _LETTER.sub(lambda match: _symbol(match.group(1) or match.group(2)) or match.group(), text)
    text = _SWITCH.sub(r"\1", text)
    text = _BARE_SWITCH.sub("", text)
    text = _DROPPED.sub("", text)
    text = _TWO.sub(_two, text)
    text = _ONE.sub(_one, text)
    text = _WORD.sub(lambda match: _word(match, math=math), text)
    text = _LINE_END.sub(lambda match: "" if match.group() in ("\\-", "\\/", "\\!") else " ", text)
    text = _ESCAPED.sub(r"\1", text)
    return text if math else _ESCAPED_BRACE.sub(r"\1", text)


def _accent(match: re.Match[str]) -> str:
    letter = (match["braced"] or match["bare"]).strip("\\{}")
    if (
        not match["braced"]
        and not match["open"]
        and match["mark"] in "`'"
        and match.string[match.start() - 1 : match.start()] == "\\"
    ):
        return match.group()
    composed = unicodedata.normalize("NFC", letter + _MARKS[match["mark"]])
    return composed if not match["open"] or match["close"] else "{" + composed


def _two(match: re.Match[str]) -> str:
    name, one, other = match.groups()
    if name == "href":
        return f"{other} ({one})" if one.strip() and one.strip() != other.strip() else other
    if name.endswith("frac"):
        return "/".join(part if re.fullmatch(r"\w*|\\[A-Za-z]+", part) else f"({part})" for part in (one, other))
    return other


def _one(match: re.Match[str]) -> str:
    name, inner = match.groups()
    if name in ("footnote", "footnotetext"):
        return f" ({inner})" if inner.strip() else ""
    if name == "sqrt":
        return f"√{inner}" if re.fullmatch(r"\w|\\[A-Za-z]+", inner) else f"√({inner})"
    if name == "textsuperscript":
        return f"^{inner}"
    if name in _FONTS:
        return f" {inner} " if name in ("mbox", "text") and inner != inner.strip() else inner
    if not inner.strip():
        return _symbol(name) or name
    symbol = _symbol(name)
    if symbol:
        return f"{symbol}{inner}" if name in ("neg", "not") else f"{symbol}{{{inner}}}"
    if mark := _MATH_MARKS.get(name):
        return unicodedata.normalize("NFC", inner + mark) if len(inner) == 1 else inner
    return inner


_MATH_MARKS = {
    "hat": "\u0302",
    "bar": "\u0304",
    "tilde": "\u0303",
    "dot": "\u0307",
    "ddot": "\u0308",
    "vec": "\u20d7",
    "widehat": "\u0302",
    "widetilde": "\u0303",
    "overline": "\u0304",
    "check": "\u030c",
    "acute": "\u0301",
}


def _word(match: re.Match[str], *, math: bool) -> str:
    before, name = match["before"] or "", match["name"]
    if match.string[match.end() : match.end() + 1] == "{":
        return match.group()  # its argument is not closed, or holds what is not done yet
    symbol = _symbol(name)
    if math:
        word = name if symbol is None else symbol
        if word.isalpha() and word.isascii() and len(word) > 1:  # n^2\log n is no word "2log"
            left = (
                match.string[match.start() : match.start() + 1] == "\\" and match.string[: match.start()][-1:].isalnum()
            )
            right = match.string[match.end() : match.end() + 1].isalnum()
            word = f"{' ' * left}{word}{' ' * right}"
        return before + word
    if symbol is not None and len(name) > 1:
        return before + symbol
    if match["empty"]:
        return before + name
    if match["before"] is not None and len(name) > 1:
        return before + name
    return match.group()


@lru_cache(maxsize=1)
def _commands_known() -> Any:
    from pylatexenc.latex2text import get_default_latex_context_db  # takes a while, and most texts need none of it

    return get_default_latex_context_db()


@lru_cache(maxsize=4096)
def _symbol(name: str) -> str | None:
    """What a command without arguments stands for; None for one that is not known."""
    if name in _TEXTS:
        return _TEXTS[name]
    found = getattr(_commands_known().get_macro_spec(name), "simplify_repl", None)
    if not isinstance(found, str) or "%" in found or not found.strip() or re.match("<.", found):
        return None
    return found.strip() if len(found.strip()) < 12 else None


_TEXTS = {
    "item": "•",
    "newline": " ",
    "par": " ",
    "ldots": "...",
    "dots": "...",
    "cdots": "...",
    "quad": " ",
    "qquad": " ",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textunderscore": "_",
    "textdollar": "$",
    "prime": "'",
    "lVert": "‖",
    "rVert": "‖",
    "lvert": "|",
    "rvert": "|",
    "Vert": "‖",
    "vert": "|",
    "colon": ":",
    "TeX": "TeX",
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "textbackslash": "\\",
    "xspace": "",
    "LaTeX": "LaTeX",
    "BibTeX": "BibTeX",
    "star": "*",
    "ast": "*",
    "textendash": "–",
    "limits": "",
}


def _bibtex(text: str) -> str:
    """What BibTeX adds: groups, ties and dashes."""
    if not _BIBTEX_MARKUP.search(text):
        return text
    text = _ESCAPED_BRACE.sub(lambda match: match.group(1).translate(_HIDE), text)
    text = _BIBTEX_TIE.sub(" ", text)
    text = _BIBTEX_DASH.sub(lambda match: "—" if len(match.group()) == 3 else "–", text)
    for _ in range(20):
        before = text
        if "$" in text:
            text = _DOLLARS.sub(_dollars, text)
        if "\\" in text:
            text = _commands(text, math=False)
        if "{" not in text:
            break
        text = _NUMBERS.sub(lambda match: match.group().translate(_HIDE), text)
        text = _INNER_GROUP.sub(_group, text)
        if text == before:
            break
    text = _BIBTEX_QUOTE.sub(lambda match: "“" if match.group() == "``" else "”", text)
    return text.translate(_SHOW)


_BIBTEX_MARKUP = re.compile(r"[\\{}~$\ue000\ue001]|--|``|''")
_BIBTEX_TIE = re.compile(r"(?<=[^\s/\\])~(?=\S)")
_BIBTEX_DASH = re.compile(r"(?<![-!<])-{2,3}(?!-)")
_BIBTEX_QUOTE = re.compile(r"``|(?<!')''(?!')")
_INNER_GROUP = re.compile(r"(?<!\\)\{([^{}\\]*)\}")
_COMMAND_BEFORE = re.compile(r"\\[A-Za-z]+(?:\[[^\]]*\])?(?:\{[^{}]*\})?$")


def _group(match: re.Match[str]) -> str:
    """Take braces away that belong to no command."""
    before = match.string[max(0, match.start() - 80) : match.start()]
    return match.group() if _COMMAND_BEFORE.search(before) else match.group(1)
