"""`kg eval` scores extractions and resolutions against annotations, `kg annotate-check` checks such files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kg.commands.options import counted, output_options, refuse_overwriting, show_rows
from kg.model import KGError

if TYPE_CHECKING:
    from kg.model import Extraction, Paper


@click.command("eval")
@click.argument("papers", metavar="PAPERS", type=click.Path(exists=True, dir_okay=False))
@click.argument("gold", metavar="GOLD", type=click.Path(exists=True, dir_okay=False))
@click.option("--pred", metavar="FILE", type=click.Path(exists=True, dir_okay=False), help="Extractions to score.")
@click.option("--model", metavar="DIR", help="Without --pred: a trained model of your own to extract with.")
@click.option("--gold-entities", is_flag=True, help="Only roles, relations and results, the gold's entities given.")
@click.option("--calibration", is_flag=True, help="How often what is so sure is right, instead of the scores.")
@click.option("--thresholds", is_flag=True, help="What each --min-confidence would keep, instead of the scores.")
@click.option("--errors", metavar="FILE.html", type=click.Path(dir_okay=False), help="Write a page of all mistakes.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=200, show_default=True, help="With --errors: show so many papers."
)
@click.option(
    "--save", metavar="FILE", type=click.Path(dir_okay=False), help="Without --pred: keep what was extracted."
)
@click.option("--resolution", is_flag=True, help="Score resolution of the gold entities instead.")
@click.option(
    "--folds",
    type=click.IntRange(min=2),
    help="With --resolution: cut the papers in so many parts, and resolve each with a vocabulary made of the others.",
)
@output_options
def evaluate(
    papers: str,
    gold: str,
    pred: str | None,
    model: str | None,
    gold_entities: bool,
    calibration: bool,
    thresholds: bool,
    errors: str | None,
    limit: int,
    save: str | None,
    resolution: bool,
    folds: int | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Score extractions against annotations.

    The scores are precision, recall and F1 in percent, and the limits of the F1's 95 % interval (bootstrap over
    papers). PAPERS holds texts (id, title, abstract), GOLD their annotations, both JSON Lines. Without --pred the
    papers are extracted here, and lines are added for roles, relations and results of the gold entities; with
    --gold-entities only these are scored.

    \b
    mention strict    same start, end and type; micro-averaged over papers
    mention boundary  same start and end
    entity            entities of a paper are paired one to one by overlapping
                      mentions (equal type first, then most overlap, an exact
                      span counting double); a pair of equal type is a hit
    role accuracy     share of these hits with the same role (the column f1)
    role ...          the same, role by role
    relation, typed   same head, predicate and tail after the pairing;
                      untyped: same head and tail
    result value      the values of a paper as a multiset, blanks stripped
    result method ..  value and the entity that it is tied to

    Surfaces in GOLD stand for every occurrence at word boundaries, longest first.

    With --resolution the gold entities (called by their first surface) are resolved together, and the nodes are
    compared with the ids in their field canonical: B-cubed, pairwise, and the share of those that the vocabulary knows
    which get its id. With --pred: how many gold nodes of two or more papers are one node end to end.
    The vocabulary that ships with kg was made from annotated papers: score on others, or with --folds.
    """
    from kg.extract import evaluate as scoring
    from kg.extract.annotations import read_extractions, read_texts, to_line
    from kg.extract.files import written_aside

    if folds and not resolution:
        raise click.UsageError("--folds goes with --resolution")
    if sum((resolution, calibration, thresholds)) > 1:
        raise click.UsageError("--resolution, --calibration and --thresholds are tables of their own: choose one")
    if resolution and (gold_entities or errors or save):
        raise click.UsageError("--gold-entities, --errors and --save are about extraction: leave out --resolution")
    if model and pred:
        raise click.UsageError("--model extracts here: leave out --pred")
    if save and pred:
        raise click.UsageError("--save keeps what is extracted here: leave out --pred")
    refuse_overwriting("--save", save, (papers, gold))
    refuse_overwriting("--errors", errors, (papers, gold, pred))
    texts = read_texts(papers)
    wanted = {extraction.paper: extraction for extraction in read_extractions(gold, texts)}
    if not wanted:
        raise KGError(f"{gold}: no paper is annotated there, so there is nothing to score against")
    if resolution:
        _show_resolution(texts, wanted, pred, folds, as_json=as_json, as_csv=as_csv)
        return
    nlp = None
    if pred is not None:
        found = {extraction.paper: extraction for extraction in read_extractions(pred, texts)}
        if gold_entities:
            scoring.check_given(wanted, found)
    else:
        from kg.extract import load

        nlp = load(model)
        make = scoring.extract_given if gold_entities else scoring.extract_here
        found = make(nlp, texts, wanted.values())
        if save:
            with written_aside(Path(save)) as file:
                file.writelines(to_line(extraction, texts[paper].text) for paper, extraction in found.items())
    table: dict[str, scoring.Score] = {}
    if calibration:
        _show_calibration(wanted, found, gold_entities, as_json=as_json, as_csv=as_csv)
    elif thresholds:
        _show_thresholds(wanted, found, gold_entities, as_json=as_json, as_csv=as_csv)
    else:
        score = scoring.score_given if gold_entities else scoring.score
        table = score(wanted, found, details=True, intervals=True)
        if nlp is not None and not gold_entities:
            given = scoring.extract_given(nlp, texts, wanted.values())
            table |= scoring.score_given(wanted, given, intervals=True)
        rows = [(line, s.precision, s.recall, s.f1, s.number, s.low, s.high) for line, s in table.items()]
        columns = ("what", "precision", "recall", "f1", "number", "low", "high")
        show_rows(columns, rows, as_json=as_json, as_csv=as_csv)
    if errors:
        from kg.extract.error_report import write_report

        title = f"Mistakes: {Path(pred).name if pred else 'kg'} against {Path(gold).name}"
        done = write_report(errors, texts, wanted, found, title=title, scores=table, limit=limit)
        shown = f"{done.shown:,} of {counted(done.wrong, 'paper')}" if done.shown < done.wrong else ""
        kinds = f"{counted(done.mistakes, 'mistake')} of {counted(done.kinds, 'kind')}"
        more = f"; shows {shown} (--limit {done.wrong} shows all)" if shown else ""
        click.echo(f"{errors}: {kinds} in {done.wrong:,} of {counted(done.papers, 'paper')}{more}", err=True)


@click.command("annotate-check")
@click.argument("papers", metavar="PAPERS", type=click.Path(exists=True, dir_okay=False))
@click.argument("gold", metavar="GOLD", type=click.Path(exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def annotate_check(papers: str, gold: str, as_json: bool) -> None:
    """Check a file of annotations and say all that is wrong in it.

    PAPERS holds texts (id, title, abstract), GOLD their annotations, both JSON Lines. A problem is one line with
    file, line, paper and reason; the exit code is 1 when there is any (docs/evaluation.md lists what is checked).
    """
    from kg.extract.check_annotations import check_files

    report = check_files(papers, gold)
    if as_json:
        click.echo(json.dumps(asdict(report), ensure_ascii=False, indent=1))
    else:
        for problem in report.problems:
            click.echo(str(problem))
        counts = ((report.entities, "entity"), (report.relations, "relation"), (report.results, "result"))
        said = ", ".join(counted(number, noun) for number, noun in ((report.papers, "paper"), *counts))
        rest = f" {counted(report.not_annotated, 'paper')} of {papers} not annotated." if report.not_annotated else ""
        found = counted(len(report.problems), "problem") if report.problems else "no problem"
        click.echo(f"{said}: {found}.{rest}")
    if report.problems:
        raise SystemExit(1)


def _show_calibration(
    wanted: Mapping[str, Extraction],
    found: Mapping[str, Extraction],
    given: bool,
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    from kg.extract.calibration import calibration_error, claims, reliability

    rows: list[tuple[object, ...]] = []
    for kind, made in claims(wanted, found).items():
        if given and kind == "mentions":
            continue  # they were not found, but given
        bins = reliability(made)
        rows += [(kind, b.low, b.high, b.number, round(b.stated, 3), round(b.right, 3), None) for b in bins]
        if made:
            stated = round(sum(claim.score for claim in made) / len(made), 3)
            right = round(sum(claim.right for claim in made) / len(made), 3)
            rows.append((kind, 0.0, 1.0, len(made), stated, right, round(calibration_error(bins), 4)))
    columns = ("what", "from", "to", "number", "confidence", "right", "calibration_error")
    show_rows(columns, rows, as_json=as_json, as_csv=as_csv)


def _show_thresholds(
    wanted: Mapping[str, Extraction],
    found: Mapping[str, Extraction],
    given: bool,
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    from kg.extract.calibration import thresholds

    rows = [  # of what is left; without any, there is no precision
        (kind, level, left, s.precision if left else None, s.recall, s.f1)
        for kind, level, left, s in thresholds(wanted, found)
        if not (given and kind == "mentions")
    ]
    show_rows(("what", "min_confidence", "left", "precision", "recall", "f1"), rows, as_json=as_json, as_csv=as_csv)


def _show_resolution(
    texts: Mapping[str, Paper],
    wanted: Mapping[str, Extraction],
    pred: str | None,
    folds: int | None,
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    from kg.extract.annotations import read_extractions
    from kg.resolve import Resolver, load_vocabulary
    from kg.resolve import evaluate as resolving

    if folds:
        figures = resolving.cross_validated(texts, list(wanted.values()), folds=folds)
    else:
        made = None if pred is None else list(read_extractions(pred, texts))
        figures = resolving.measure(texts, list(wanted.values()), Resolver(load_vocabulary()), found=made)
    percent = [(line, *(round(100 * x, 1) for x in values[:3]), values[3]) for line, values in figures.items()]
    show_rows(("what", "precision", "recall", "f1", "number"), percent, as_json=as_json, as_csv=as_csv)
