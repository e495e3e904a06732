#!/bin/sh
# What `make demo` shows: builds the graph of the example page into exports/demo, exports it, and asks it two questions.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
graph=exports/demo

show() {  # print a command as one would type it, then run it
    printf '\n$ kg'
    for word in "$@"; do
        case $word in
            *[!A-Za-z0-9_./:=-]*) printf " '%s'" "$word" ;;
            *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    kg "$@"
}

show build kg/data/trending-papers.txt -o $graph
show stats $graph
for suffix in ttl jsonld graphml; do
    show export $graph $graph/graph.$suffix
done
show draw $graph $graph/graph.html

printf '\nWhich datasets do the papers evaluate on most? In Cypher:\n'
show query $graph 'MATCH (p:Paper)-[:EVALUATES_ON]->(d:Dataset)
  RETURN d.name AS dataset, count(p) AS papers ORDER BY papers DESC, dataset LIMIT 5'

printf '\nWhich methods are said to outperform another, and in which words? In SPARQL:\n'
show sparql $graph 'SELECT ?better ?worse ?sentence WHERE {
  ?statement a kg:Statement ; rdf:predicate kg:outperforms ; rdf:subject ?b ; rdf:object ?w ;
             kg:confidence ?confidence ; kg:evidence/kg:sentence ?sentence .
  ?b skos:prefLabel ?better . ?w skos:prefLabel ?worse .
} ORDER BY DESC(?confidence) ?better ?worse LIMIT 3'

cat <<END

Where to look next
  $graph/graph.html                        the picture: open it in a browser, it needs no network
  $graph/graph.ttl                         the same graph as Turtle
  .venv/bin/kg find $graph attention       what is in it
  .venv/bin/kg explain $graph Transformer  one thing, with the sentences behind each statement
  .venv/bin/kg --help                      all commands; docs/ has a page for each thing to do
END
