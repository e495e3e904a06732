"""The vocabulary that ships with kg, and files of one's own."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from kg import ontology
from kg.model import ENTITY_TYPES, OntologyError
from kg.rdf import rdflib_graph
from kg.resolve import Vocabulary, load_vocabulary
from kg.resolve.forms import key
from kg.resolve.generic import is_generic
from kg.resolve.vocabulary import RDF_SUFFIXES, Concept, read_concepts, write_skos


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary()


@pytest.fixture(scope="module")
def shipped(vocabulary: Vocabulary) -> list[Concept]:
    return list(vocabulary.concepts.values())


def test_every_concept_has_an_id_of_its_type_and_name(shipped: list[Concept]) -> None:
    assert shipped == list(read_concepts(ontology.path("vocabulary.ttl")))
    assert len(shipped) >= 10_000
    assert {concept.type for concept in shipped} == set(ENTITY_TYPES)
    assert len({concept.id for concept in shipped}) == len(shipped)
    for concept in shipped:
        assert ontology.type_of(concept.id) == concept.type
        assert concept.id == ontology.entity_id(concept.type, concept.name)


def test_no_label_leads_to_two_concepts_of_a_type(shipped: list[Concept]) -> None:
    owners = Counter(
        {
            (concept.type, label, concept.id)
            for concept in shipped
            for label in map(key, (concept.name, *concept.aliases))
        }
    )
    twice = [label for label, count in Counter((t, label) for t, label, _ in owners).items() if count > 1]
    assert twice == []


def test_no_label_is_generic(shipped: list[Concept]) -> None:
    assert [c.id for c in shipped if is_generic(c.name, c.type)] == []
    assert [(c.id, a) for c in shipped for a in c.aliases if is_generic(a, c.type)] == []


def test_broader_is_known_of_the_same_type_and_acyclic(shipped: list[Concept], vocabulary: Vocabulary) -> None:
    by_id = {concept.id: concept for concept in shipped}
    for concept in shipped:
        for above in concept.broader:
            assert by_id[above].type == concept.type
    assert [concept.id for concept in shipped if concept.id in set(vocabulary.ancestors(concept.id))] == []
    assert sum(bool(concept.broader) for concept in shipped) >= 5_000


def test_definitions_and_introducing_papers(shipped: list[Concept]) -> None:
    """Definitions are short; a year before the paper on arXiv means that it was put there later."""
    defined = [concept for concept in shipped if concept.definition]
    assert len(defined) >= 500
    assert [c.id for c in defined if not (10 <= len(c.definition) <= 120 and c.definition.endswith("."))] == []
    assert [c.id for c in shipped if c.year is not None and not 1900 <= c.year <= 2026] == []
    introduced = [concept for concept in shipped if concept.introduced_by]
    assert len(introduced) >= 1_000
    for concept in introduced:
        found = re.fullmatch(r"arXiv:(\d\d)(0[1-9]|1[0-2])\.(\d{4,5})", concept.introduced_by)
        assert found, concept.id
        assert len(found[3]) == (5 if found[1] >= "15" else 4), concept.id
        assert concept.year is not None, concept.id
        assert concept.year <= 2000 + int(found[1]), concept.id


@pytest.mark.parametrize(
    ("entity_type", "name", "paper"),
    [
        ("Method", "Transformer", "arXiv:1706.03762"),
        ("Method", "BERT", "arXiv:1810.04805"),
        ("Method", "ResNet", "arXiv:1512.03385"),
        ("Method", "GAN", "arXiv:1406.2661"),
        ("Method", "soft actor-critic", "arXiv:1801.01290"),
        ("Method", "node2vec", "arXiv:1607.00653"),
        ("Method", "integrated gradients", "arXiv:1703.01365"),
        ("Method", "GPTQ", "arXiv:2210.17323"),
        ("Method", "Tacotron 2", "arXiv:1712.05884"),
        ("Method", "SPLADE", "arXiv:2107.05720"),
        ("Metric", "BERTScore", "arXiv:1904.09675"),
        ("Dataset", "GSM8K", "arXiv:2110.14168"),
        ("Concept", "neural tangent kernel", "arXiv:1806.07572"),
        ("Task", "panoptic segmentation", "arXiv:1801.00868"),
    ],
)
def test_classics_of_each_field(vocabulary: Vocabulary, entity_type: str, name: str, paper: str) -> None:
    identifier = vocabulary.find(entity_type, name)
    assert identifier is not None
    assert vocabulary.concepts[identifier].introduced_by == paper


SHAPES = """
@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix dcterms: <http://purl.org/dc/terms/> . @prefix s: <https://example.org/> .
s:label a sh:PropertyShape ; sh:targetClass skos:Concept ; sh:path skos:prefLabel ; sh:minCount 1 ; sh:maxCount 1 ;
  sh:datatype rdf:langString ; sh:disjoint skos:altLabel .
s:other a sh:PropertyShape ; sh:targetClass skos:Concept ; sh:path skos:altLabel ; sh:datatype rdf:langString .
s:definition a sh:PropertyShape ; sh:targetClass skos:Concept ; sh:path skos:definition ; sh:maxCount 1 .
s:broader a sh:PropertyShape ; sh:targetClass skos:Concept ; sh:path skos:broader ; sh:class skos:Concept .
s:scheme a sh:PropertyShape ; sh:targetClass skos:Concept ; sh:path skos:inScheme ; sh:minCount 1 ;
  sh:class skos:ConceptScheme .
s:created a sh:PropertyShape ; sh:targetClass skos:Concept ; sh:path dcterms:created ; sh:maxCount 1 ;
  sh:datatype xsd:gYear .
s:type a sh:PropertyShape ; sh:targetClass skos:Concept ; sh:path rdf:type ; sh:minCount 2 ; sh:maxCount 2 .
"""


def test_the_shipped_file_is_valid_skos() -> None:
    import pyoxigraph as ox
    import pyshacl
    import rdflib

    quads = ox.parse(path=str(ontology.path("vocabulary.ttl")))
    whole = rdflib_graph(ox.Triple(quad.subject, quad.predicate, quad.object) for quad in quads)
    shapes = rdflib.Graph().parse(data=SHAPES, format="turtle")
    conforms, _, report = pyshacl.validate(whole, shacl_graph=shapes, inplace=True)
    assert conforms, report[:2000]
    broken = rdflib.Graph().parse(
        data="""@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
        <https://x.org/a> a skos:Concept ; skos:prefLabel "A"@en ; skos:altLabel "A"@en ;
          skos:broader <https://x.org/b> ."""
    )
    assert not pyshacl.validate(broken, shacl_graph=shapes, inplace=True)[0]


def test_the_file_is_sorted_and_written_as_it_is_read(shipped: list[Concept], tmp_path: Path) -> None:
    write_skos(reversed(shipped), tmp_path / "again.ttl")
    assert (tmp_path / "again.ttl").read_bytes() == ontology.path("vocabulary.ttl").read_bytes()


def test_the_shipped_file_is_skos_that_rdflib_reads(tmp_path: Path, vocabulary: Vocabulary) -> None:
    import rdflib
    from rdflib.namespace import RDF, SKOS

    few = [c for c in vocabulary.concepts.values() if "transformer" in c.id][:50]
    write_skos(few, tmp_path / "few.ttl")
    graph = rdflib.Graph().parse(tmp_path / "few.ttl")
    assert len(set(graph.subjects(RDF.type, SKOS.Concept))) == len(few)
    assert {str(name) for name in graph.objects(None, SKOS.prefLabel)} == {concept.name for concept in few}


@pytest.mark.parametrize(
    ("entity_type", "name", "identifier"),
    [
        ("Method", "LSTMs", "method:long-short-term-memory"),
        ("Method", "CNN", "method:convolutional-neural-network"),
        ("Dataset", "MS-MARCO", "dataset:ms-marco"),
        ("Task", "nlp", "task:natural-language-processing"),
        ("Metric", "F1", "metric:f1-score"),
        ("Method", "large language models", "method:large-language-model"),
        ("Method", "language models", "method:language-model"),
        ("Task", "CNN", None),
    ],
)
def test_find(vocabulary: Vocabulary, entity_type: str, name: str, identifier: str | None) -> None:
    assert vocabulary.find(entity_type, name) == identifier


def test_own_files_come_after_and_win(tmp_path: Path, vocabulary: Vocabulary) -> None:
    (tmp_path / "a.csv").write_text(
        "id,name,type,aliases,broader\n,Tiny Net,Method,TN|small net,method:neural-network\n", "utf-8"
    )
    (tmp_path / "b.jsonl").write_text(
        json.dumps({"name": "Other Net", "type": "Method", "aliases": ["TN", "LSTM"]}) + "\n", "utf-8"
    )
    mine = load_vocabulary([tmp_path / "a.csv", tmp_path / "b.jsonl"])
    assert mine.find("Method", "small nets") == "method:tiny-net"
    assert mine.concepts["method:tiny-net"].broader == ("method:neural-network",)
    assert mine.find("Method", "TN") == "method:other-net"
    assert mine.find("Method", "LSTM") == "method:other-net"
    assert mine.find("Method", "Long Short-Term Memory") == "method:long-short-term-memory"
    assert mine.hash != vocabulary.hash


@pytest.mark.parametrize("suffix", RDF_SUFFIXES)
def test_skos_of_others(tmp_path: Path, suffix: str) -> None:
    import rdflib

    formats = {".jsonld": "json-ld", ".n3": "n3", ".nt": "nt", ".owl": "xml", ".rdf": "xml", ".xml": "xml"}
    turtle = """@prefix skos: <http://www.w3.org/2004/02/skos/core#> . @prefix kg: <https://kg.example.org/ontology#> .
    <https://example.org/42> a skos:Concept, kg:Task ; skos:prefLabel "Weather Talk"@en, "Wettergespräch"@de ;
      skos:altLabel "small talk"@en ; skos:broader <https://kg.example.org/task/dialogue-system> ."""
    whole = rdflib.Graph().parse(data=turtle, format="turtle")
    if suffix == ".nq":  # N-Triples are N-Quads, and Turtle is TriG
        (tmp_path / "x.nq").write_text(whole.serialize(format="nt"), "utf-8")
    else:
        whole.serialize(tmp_path / f"x{suffix}", format=formats.get(suffix, "turtle"), encoding="utf-8")
    [concept] = read_concepts(tmp_path / f"x{suffix}")
    assert (concept.id, concept.name, concept.aliases) == ("task:weather-talk", "Weather Talk", ("small talk",))
    assert concept.same_as == ("https://example.org/42",)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.csv", "id,name,type\n,X,Thing\n", "a.csv:2: a concept needs a name and a type"),
        ("a.csv", "id,name,type\ntask:x,X,Method\n", "does not fit the type Method"),
        ("a.jsonl", "{}\nnope\n", "a.jsonl:1: a concept needs a name"),
        ("a.jsonl", "nope\n", "a.jsonl:1: no JSON"),
        ("a.ttl", "nope", "a.ttl: "),
        ("a.xyz", "", "unknown kind of vocabulary '.xyz'"),
        ("a.csv", "", "needs the columns name and type, separated by commas; it is empty"),
        ("a.csv", "name;type\nX;Method\n", "it has name;type"),
        ("a.csv", "name,type\nÄ,Method\n".encode("latin-1"), "a.csv: is not UTF-8"),
        ("a.jsonl", b"\xff", "a.jsonl: is not UTF-8"),
        ("a.jsonl", "[" * 100_000, "a.jsonl:1: no JSON"),
        ("a.jsonl", '{"name": "X", "type": "Method", "aliases": [1]}', "a.jsonl:1: aliases should be text, or a list"),
        ("a.jsonl", '{"name": "X", "type": "Method", "id": "method:a b"}', "it should begin with method: and have no"),
        ("a.jsonl", '{"name": "X", "type": "Method", "broader": "task:x"}', "the broader id 'task:x' does not fit"),
        ("a.nt", "", "a.nt: holds no concept"),
        (
            "a.nt",
            '<https://x.org/1> <http://www.w3.org/2004/02/skos/core#prefLabel> "X" .',
            "none of its 1 concepts has a type of kg",
        ),
    ],
)
def test_what_is_no_vocabulary_is_refused(tmp_path: Path, name: str, content: str | bytes, complaint: str) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(OntologyError, match=complaint.replace(".", r"\.")):
        list(read_concepts(tmp_path / name))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(OntologyError, match="nowhere"):
        load_vocabulary(["/nowhere.csv"])


def test_names_come_before_aliases() -> None:
    one = Concept(id="method:a", type="Method", name="Alpha Net", aliases=("Beta Net",))
    two = Concept(id="method:b", type="Method", name="Beta Net")
    for order in ([one, two], [two, one]):
        assert Vocabulary.of(order).find("Method", "beta nets") == "method:b"
