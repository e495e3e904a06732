"""Questions to begin with, which any graph can answer: what the pages offer beside the editor.

>>> SPARQL[0].title, CYPHER[0].title
('The methods that most papers name', 'The methods that most papers name')
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A question in words, and the query that answers it."""

    title: str
    query: str


SPARQL = (
    Example(
        "The methods that most papers name",
        """SELECT ?method ?name ?papers {
  ?method a kg:Method ; skos:prefLabel ?name ; kg:papers ?papers .
}
ORDER BY DESC(?papers) ?name
LIMIT 25""",
    ),
    Example(
        "Which datasets serve which task",
        """SELECT ?task ?dataset (COUNT(DISTINCT ?paper) AS ?papers) {
  ?paper kg:addresses ?task ; kg:evaluates_on ?dataset .
}
GROUP BY ?task ?dataset
ORDER BY DESC(?papers) ?task ?dataset
LIMIT 50""",
    ),
    Example(
        "What is said to outperform what, with the sentence",
        """SELECT ?better ?worse ?confidence ?sentence ?paper {
  ?statement rdf:subject ?better ; rdf:predicate kg:outperforms ; rdf:object ?worse ;
             kg:negated false ; kg:confidence ?confidence ; kg:evidence ?evidence .
  ?evidence kg:sentence ?sentence ; oa:hasSource ?paper .
}
ORDER BY DESC(?confidence) ?better ?worse
LIMIT 50""",
    ),
    Example(
        "Methods that are used together",
        """SELECT ?one ?other (COUNT(DISTINCT ?paper) AS ?papers) {
  ?paper kg:uses ?one, ?other .
  ?one a kg:Method . ?other a kg:Method .
  FILTER(STR(?one) < STR(?other))
}
GROUP BY ?one ?other
ORDER BY DESC(?papers) ?one ?other
LIMIT 50""",
    ),
    Example(
        "What papers introduce, newest first",
        """SELECT ?paper ?title ?year ?introduced {
  ?paper kg:introduces ?introduced ; dcterms:title ?title .
  OPTIONAL { ?paper schema:datePublished ?year }
}
ORDER BY DESC(?year) ?title
LIMIT 50""",
    ),
    Example(
        "Everything said of one statement's evidence, as a graph",
        """CONSTRUCT { ?statement ?p ?o . ?evidence ?q ?r }
{
  { SELECT ?statement { ?statement a kg:Statement } ORDER BY ?statement LIMIT 1 }
  ?statement ?p ?o ; kg:evidence ?evidence .
  ?evidence ?q ?r .
}""",
    ),
)

CYPHER = (
    Example(
        "The methods that most papers name",
        """MATCH (m:Method)
RETURN m.id AS method, m.name AS name, m.papers AS papers
ORDER BY papers DESC, name
LIMIT 25""",
    ),
    Example(
        "Which datasets serve which task",
        """MATCH (t:Task)<-[:ADDRESSES]-(p:Paper)-[:EVALUATES_ON]->(d:Dataset)
RETURN t.id AS task, d.id AS dataset, count(DISTINCT p) AS papers
ORDER BY papers DESC, task, dataset
LIMIT 50""",
    ),
    Example(
        "What is said to outperform what, with the sentence",
        """MATCH (a:Method)-[r:OUTPERFORMS]->(b:Method)
RETURN a.id AS better, b.id AS worse, r.confidence AS confidence, r.sentence AS sentence, r.paper AS paper
ORDER BY confidence DESC, better, worse
LIMIT 50""",
    ),
    Example(
        "What is two steps from the method that most papers name",
        """MATCH (m:Method) WITH m ORDER BY m.papers DESC, m.id LIMIT 1
MATCH (m)-[:USED_FOR|PART_OF|BASED_ON|SUBTYPE_OF|EVALUATED_ON*1..2]-(n)
RETURN DISTINCT m.id AS method, n.id AS node, n.name AS name
ORDER BY node
LIMIT 50""",
    ),
)
