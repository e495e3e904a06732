"""HTML from templates: everything that comes from papers is escaped, and addresses are links only where they are safe.

>>> safe_link("https://arxiv.org/abs/1"), safe_link("javascript:alert(1)")
('https://arxiv.org/abs/1', None)
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from kg import ontology
from kg.graph import author_id, venue_id

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
#: What `/static/` serves: file name -> media type.
STATIC = {"style.css": "text/css", "editor.js": "text/javascript", "icon.svg": "image/svg+xml"}


@cache
def environment() -> Environment:
    """The templates, with what they need to know of the ontology."""
    templates = Environment(
        loader=PackageLoader("kg.serve", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["predicates"] = ontology.load().predicates
    templates.globals["curie"] = ontology.curie
    templates.globals["author_id"] = author_id
    templates.globals["venue_id"] = venue_id
    templates.filters["looks_like_id"] = looks_like_id
    templates.filters["looks_like_number"] = lambda text: _NUMBER.fullmatch(text) is not None
    templates.filters["short_iri"] = short_iri
    templates.filters["safe_link"] = safe_link
    templates.filters["number"] = lambda number: f"{number:,}"
    templates.filters["percent"] = lambda share: f"{share:.0%}"
    return templates


def page(
    request: Request, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **data: Any
) -> HTMLResponse:
    """A page of a template; `link` in it is the address of an id, `at` that of a path with parameters."""
    root = request.scope.get("root_path", "").rstrip("/")

    def link(identifier: str) -> str:
        return ontology.iri(identifier, f"{root}/")

    def at(path: str, **parameters: str) -> str:
        return f"{root}{path}{'?' + urlencode(parameters) if parameters else ''}"

    html = environment().get_template(template).render(link=link, at=at, **data)
    return HTMLResponse(html, status, headers)


async def static(request: Request) -> Response:
    """A file of `STATIC`."""
    name = request.scope["path"].rpartition("/")[2]
    content = (files("kg.serve") / "static" / name).read_bytes()
    return Response(
        content, headers={"Content-Type": f"{STATIC[name]}; charset=utf-8", "Cache-Control": "max-age=3600"}
    )


def looks_like_id(text: str) -> bool:
    """Whether a text could be an id of ours.

    >>> looks_like_id("method:bert"), looks_like_id("paper: a thin material")
    (True, False)
    """
    prefix, _, local = text.partition(":")
    return prefix in ontology.ID_PREFIXES and bool(local) and not any(sign.isspace() for sign in text)


def short_iri(address: str) -> str:
    """An address with a prefix of the vocabularies, where there is one.

    >>> short_iri("https://schema.org/name"), short_iri("https://a.org/")
    ('schema:name', 'https://a.org/')
    """
    for prefix, namespace in ontology.NAMESPACES.items():
        if address.startswith(namespace):
            return f"{prefix}:{address.removeprefix(namespace)}"
    return address


def safe_link(address: str | None) -> str | None:
    """An address that may be a link: one of the web."""
    return address if address is not None and address.lower().startswith(("https://", "http://")) else None
