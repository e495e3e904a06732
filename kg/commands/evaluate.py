"""`kg eval`: scores extractions and resolutions against annotations."""

from __future__ import annotations

import click

from kg.commands.options import output_options, show_rows


@click.command("eval")
@click.argument("papers", metavar="PAPERS", type=click.Path(exists=True, dir_okay=False))
@click.argument("gold", metavar="GOLD", type=click.Path(exists=True, dir_okay=False))
@click.option("--pred", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="Extractions to score.")
@click.option("--resolution", is_flag=True, help="Score resolution of the gold entities instead.")
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    help="With --resolution: cut the papers in so many parts, and resolve each with a vocabulary made of the others.",
)
@output_options
def evaluate(
    papers: str, gold: str, pred: str | None, resolution: bool, folds: int | None, as_json: bool, as_csv: bool
) -> None:
    """Score extractions against annotations.

    The scores are precision, recall and F1 in percent. PAPERS holds texts (id, title, abstract), GOLD their
    annotations, both JSON Lines. Without --pred the papers are extracted here, and lines are added for roles,
    relations and results of the gold entities.

    \b
    mention strict    same start, end and type; micro-averaged over papers
    mention boundary  same start and end
    entity            entities of a paper are paired one to one by overlapping
                      mentions (equal type first, then most overlap, an exact
                      span counting double); a pair of equal type is a hit
    role accuracy     share of these hits with the same role (the column f1)
    relation, typed   same head, predicate and tail after the pairing;
                      untyped: same head and tail
    result value      the values of a paper as a multiset, blanks stripped

    Surfaces in GOLD stand for every occurrence at word boundaries, longest first.

    With --resolution the gold entities (called by their first surface) are resolved together, and the nodes are
    compared with the ids in their field canonical: B-cubed, pairwise, and the share of those that the vocabulary knows
    which get its id. With --pred: how many gold nodes of two or more papers are one node end to end.
    The vocabulary that ships with kg was made from annotated papers: score on others, or with --folds.
    """
    from kg.extract.annotations import read_extractions, read_texts
    from kg.extract.evaluate import measure, score

    texts = read_texts(papers)
    wanted = {extraction.paper: extraction for extraction in read_extractions(gold, texts)}
    if folds and not resolution:
        raise click.UsageError("--folds goes with --resolution")
    if resolution:
        from kg.resolve import Resolver, load_vocabulary
        from kg.resolve import evaluate as resolving

        if folds:
            figures = resolving.cross_validated(texts, list(wanted.values()), folds=folds)
        else:
            made = None if pred is None else list(read_extractions(pred, texts))
            figures = resolving.measure(texts, list(wanted.values()), Resolver(load_vocabulary()), found=made)
        percent = [(line, *(round(100 * x, 1) for x in values[:3]), values[3]) for line, values in figures.items()]
        show_rows(("what", "precision", "recall", "f1", "number"), percent, as_json=as_json, as_csv=as_csv)
        return
    if pred is None:
        from kg.extract import load

        table = measure(load(), texts, wanted)
    else:
        table = score(wanted, {extraction.paper: extraction for extraction in read_extractions(pred, texts)})
    rows = [(line, s.precision, s.recall, s.f1, s.number) for line, s in table.items()]
    show_rows(("what", "precision", "recall", "f1", "number"), rows, as_json=as_json, as_csv=as_csv)
