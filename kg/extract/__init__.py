"""Papers to extractions: a spaCy pipeline whose parts are registered components, and the model that ships with it.

>>> from kg.model import Paper
>>> paper = Paper(id="paper:1", title="BERT for question answering", abstract="We fine-tune BERT on SQuAD.")
>>> [extraction] = extract([paper])
>>> sorted({(entity.type, entity.name) for entity in extraction.entities})[:2]
[('Dataset', 'SQuAD'), ('Method', 'BERT')]
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from kg.model import Extraction, KGError, Paper

if TYPE_CHECKING:
    from concurrent.futures import Future

    from spacy.language import Language

__all__ = ["MODEL", "extract", "load", "model_version"]

#: The folder of the model that ships with kg.
MODEL = Path(__file__).with_name("trained")
#: Raised when the rules around the model change what is extracted, so that graphs know what to renew.
RULES = 4
#: Papers that a process is given at a time.
_CHUNK = 16
#: Strings that the vocabulary may learn for good.
_WORDS = 10_000


def load(path: str | Path | None = None) -> Language:
    """The pipeline as an ordinary spaCy `Language`; `path` is the folder of a model of your own.

    >>> load().pipe_names[-1]
    'kg_forget'
    """
    from kg.extract.pipeline import load_pipeline

    return load_pipeline(MODEL if path is None else Path(path))


def model_version(path: str | Path | None = None) -> str:
    """The name that extractions carry: the same as long as rules and weights are. Needs no spaCy.

    >>> model_version().startswith("kg-minilm-")
    True
    """
    folder = MODEL if path is None else Path(path)
    try:
        meta = json.loads((folder / "meta.json").read_text("utf-8"))
        return f"kg-{meta['name']}-{RULES}-{meta['version'].partition('+')[2]}"
    except (OSError, ValueError, KeyError):
        raise KGError(
            f"{folder}: no trained model there; install kg-papers again, or run python -m kg.extract.train"
        ) from None


def extract(
    papers: Iterable[Paper], *, nlp: Language | None = None, model: str | Path | None = None, jobs: int = 1
) -> Iterator[Extraction]:
    """What each paper says, in the order of the papers, the same whatever `jobs` (processes) is.

    `model` is the folder of a model of your own, `nlp` a pipeline that is loaded already. Papers are taken as they are
    needed, so that a stream of them does not live in memory.
    """
    if jobs < 1:
        raise KGError(f"{jobs} jobs: give a whole number from 1 up")
    if jobs == 1:
        yield from _extract_here(papers, load(model) if nlp is None else nlp)
        return
    if nlp is None:
        yield from _extract_apart(papers, MODEL if model is None else Path(model), jobs)
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        nlp.to_disk(folder)
        yield from _extract_apart(papers, Path(folder), jobs)


def _extract_here(papers: Iterable[Paper], nlp: Language) -> Iterator[Extraction]:
    from threadpoolctl import ThreadpoolController

    from kg.extract.pipeline import to_extraction

    threads = ThreadpoolController()
    model = f"kg-{nlp.meta['name']}-{RULES}-{nlp.meta['version'].partition('+')[2]}"
    source = iter(papers)
    while chunk := list(islice(source, _CHUNK)):
        # The matrices are small: threads of numpy would wait for each other, and for those of other processes. Once the
        # vocabulary knows the usual words, what it learns from these papers is forgotten after them.
        learned = len(nlp.vocab.strings) >= _WORDS
        with threads.limit(limits=1, user_api="blas"), nlp.memory_zone() if learned else nullcontext():
            found = [to_extraction(nlp(paper.text), paper.id, model) for paper in chunk]
        yield from found


def _extract_apart(papers: Iterable[Paper], path: Path, jobs: int) -> Iterator[Extraction]:
    """Chunks of papers go to processes that load the model once; a few chunks are under way at a time."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    source = iter(papers)
    waiting: deque[Future[list[Extraction]]] = deque()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        while True:
            while len(waiting) < 3 * jobs and (chunk := list(islice(source, _CHUNK))):
                waiting.append(pool.submit(_extract_chunk, path, chunk))
            if not waiting:
                return
            yield from waiting.popleft().result()


def _extract_chunk(path: Path, papers: list[Paper]) -> list[Extraction]:
    return list(_extract_here(papers, _loaded(path)))


@cache
def _loaded(path: Path) -> Language:
    return load(path)
