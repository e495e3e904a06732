"""All inputs as one stream of papers, each once: a first pass keeps small keys, a second one yields.

The first pass reads and cleans every record, writes it to a temporary file and remembers some hundred bytes of it:
hashes of what identifies it. Records of one paper are then known, and so is the id of each paper, under all names that
others may cite it by; the second pass reads the temporary file and merges. Memory holds the keys, never the texts.

>>> import tempfile
>>> path = Path(tempfile.mkdtemp(), "a.jsonl")
>>> _ = path.write_text('{"title": "On Foxes", "doi": "10.1/F"}\\n{"title": "On foxes", "doi": "10.1/f", "year": 2020}')
>>> report = ReadReport()
>>> [(paper.id, paper.year) for paper in read_papers([path], report=report)], report.duplicates
([('paper:10.1/f', 2020)], 1)
"""

from __future__ import annotations

import dataclasses
import json
import logging
import re
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from kg.model import Paper, ReadError, digest
from kg.read.clean import clean as cleaned
from kg.read.columns import check_mapping
from kg.read.detect import detect
from kg.read.formats import reader
from kg.read.identify import arxiv_id, doi, family_name, openalex_id, reference, title_hash, title_key, title_words
from kg.read.opening import Source, sources
from kg.read.record import ReadReport, Record

log = logging.getLogger("kg.read")

#: Longer texts are no titles and abstracts.
MAX_TEXT = 300_000
_LONG_TITLE, _GENERIC_TITLE = 4, 3  # words
_NO_WORD = re.compile(r"\W+")
_SURROGATE = re.compile("[\ud800-\udfff]")

_FIELDS = tuple(field.name for field in dataclasses.fields(Paper))
_OWN, _ARXIV, _DOI, _OPENALEX, _GIVEN, _TITLE = range(6)


def read_papers(
    inputs: str | Path | Sequence[str | Path],
    *,
    format: str | None = None,  # noqa: A002 the name that the command line gives it
    mapping: Mapping[str, str] | None = None,
    clean: bool | None = None,
    strict: bool = False,
    report: ReadReport | None = None,
) -> Iterator[Paper]:
    """The papers of files, folders and standard input (`-`), each paper once, in the order of the inputs.

    `format` forces one of `FORMATS`, `mapping` leads from a field to the column that holds it, `clean` decides whether
    markup is cleaned out of titles and abstracts (None: except in kg's own layout), `strict` raises the first error
    rather than skip the record. `report` is complete when the first paper comes. Raises a `ReadError` where no paper
    can be read at all.
    """
    groups = read_groups(
        inputs, format=format, mapping=mapping, clean=clean, strict=strict, report=report, keep_records=False
    )
    for group in groups:
        yield group.paper


def read_groups(
    inputs: str | Path | Sequence[str | Path],
    *,
    format: str | None = None,  # noqa: A002 the name that the command line gives it
    mapping: Mapping[str, str] | None = None,
    clean: bool | None = None,
    strict: bool = False,
    report: ReadReport | None = None,
    known: Iterable[str] = (),
    keep_records: bool = True,
) -> Iterator[Group]:
    """As `read_papers`, each paper with the records that it was made of.

    `known` are records of earlier runs: papers are what all records together make, as if they were read in one run.
    A record of the inputs takes the place of known ones of the same id and format. `report` counts the inputs only.
    """
    report = ReadReport() if report is None else report
    check_mapping(mapping or {})
    if format is not None:
        reader(format)
    inputs = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    with _Spool() as spool:
        with sources(inputs) as files:
            for item in _records(files, format, mapping or {}, report):
                if isinstance(item, ReadError):
                    _skip(item, strict, report)
                else:
                    record, source = item
                    entry = _entry(record, clean, source)
                    if isinstance(entry, ReadError):
                        _skip(entry, strict, report)
                    else:
                        spool.add(entry)
        if not spool.records:
            raise _nothing(inputs, report)
        spool.add_known(map(_from_line, known))
        spool.settle(strict=strict, report=report)
        yield from spool.merged(keep_records)


def regroup(known: Iterable[str]) -> Iterator[Group]:
    """The papers that records of earlier runs make."""
    with _Spool() as spool:
        spool.add_known(map(_from_line, known))
        spool.settle(strict=False, report=ReadReport())
        yield from spool.merged(keep_records=True)


def record_of(paper: Paper) -> str:
    """A paper whose records are lost as a record of itself."""
    names = dict.fromkeys(f"paper:{name}" for name in (paper.arxiv_id, paper.doi) if name)
    given = paper.id.removeprefix("paper:")
    entry = _Entry(paper=paper, rank=_OWN, names=(paper.id, *names), given=given, where=("an earlier build", None))
    return entry.line()


def _nothing(inputs: Sequence[str | Path], report: ReadReport) -> ReadError:
    if not inputs:
        return ReadError("no input: name files, folders or - for standard input")
    first = report.skipped[0] if report.skipped else None
    more = f" (and {len(report.skipped) - 1:,} more)" if len(report.skipped) > 1 else ""
    return ReadError(f"no paper could be read: {first or 'the inputs hold none'}{more}")


def _skip(error: ReadError, strict: bool, report: ReadReport) -> None:
    if strict:
        raise error
    report.skipped.append(error)
    log.warning("skipped %s", error)


def _records(
    files: Iterator[Source | ReadError], forced: str | None, mapping: Mapping[str, str], report: ReadReport
) -> Iterator[tuple[Record, Source] | ReadError]:
    """The records of all files; what ends the reading of one file does not end that of the next."""
    for source in files:
        if isinstance(source, ReadError):
            yield source
            continue
        report.files += 1
        found = False
        try:
            if forced is not None and not source.head(4096).strip():
                raise ReadError("the file is empty", path=source.name)
            _, read = reader(forced or detect(source))
            for item in read(source, mapping):
                found = True
                yield item if isinstance(item, ReadError) else (item, source)
        except ReadError as error:
            yield error
            continue
        except UnicodeError as error:
            yield ReadError(f"not in the encoding that it seems to have: {error}", path=source.name)
            continue
        except OSError as error:
            yield ReadError(f"cannot be read: {error.strerror or error}", path=source.name)
            continue
        if not found:
            yield ReadError("the file holds no record", path=source.name)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """A paper and the records that it was made of, each a line of JSON that `read_groups` takes as `known`."""

    paper: Paper
    records: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Entry:
    """A paper as its record alone gives it, and what else is to be known of it."""

    paper: Paper
    rank: int
    names: tuple[str, ...]
    given: str | None
    where: tuple[str, int | None]

    @property
    def key(self) -> str:
        """What a newer state of this record has in common with it: its id, and its format unless that is our own."""
        return self.paper.id if self.rank == _OWN else f"{self.paper.id} {self.paper.source}"

    def line(self) -> str:
        """As a line of JSON; where it was read is left out, so that equal records are equal lines."""
        fields = {name: value for name in _FIELDS if (value := getattr(self.paper, name)) not in (None, "", ())}
        row = {"paper": fields, "rank": self.rank, "names": self.names, "given": self.given}
        return json.dumps(row, ensure_ascii=False, sort_keys=True)


def _from_line(line: str) -> _Entry:
    row = json.loads(line)
    return _Entry(
        paper=_paper(row["paper"]),
        rank=row["rank"],
        names=tuple(row["names"]),
        given=row["given"],
        where=("an earlier build", None),
    )


def _paper(fields: Mapping[str, Any]) -> Paper:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    return Paper(**values)


def _entry(record: Record, clean: bool | None, source: Source) -> _Entry | ReadError:
    if len(record.title) + len(record.abstract) > MAX_TEXT:
        reason = f"a title and abstract of more than {MAX_TEXT:,} characters"
        return ReadError(reason, path=source.name, line=record.line)
    bibtex = record.bibtex

    def plain(text: str) -> str:
        return _whole(text) if record.own_layout and not clean else cleaned(text, bibtex=bibtex)

    raw = record.own_layout if clean is None else not clean
    title, abstract = (
        (_whole(record.title), _whole(record.abstract))
        if raw
        else (cleaned(record.title, bibtex=bibtex), cleaned(record.abstract, bibtex=bibtex))
    )
    if raw and not record.own_layout:
        title, abstract = title.strip(), abstract.strip()
    if not title.strip():
        name = f" {record.id.strip()!r}" if record.id else ""
        return ReadError(f"the record{name} has no title", path=source.name, line=record.line)
    url = plain(record.url or "").strip()
    arxiv = arxiv_id(record.arxiv_id) or arxiv_id(record.doi) or _arxiv_url(url) or arxiv_id(record.id)
    number = doi(record.doi)
    work = openalex_id(record.openalex_id)
    given = _whole(record.id).strip() if record.id else None
    given = given.removeprefix("paper:") if given else None
    rank, local = next(
        (rank, found)
        for rank, found in (
            (_OWN, given if record.own_layout else None),
            (_ARXIV, arxiv),
            (_DOI, number),
            (_OPENALEX, work),
            (_GIVEN, given),
            (_TITLE, title_hash(title)),
        )
        if found
    )
    names = dict.fromkeys(f"paper:{name}" for name in (local, arxiv, number, work, given) if name)
    names.update(dict.fromkeys(cited for name in record.other_ids if (cited := reference(name))))
    paper = Paper(
        id=f"paper:{local}",
        title=title,
        abstract=abstract,
        authors=tuple(dict.fromkeys(name for author in record.authors if (name := plain(author).strip()))),
        year=record.year,
        venue=plain(record.venue).strip() or None if record.venue else None,
        url=_address(url),
        doi=number,
        arxiv_id=arxiv,
        keywords=tuple(dict.fromkeys(word for keyword in record.keywords if (word := plain(keyword).strip()))),
        cites=tuple(dict.fromkeys(cited for name in record.cites if (cited := reference(_whole(name))))),
        source=record.source,
    )
    return _Entry(paper=paper, rank=rank, names=tuple(names), given=given, where=(source.name, record.line))


def _whole(text: str) -> str:
    """The text with half characters, which no file can hold, replaced; its length stays the same."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _arxiv_url(url: str) -> str | None:
    return arxiv_id(url) if "arxiv" in url.lower() else None


def _address(url: str) -> str | None:
    if re.match(r"(?i)(?:https?|ftp)://\S+$", url):
        return url
    return f"https://{url}" if re.match(r"(?i)www\.\S+$", url) else None


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def _author_hash(paper: Paper) -> int:
    author = family_name(paper.authors[0]) if paper.authors else ""
    return _hash(author) | 1 if author else 0


def _share_words(one: int, other: int) -> bool:
    """Whether two sets of words (`_words_mask`) have a quarter of the smaller one in common."""
    return not one or not other or 4 * (one & other).bit_count() >= min(one.bit_count(), other.bit_count())


def _words_mask(title: str) -> int:
    """A set of words in 64 bits, to see whether two titles have anything in common."""
    mask = 0
    for word in title_words(title):
        if len(word) > 2:
            mask |= 1 << (_hash(word) % 64)
    return mask


class _Spool:
    """The temporary file of all records, and their keys in arrays: some hundred bytes a record."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="kg-read-")  # noqa: SIM115 closed in __exit__
        self._keys: dict[int, list[int]] = {}  # hash of a key -> the inputs' records that have it
        self._first_known: int | None = None  # records from here on are of earlier runs
        self._offsets = array("Q")
        self._titles, self._authors, self._abstracts = array("Q"), array("Q"), array("Q")
        self._dois, self._masks, self._years, self._words = array("Q"), array("Q"), array("H"), bytearray()
        self._ids, self._id_ends, self._ranks = bytearray(), array("Q", [0]), bytearray()
        self._names, self._named = array("Q"), array("L")  # hash of an id, and the record known by it
        self._same, self._sames = array("Q"), array("L")  # hash of what only one paper has, and the record
        self._first: dict[int, int] = {}  # record -> first record of its paper, where another
        self._members: dict[int, list[int]] = {}
        self._dropped: set[int] = set()
        self._final: dict[int, str] = {}  # first record -> id, where another than the record's own

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, entry: _Entry) -> None:
        """Write a record down and remember its keys."""
        paper = entry.paper
        number = len(self._offsets)
        self._offsets.append(self._file.tell())
        self._file.write(f"{entry.line()}\n{json.dumps(entry.where)}\n".encode())
        if self._first_known is None:
            self._keys.setdefault(_hash(entry.key), []).append(number)

        plain_title = cleaned(paper.title)
        key = title_key(plain_title)
        self._titles.append(_hash(key))
        self._authors.append(_author_hash(paper))
        beginning = cleaned(paper.abstract[:1500]) if entry.rank == _OWN else paper.abstract[:600]
        beginning = _NO_WORD.sub("", beginning[:600].casefold())[:300]  # many services cut abstracts
        self._abstracts.append(_hash(beginning) | 1 if beginning else 0)
        self._dois.append(_hash(paper.doi) | 1 if paper.doi else 0)
        self._masks.append(_words_mask(plain_title))
        self._years.append(paper.year or 0)
        self._words.append(min(len(title_words(plain_title)), 255))
        self._ids += paper.id.encode()
        self._id_ends.append(len(self._ids))
        self._ranks.append(entry.rank)
        for name in entry.names:
            self._names.append(_hash(name))
            self._named.append(number)
        unique = [f"arxiv {paper.arxiv_id}"] if paper.arxiv_id else []
        unique += [f"id {name}" for name in entry.names[1:] if entry.rank not in (_GIVEN, _TITLE) and _is_known(name)]
        if entry.given:
            unique.append(f"given {entry.given} {key}")
        for name in unique:
            self._same.append(_hash(name))
            self._sames.append(number)

    @property
    def records(self) -> int:
        """How many records there are."""
        return len(self._offsets)

    def add_known(self, entries: Iterable[_Entry]) -> None:
        """Write down records of earlier runs, after all others; those that have been read again are left out."""
        self._first_known = len(self._offsets)
        for entry in entries:
            if not any(self._renews(number, entry) for number in self._keys.get(_hash(entry.key), ())):
                self.add(entry)

    def _renews(self, number: int, known: _Entry) -> bool:
        """Whether a record is a newer state of a known one of the same key, and not another paper that shares it.

        A DOI may be that of a whole book, a key of a bibliography that of another one, a title that of two papers.
        """
        if known.rank in (_OWN, _ARXIV, _OPENALEX):
            return True
        author, masks = _author_hash(known.paper), (self._masks[number], _words_mask(cleaned(known.paper.title)))
        same_author = not author or not self._authors[number] or author == self._authors[number]
        return (known.rank == _TITLE or _share_words(*masks)) and (known.rank == _DOI or same_author)

    # --- which records are one paper

    def settle(self, *, strict: bool, report: ReadReport) -> None:
        """Find out which records are one paper, and which id each paper has."""
        for members in _runs(self._same, self._sames):
            self._unite(members)
        for members in self._runs_of(self._dois):
            for one, other in _pairs(members):
                if self._resemble(one, other):
                    self._unite((one, other))
                elif one < (self._first_known or 0):  # of known records it was said when they were read
                    log.warning(
                        "%s and %s have one DOI but nothing else in common: kept apart", *map(self._place, (one, other))
                    )
        for members in self._runs_of(self._titles):
            self._unite_by_title(members)
        self._refuse_reused_ids(strict=strict, report=report)
        for number in sorted(self._first):
            root = self._root(number)
            if root != number:
                self._members.setdefault(root, [root]).append(number)
        self._name()
        read = [number for number in range(self._first_known or 0) if number not in self._dropped]
        report.read = len({self._root(number) for number in read})
        report.duplicates += len(read) - report.read
        for root, group in sorted(self._members.items()):
            for number in group:
                if self.own_id(number) != self.id(root):
                    report.aliases[self.own_id(number)] = self.id(root)

    def _unite_by_title(self, members: Sequence[int]) -> None:
        """Unite records of equal title: by first author, and without one only where the abstracts do not disagree."""
        by_author: dict[tuple[int, int], int] = {}
        nobody = [number for number in members if not self._authors[number]]
        for number in members:
            if self._authors[number]:
                year = 0 if self._words[number] >= _GENERIC_TITLE else self._years[number]
                self._unite((by_author.setdefault((self._authors[number], year), number), number))
        if not nobody:
            return
        abstracts = {self._abstracts[number] for number in nobody} - {0}
        numbers = {self._dois[number] for number in nobody} - {0}
        alone: dict[tuple[int, int], int] = {}
        for number in nobody:
            agree = len(abstracts) <= 1 and len(numbers) <= 1
            key = (0, 0) if agree else (self._abstracts[number], self._dois[number])
            self._unite((alone.setdefault(key, number), number))
        authors = {author for author, _ in by_author}
        for number in nobody:
            for other in members:
                if not self._authors[other]:
                    continue
                one, two = self._abstracts[number], self._abstracts[other]
                certain = len(authors) == 1 and len(abstracts) <= 1 and self._words[number] >= _LONG_TITLE
                if (one and one == two) or (certain and not (one and two)):
                    self._unite((number, other))
                    break

    def _resemble(self, one: int, other: int) -> bool:
        """Whether two titles share a quarter of their words: chapters of a book may carry the book's DOI."""
        return _share_words(self._masks[one], self._masks[other])

    def _refuse_reused_ids(self, *, strict: bool, report: ReadReport) -> None:
        """In kg's own layout an id belongs to one paper: another paper under the same id is refused."""
        owners: dict[str, int] = {}
        for members in self._runs_of_ids():
            owners.clear()
            for number in members:
                if self._ranks[number] != _OWN:
                    continue
                owner = owners.setdefault(self.own_id(number), number)
                if self._root(owner) != self._root(number):
                    self._dropped.add(number)
                    path, line = self._where(number)
                    taken = f"the id {self.own_id(number).removeprefix('paper:')!r} is that of another paper"
                    _skip(ReadError(f"{taken} ({self._place(owner)})", path=path, line=line), strict, report)

    # --- names

    def own_id(self, number: int) -> str:
        """The id that the record alone would have."""
        return self._ids[self._id_ends[number] : self._id_ends[number + 1]].decode()

    def id(self, root: int) -> str:
        """The id of the paper whose first record this is."""
        return self._final.get(root) or self.own_id(root)

    def _name(self) -> None:
        """Give each paper the best id of its records; papers that would share one get a hash of their text to it."""
        for root, group in self._members.items():
            kept = [number for number in group if number not in self._dropped]
            if kept:
                self._final[root] = min((self._ranks[number], self.own_id(number)) for number in kept)[1]
        roots = sorted({self._root(n) for n in range(len(self._offsets)) if n not in self._dropped})
        hashes = array("Q", (_hash(self.id(root)) for root in roots))
        for clash in _runs(hashes, array("L", roots)):
            for root in clash:
                paper = self._read(root).paper
                suffix = digest(title_key(cleaned(paper.title)), paper.abstract, *paper.authors, paper.year)[:8]
                self._final[root] = f"{self.id(root)}-{suffix}"

    def _link(self, paper: Paper) -> Paper:
        """The paper with its citations under the ids that the cited papers have here."""
        if not paper.cites:
            return paper
        linked = dict.fromkeys(self._known(cited) for cited in paper.cites)
        linked.pop(paper.id, None)
        return dataclasses.replace(paper, cites=tuple(linked))

    def _known(self, cited: str) -> str:
        key = _hash(cited)
        at = bisect_left(self._names, key)
        if at < len(self._names) and self._names[at] == key:
            return self.id(self._root(self._named[at]))
        return cited

    # --- the second pass

    def merged(self, keep_records: bool) -> Iterator[Group]:
        """Each paper once, where its first record stands."""
        self._sort_names()
        for number in range(len(self._offsets)):
            root = self._root(number)
            group = [member for member in self._members.get(root, [root]) if member not in self._dropped]
            if not group or group[0] != number:
                continue
            entries = [self._read(member) for member in group]
            paper = merge([entry.paper for entry in entries])
            records = tuple(sorted({entry.line() for entry in entries})) if keep_records else ()
            yield Group(paper=self._link(dataclasses.replace(paper, id=self.id(root))), records=records)

    def _sort_names(self) -> None:
        """Sort the names for look-up; a name that several papers have (a key of two bibliographies) leads nowhere."""
        import numpy

        names, named = numpy.frombuffer(self._names, "u8"), numpy.frombuffer(self._named, self._named.typecode)
        order = numpy.argsort(names, kind="stable")
        sorted_names, sorted_named = array("Q"), array("L")
        previous: tuple[int, int] | None = None
        for at in order:
            key, root = int(names[at]), self._root(int(named[at]))
            if int(named[at]) in self._dropped or (previous is not None and previous[0] == key and previous[1] == root):
                continue
            sorted_names.append(key)
            sorted_named.append(root)
            previous = (key, root)
        self._names, self._named = array("Q"), array("L")
        for at, key in enumerate(sorted_names):
            twin = (at > 0 and sorted_names[at - 1] == key) or (
                at + 1 < len(sorted_names) and sorted_names[at + 1] == key
            )
            if not twin:
                self._names.append(key)
                self._named.append(sorted_named[at])

    def _read(self, number: int) -> _Entry:
        if self._file.tell() != self._offsets[number]:
            self._file.seek(self._offsets[number])
        entry = _from_line(self._file.readline().decode())
        path, line = json.loads(self._file.readline())
        return dataclasses.replace(entry, where=(path, line))

    def _where(self, number: int) -> tuple[str, int | None]:
        return self._read(number).where

    def _place(self, number: int) -> str:
        path, line = self._where(number)
        return path if line is None else f"{path}:{line}"

    # --- groups

    def _root(self, number: int) -> int:
        while (up := self._first.get(number, number)) != number:
            number = up
        return number

    def _unite(self, members: Iterable[int]) -> None:
        roots = sorted({self._root(number) for number in members})
        for root in roots[1:]:
            self._first[root] = roots[0]

    def _runs_of(self, keys: array[int]) -> Iterator[list[int]]:
        return _runs(keys, None)

    def _runs_of_ids(self) -> Iterator[list[int]]:
        hashes = array("Q", (_hash(self.own_id(number)) for number in range(len(self._offsets))))
        return _runs(hashes, None)


def _is_known(name: str) -> bool:
    local = name.removeprefix("paper:")
    return bool(openalex_id(local))


def _pairs(members: Sequence[int]) -> Iterator[tuple[int, int]]:
    return ((members[0], other) for other in members[1:])


def _runs(keys: array[int], owners: array[int] | None) -> Iterator[list[int]]:
    """The records that share a key other than 0, for each key that at least two of them have."""
    import numpy

    if not keys:
        return
    values = numpy.frombuffer(keys, "u8")
    order = numpy.argsort(values, kind="stable")
    borders = numpy.flatnonzero(numpy.diff(values[order])) + 1
    starts = numpy.concatenate(([0], borders))
    ends = numpy.concatenate((borders, [len(order)]))
    repeated = numpy.flatnonzero(ends - starts > 1)
    for run in repeated:
        places = order[starts[run] : ends[run]]
        if values[places[0]] != 0:
            yield sorted({int(place) if owners is None else owners[int(place)] for place in places})


def merge(papers: Sequence[Paper]) -> Paper:
    """One paper of several records of it: field by field the richer one wins, whatever their order.

    The longest title, abstract and list of authors, all citations, and every other field from the record that
    has most of the fields.

    >>> one = Paper(id="paper:1", title="A B", year=2020)
    >>> other = Paper(id="paper:1", title="A B", abstract="Text.", venue="V")
    >>> both = merge([one, other])
    >>> both == merge([other, one]), both.year, both.abstract, both.venue
    (True, 2020, 'Text.', 'V')
    """
    if len(papers) == 1:
        return papers[0]
    ranked = sorted(papers, key=_richness)
    best: dict[str, Any] = {}
    for field in dataclasses.fields(Paper):
        values = [value for paper in ranked if (value := getattr(paper, field.name)) not in (None, "", ())]
        if values:
            best[field.name] = values[0]
            if field.name in ("abstract", "authors", "keywords"):
                best[field.name] = max(values, key=len)
    best["title"] = max((paper.title for paper in ranked), key=lambda title: (not title.isupper(), len(title)))
    best["cites"] = tuple(dict.fromkeys(cited for paper in ranked for cited in paper.cites))
    return Paper(**best)


def _richness(paper: Paper) -> tuple[int, int, str]:
    """Sorts the richest record first, and equally rich ones by what they say."""
    values = [getattr(paper, field.name) for field in dataclasses.fields(Paper)]
    filled = sum(1 for value in values if value not in (None, "", ()))
    return (-filled, -len(paper.text), repr(values))
