"""The fuzzy resolver of neo4j-graphrag, run as its package runs it: `PYTHON bench_graphrag.py ADDRESS PASSWORD`.

A program of its own, because it runs in an environment of its own, with neo4j-graphrag and rapidfuzz. Reads JSON from
standard input: entities with `place`, `label`, `name`, or a line `null` to end. Each becomes a node, as its pipeline
writes them; the answer says for each place the node that it is now, and what that cost.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time

from neo4j import GraphDatabase
from neo4j_graphrag.components.resolver import FuzzyMatchResolver

WRITE = """UNWIND $rows AS row
CALL apoc.create.node(['__Entity__', '__KGBuilder__', row.label], {name: row.name}) YIELD node
CREATE (:Place {place: row.place})-[:IS]->(node)"""


def main() -> None:
    address, password = sys.argv[1:]
    with GraphDatabase.driver(address, auth=("neo4j", password)) as driver:
        for line in sys.stdin:
            rows = json.loads(line)
            driver.execute_query("MATCH (n) DETACH DELETE n")
            driver.execute_query(WRITE, {"rows": rows})
            began = time.process_time()
            asyncio.run(FuzzyMatchResolver(driver).run())
            seconds = time.process_time() - began
            found, _, _ = driver.execute_query("MATCH (p:Place)-[:IS]->(n) RETURN p.place, elementId(n)")
            answer = {
                "clusters": dict(map(tuple, found)),
                "seconds": seconds,
                "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
