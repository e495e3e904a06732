"""The picture: what is chosen, where it stands, and what a person sees and does in a browser without a network."""

from __future__ import annotations

import base64
import io
import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import networkx as nx
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import ontology
from kg.cli import main
from kg.directory import State, save
from kg.draw import choose, draw, page
from kg.graph import Graph
from kg.layout import arrange
from kg.model import Entity, EntityMention, Evidence, KGError, Paper, Statement
from tests.small_graph import WEIRD_NAME, small_graph

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

HOSTILE = (
    "</script><script>window.hacked=1</script>",
    '<img src=x onerror="window.hacked=1">',
    "{{ 7*7 }} {% raw %} &lt;b&gt; \" ' ` ${window.hacked=1}",
    "\u202egnorw \u2067 עברית \u2028\u2029 🤖👩‍🔬",
    "javascript:window.hacked=1",
)


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The small graph, with a mention for each place where a paper writes the name of a node."""
    plain = small_graph()
    mentions = [
        EntityMention(
            paper=paper.id,
            extracted="e1",
            entity=entity.id,
            type=entity.type,
            start=match.start(),
            end=match.end(),
            text=match.group(),
        )
        for paper in plain.papers
        for entity in plain.entities
        for match in re.finditer(rf"\b{re.escape(entity.name)}\b", paper.text, re.IGNORECASE)
    ]
    return replace(plain, mentions=tuple(mentions))


def hostile_graph() -> Graph:
    """Names, titles, authors and links that try to be markup, code or a protocol."""
    entities, papers, statements = [], [], []
    for number, text in enumerate(HOSTILE):
        paper = Paper(
            id=f'paper:{number}"><b>',
            title=f"{text} beats GLUE",
            url=f"javascript:window.hacked=1//{number}",
            authors=(text,),
            venue=text,
        )
        papers.append(paper)
        entities.append(Entity(id=f"method:h{number}", type="Method", name=text, aliases=(text + "!",), papers=1))
        said = Evidence(paper=paper.id, start=0, end=len(text), score=0.5 + number / 10, extractor="<i>")
        for subject, predicate, obj in (
            (f"method:h{number}", "evaluated_on", "dataset:glue"),
            (paper.id, "introduces", f"method:h{number}"),
        ):
            statements.append(Statement(subject=subject, predicate=predicate, object=obj, evidence=(said,)))
    entities.append(Entity(id="dataset:glue", type="Dataset", name="GLUE", papers=len(HOSTILE)))
    return Graph(
        papers=tuple(papers),
        entities=tuple(sorted(entities, key=lambda entity: entity.id)),
        statements=tuple(sorted(statements, key=lambda statement: statement.key)),
    )


def invented_graph() -> Graph:
    """240 entities with names of one to four words and a few hubs, for the look without annotated data."""
    chance = random.Random(7)
    words = (
        "deep graph neural sparse token image text model network search transfer margin vision kernel policy".split()
    )
    kinds = ("Method", "Method", "Task", "Dataset", "Metric", "Concept")
    entities = {}
    for number in range(240):
        kind = kinds[number % len(kinds)]
        name = " ".join(chance.sample(words, chance.randint(1, 4))).title() + f" {number}"
        entity = Entity(id=f"{kind.lower()}:n{number}", type=kind, name=name, papers=1 + 60 // (number + 1))
        entities[entity.id] = entity
    paper = Paper(id="paper:1", title="Everything about everything", abstract="It is so.")
    said = Evidence(paper=paper.id, start=0, end=10, score=0.9, extractor="invented")
    by_number = list(entities.values())
    statements = {}
    for _ in range(420):
        head, tail = by_number[int(240 * chance.random() ** 2)], by_number[int(240 * chance.random() ** 2)]
        for predicate in ontology.load().relations(head.type, tail.type)[:1]:
            if head != tail:
                one = Statement(subject=head.id, predicate=predicate, object=tail.id, evidence=(said,))
                statements[one.key] = one
    return Graph(
        papers=(paper,),
        entities=tuple(entities[key] for key in sorted(entities)),
        statements=tuple(statements[key] for key in sorted(statements)),
    )


def embedded(html: str) -> dict[str, Any]:
    """What the page says about its nodes and edges."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found.group(1))


# ---- what is chosen ------------------------------------------------------------------------------------------------


def test_the_best_supported_relations_come_first(graph: Graph) -> None:
    assert choose(graph, limit=2).nodes == ("method:bert", "dataset:squad")
    everything = choose(graph)
    assert not {"concept:weird", "paper:bert"} & set(everything.nodes), "an entity without relations, and papers"
    assert len(everything.nodes) == len(graph.entities) - 1
    assert {s.key for s in everything.statements} == {
        s.key for s in graph.statements if not s.subject.startswith("paper:")
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 8, 100])
@pytest.mark.parametrize("papers", [False, True])
@pytest.mark.parametrize("around", [None, "method:bert", "paper:tiny", "concept:weird"])
def test_never_more_nodes_than_the_limit(graph: Graph, limit: int, papers: bool, around: str | None) -> None:
    picture = choose(graph, limit=limit, papers=papers, around=around, depth=3)
    assert len(picture.nodes) == len(set(picture.nodes)) <= limit
    assert all({s.subject, s.object} <= set(picture.nodes) for s in picture.statements)
    if around is not None:
        assert picture.nodes[0] == around


def test_around_a_node_is_its_neighbourhood(graph: Graph) -> None:
    near = choose(graph, around="method:tinybert", depth=1)
    assert set(near.nodes) == {"method:tinybert", "method:distilbert", "task:question-answering"}
    assert choose(graph, around="method:tinybert", depth=0).nodes == ("method:tinybert",)
    everything = nx.Graph((s.subject, s.object) for s in choose(graph).statements)
    for depth in (1, 2, 3):
        expected = nx.single_source_shortest_path_length(everything, "method:tinybert", cutoff=depth)
        assert set(choose(graph, around="method:tinybert", depth=depth).nodes) == set(expected)


def test_around_a_paper_or_an_unrelated_entity_shows_papers(graph: Graph) -> None:
    assert set(choose(graph, around="paper:look").nodes) == {
        "paper:look",
        "method:roberta",
        "method:bert",
        "concept:forgetting",
    }
    assert set(choose(graph, around="concept:weird").nodes) == {"concept:weird", "paper:weird"}


def test_papers_are_drawn_when_there_are_no_relations(graph: Graph) -> None:
    roles_only = replace(graph, statements=tuple(s for s in graph.statements if s.subject.startswith("paper:")))
    picture = choose(roles_only)
    assert any(node.startswith("paper:") for node in picture.nodes)
    assert picture.statements


def test_min_confidence_leaves_unsure_statements_out(graph: Graph) -> None:
    assert min(s.confidence for s in choose(graph).statements) < 0.75
    sure = choose(graph, min_confidence=0.75)
    assert sure.statements
    assert min(s.confidence for s in sure.statements) >= 0.75
    with pytest.raises(KGError, match="no statement of this graph is as sure as 1: give a lower --min-confidence"):
        choose(graph, min_confidence=1)


def test_an_unknown_node_and_another_suffix_are_refused(graph: Graph, tmp_path: Path) -> None:
    with pytest.raises(KGError, match="method:nothing"):
        choose(graph, around="method:nothing")
    with pytest.raises(KGError, match=r"\.html"):
        draw(graph, tmp_path / "picture.png")
    (tmp_path / "file").touch()
    with pytest.raises(KGError, match="cannot be written"):
        draw(graph, tmp_path / "file" / "picture.html")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# ---- where it stands -----------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(
    edges=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=80),
    width=st.floats(10, 160),
    height=st.floats(10, 60),
)
def test_no_two_boxes_overlap_much(edges: list[tuple[int, int]], width: float, height: float) -> None:
    net: nx.Graph[str] = nx.Graph()
    net.add_edges_from((str(a), str(b)) for a, b in edges if a != b)
    net.add_nodes_from(["alone", "too"])
    places = arrange(net, dict.fromkeys(net, (width, height)))
    assert places.keys() == set(net)
    spots = sorted(places.values())
    for number, (x, y) in enumerate(spots):
        for other_x, other_y in spots[number + 1 :]:
            assert abs(x - other_x) > 0.8 * width or abs(y - other_y) > 0.8 * height


def test_dots_do_not_touch_and_the_picture_is_wide(large_graph: Graph) -> None:
    nodes = embedded(page(large_graph, choose(large_graph)))["network"]["nodes"]
    assert len(nodes) == 150
    for number, one in enumerate(nodes):
        for other in nodes[number + 1 :]:
            assert ((one["x"] - other["x"]) ** 2 + (one["y"] - other["y"]) ** 2) ** 0.5 > one["size"] + other["size"]
    xs, ys = [node["x"] for node in nodes], [node["y"] for node in nodes]
    assert 1.0 < (max(xs) - min(xs)) / (max(ys) - min(ys)) < 2.0


def test_the_same_graph_gives_the_same_bytes(graph: Graph, tmp_path: Path) -> None:
    shuffled = replace(
        graph, papers=graph.papers[::-1], entities=graph.entities[::-1], statements=graph.statements[::-1]
    )
    for name, which in (("a.html", graph), ("b.html", graph), ("c.html", shuffled)):
        draw(which, tmp_path / name)
    assert (
        (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes() == (tmp_path / "c.html").read_bytes()
    )


def test_the_page_is_complete_and_keeps_the_licence(graph: Graph) -> None:
    html = page(graph, choose(graph))
    assert "vis.js is dual licensed under both" in html
    assert "Almende B.V" in html
    assert not re.search(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=", html)
    assert "url(" not in html.replace("data:", "")[: html.index("</style>")]


def test_negated_and_hedged_edges_look_different(graph: Graph) -> None:
    data = embedded(page(graph, choose(graph)))
    look = {edge["id"]: edge for edge in data["network"]["edges"]}
    for edge in data["edges"]:
        dashes = look[edge["id"]].get("dashes")
        assert dashes == ([7, 5] if edge["negated"] else [2, 4] if edge["hedged"] else None)
    assert {(edge["negated"], edge["hedged"]) for edge in data["edges"]} == {
        (False, False),
        (True, False),
        (False, True),
    }


# ---- in the browser ------------------------------------------------------------------------------------------------


def opened(browser: Chrome, path: Path, *, width: int = 1280, height: int = 800) -> list[str]:
    """Open the page in a window of this size; the addresses that it asked for, without the page's own."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
    )
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(path.as_uri())
    assert browser.execute_script("return document.documentElement.dataset.ready") == "true", browser.get_log("browser")
    asked = requests(browser)
    assert asked.pop(0) == path.as_uri(), "the log shows at least the page itself, so that it would show others"
    return asked


def requests(browser: Chrome) -> list[str]:
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def still(browser: Chrome) -> None:
    """Wait until a movement is over: the view is the same in two looks a tenth of a second apart."""
    browser.set_script_timeout(10)
    browser.execute_async_script("""
        const done = arguments[0];
        let last = "";
        (function look() {
          const now = JSON.stringify([kg.network.getScale(), kg.network.getViewPosition()]);
          if (now === last) return done();
          last = now;
          setTimeout(look, 100);
        })();""")


def point_at(browser: Chrome, script: str, *, click: bool) -> None:
    """Move the mouse to the canvas point that `script` gives in the network's coordinates, and click there or not."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.support.ui import WebDriverWait

    still(browser)
    x, y = browser.execute_script(f"""
        const point = kg.network.canvasToDOM((() => {{ {script} }})());
        const box = document.getElementById("network").getBoundingClientRect();
        return [Math.round(point.x + box.left), Math.round(point.y + box.top)];""")
    actions = ActionChains(browser)
    actions.w3c_actions.pointer_action.move_to_location(x - 3, y)
    actions.w3c_actions.pointer_action.move_to_location(x, y)
    if click:
        actions.w3c_actions.pointer_action.click()
    actions.perform()
    # vis-network waits a moment to tell a click from a double click.
    wanted = "kg.state.node || kg.state.edge" if click else "kg.state.hoverNode || kg.state.hoverEdge"
    WebDriverWait(browser, 5).until(lambda driver: driver.execute_script(f"return {wanted}"))


# Half-way along the straight line from TinyBERT to DistilBERT.
ON_THE_EDGE = """const a = kg.network.getPosition("method:tinybert"), b = kg.network.getPosition("method:distilbert");
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };"""


@pytest.fixture(scope="module")
def small_page(graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "small graph.html"
    draw(graph, path, title="A small graph")
    return path


@pytest.fixture(scope="module", params=["invented", "gold"])
def large_graph(request: pytest.FixtureRequest) -> Graph:
    """A graph of which a picture shows a part only: an invented one, and that of the annotated papers."""
    return invented_graph() if request.param == "invented" else request.getfixturevalue("gold_graph")


@pytest.fixture(scope="module")
def large_page(large_graph: Graph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.html"
    draw(large_graph, path)
    return path


def test_opening_and_using_the_page_asks_for_nothing_and_logs_nothing(browser: Chrome, small_page: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    assert opened(browser, small_page) == []
    browser.find_element(By.ID, "search").send_keys("bert", Keys.ENTER)
    browser.find_element(By.CSS_SELECTOR, "#details .statement").click()
    for box in browser.find_elements(By.CSS_SELECTOR, "#types input"):
        box.click()
    browser.find_element(By.ID, "fit").click()
    still(browser)
    assert requests(browser) == []
    assert browser.get_log("browser") == []


def test_search_finds_and_focuses_a_node(browser: Chrome, small_page: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    opened(browser, small_page)
    browser.find_element(By.TAG_NAME, "body").send_keys("/")
    search = browser.switch_to.active_element
    assert search.get_attribute("id") == "search"
    search.send_keys("stanford")  # an alias
    assert [hit.text for hit in browser.find_elements(By.CSS_SELECTOR, "#found li")] == ["SQuAD"]
    search.send_keys(Keys.ENTER)
    still(browser)
    assert browser.execute_script("return kg.state.node") == "dataset:squad"
    assert browser.find_element(By.CSS_SELECTOR, "#details h3").text == "SQuAD"
    spot = browser.execute_script('return kg.network.canvasToDOM(kg.network.getPosition("dataset:squad"))')
    assert 0 < spot["x"] < 936
    assert 0 < spot["y"] < 800
    search.clear()
    search.send_keys("bert")
    names = [hit.text for hit in browser.find_elements(By.CSS_SELECTOR, "#found li")]
    assert names == ["BERT", "RoBERTa", "DistilBERT", "TinyBERT"]
    search.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    assert browser.execute_script("return kg.state.node") == "method:distilbert"
    search.clear()
    search.send_keys("zebra")
    assert "No such name" in browser.find_element(By.ID, "found").text
    search.send_keys(Keys.ESCAPE)
    assert browser.execute_script("return kg.state.node") is None


def test_a_type_can_be_hidden(browser: Chrome, small_page: Path) -> None:
    from selenium.webdriver.common.by import By

    opened(browser, small_page)
    labels = [label.text.split("\n") for label in browser.find_elements(By.CSS_SELECTOR, "#types label")]
    assert [words[0] for words in labels] == ["Method", "Task", "Dataset", "Metric", "Concept"]
    before = set(browser.execute_script("return [...kg.state.shownNodes]"))
    browser.find_element(By.CSS_SELECTOR, '#types input[value="Dataset"]').click()
    after = set(browser.execute_script("return [...kg.state.shownNodes]"))
    assert before - after == {"dataset:squad"}
    hidden = "return kg.network.body.data.nodes.get('dataset:squad').hidden"
    assert browser.execute_script(hidden) is True
    assert "10 nodes" in browser.find_element(By.ID, "status").text
    browser.find_element(By.CSS_SELECTOR, '#types input[value="Dataset"]').click()
    assert browser.execute_script(hidden) is False
    assert set(browser.execute_script("return [...kg.state.shownNodes]")) == before


def test_the_confidence_slider_hides_edges(browser: Chrome, graph: Graph, small_page: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    opened(browser, small_page)
    picture = choose(graph)
    slider = browser.find_element(By.ID, "confidence")
    assert float(slider.get_attribute("min") or 0) <= min(s.confidence for s in picture.statements)
    for _ in range(40):
        slider.send_keys(Keys.ARROW_RIGHT)
    level = float(browser.find_element(By.ID, "chosen").text)
    assert 0.7 < level < 0.95
    shown = set(browser.execute_script("return [...kg.state.shownEdges]"))
    assert shown == {s.id for s in picture.statements if s.confidence >= level}
    assert 0 < len(shown) < len(picture.statements)
    hidden = browser.execute_script("return kg.network.body.data.edges.get({filter: e => e.hidden}).map(e => e.id)")
    assert set(hidden) == {s.id for s in picture.statements} - shown


def test_clicking_a_node_lights_its_neighbours_and_tells_of_it(browser: Chrome, small_page: Path) -> None:
    from selenium.webdriver.common.by import By

    opened(browser, small_page)
    point_at(browser, 'return kg.network.getPosition("method:tinybert")', click=True)
    assert browser.execute_script("return kg.state.node") == "method:tinybert"
    assert set(browser.execute_script("return [...kg.state.near]")) == {
        "method:tinybert",
        "method:distilbert",
        "task:question-answering",
    }
    pale = browser.execute_script("return kg.network.body.data.nodes.get({filter: n => n.opacity < .3}).map(n => n.id)")
    assert "method:roberta" in pale
    assert "method:distilbert" not in pale
    text = browser.find_element(By.ID, "details").text
    for words in ("TinyBERT", "Method", "named in 1 paper", "based on …", "DistilBERT", "TinyBERT from DistilBERT"):
        assert words in text


def test_clicking_an_edge_shows_the_sentence_with_both_names(browser: Chrome, small_page: Path) -> None:
    from selenium.webdriver.common.by import By

    opened(browser, small_page)
    point_at(browser, ON_THE_EDGE, click=True)
    panel = browser.find_element(By.ID, "details")
    assert "TinyBERT is based on DistilBERT." in panel.find_element(By.TAG_NAME, "blockquote").text
    assert "TinyBERT from DistilBERT" in panel.find_element(By.TAG_NAME, "cite").text
    marks = [(mark.get_attribute("class"), mark.text) for mark in panel.find_elements(By.TAG_NAME, "mark")]
    assert marks == [("subject", "TinyBERT"), ("object", "DistilBERT")]
    assert "confidence 0.90" in panel.text
    assert "1 paper" in panel.text


def test_pointing_at_an_edge_shows_its_sentence(browser: Chrome, small_page: Path) -> None:
    from selenium.webdriver.common.by import By

    opened(browser, small_page)
    tip = browser.find_element(By.ID, "tip")
    assert not tip.is_displayed()
    point_at(browser, ON_THE_EDGE, click=False)
    assert tip.is_displayed()
    assert tip.text.startswith("TinyBERT based on DistilBERT")
    assert "“TinyBERT is based on DistilBERT.”" in tip.text
    assert browser.execute_script("return kg.state.edge") is None, "pointing selects nothing"


def test_a_paper_is_linked_and_a_denial_says_so(browser: Chrome, graph: Graph, small_page: Path) -> None:
    from selenium.webdriver.common.by import By

    opened(browser, small_page)
    used = next(s for s in graph.statements if s.key == ("method:bert", "used_for", "task:question-answering", False))
    browser.execute_script("kg.select({ edge: arguments[0] })", used.id)
    link = browser.find_element(By.CSS_SELECTOR, "#details cite a")
    assert link.get_attribute("href") == "https://example.org/bert"
    denied = next(s for s in graph.statements if s.negated and s.subject == "method:distilbert")
    browser.execute_script("kg.select({ edge: arguments[0] })", denied.id)
    assert browser.find_element(By.CSS_SELECTOR, "#details .denied").text == "denied"
    assert "not outperforms" in browser.find_element(By.ID, "details").text
    hedged = next(s for s in graph.statements if s.object == "concept:forgetting" and s.predicate == "exhibits")
    browser.execute_script("kg.select({ edge: arguments[0] })", hedged.id)
    assert browser.find_element(By.CSS_SELECTOR, "#details .badge").text == "hedged"


def test_the_keyboard_moves_the_picture(browser: Chrome, small_page: Path) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    opened(browser, small_page)

    def view_after(*keys: str) -> tuple[float, float, float]:
        ActionChains(browser).send_keys(*keys).perform()
        still(browser)
        place = browser.execute_script("return kg.network.getViewPosition()")
        return browser.execute_script("return kg.network.getScale()"), place["x"], place["y"]

    start = view_after(Keys.TAB, Keys.TAB)  # the search box, then the picture
    assert browser.switch_to.active_element.get_attribute("id") == "network"
    nearer = view_after("+")
    assert nearer[0] == pytest.approx(1.2 * start[0])
    right = view_after(Keys.ARROW_RIGHT)
    assert right[1] > nearer[1]
    assert right[2] == pytest.approx(nearer[2])
    assert view_after("-")[0] == pytest.approx(start[0])
    assert view_after("0") == pytest.approx(start)


def test_hostile_texts_are_only_text(browser: Chrome, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By

    graph = hostile_graph()
    draw(graph, tmp_path / "x.html", papers=True, title=HOSTILE[0])
    assert opened(browser, tmp_path / "x.html") == []
    assert browser.find_element(By.TAG_NAME, "h1").text == HOSTILE[0] == browser.title
    for node in [e.id for e in graph.entities] + [p.id for p in graph.papers]:
        browser.execute_script("kg.select({ node: arguments[0] })", node)
        name = browser.execute_script("return document.querySelector('#details h3').textContent")
        assert name == (graph.entity_by_id[node].name if node in graph.entity_by_id else graph.paper_by_id[node].title)
        assert browser.find_elements(By.CSS_SELECTOR, "#details img, #details script, #details b, #details a") == []
    for statement in graph.statements:
        browser.execute_script("kg.select({ edge: arguments[0] })", statement.id)
        assert browser.find_elements(By.CSS_SELECTOR, "#details img, #details script, #details b, #details a") == []
    browser.find_element(By.ID, "search").send_keys("<")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#found li")) >= 2
    assert browser.execute_script("return window.hacked") is None
    assert requests(browser) == []
    assert browser.get_log("browser") == []


def test_a_name_with_everything_goes_through(graph: Graph, tmp_path: Path, browser: Chrome) -> None:
    draw(graph, tmp_path / "weird.html", around="concept:weird")
    assert opened(browser, tmp_path / "weird.html") == []
    assert browser.execute_script("return document.querySelector('#details h3').textContent") == WEIRD_NAME


def test_an_empty_graph_says_so(browser: Chrome, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By

    draw(Graph(), tmp_path / "empty.html")
    assert opened(browser, tmp_path / "empty.html") == []
    assert browser.find_element(By.ID, "empty").is_displayed()
    assert browser.get_log("browser") == []


# ---- the look ------------------------------------------------------------------------------------------------------


def colors_of(browser: Chrome) -> dict[tuple[int, int, int], int]:
    """How many pixels of the picture's part of the window have which colour."""
    from PIL import Image

    shot = Image.open(io.BytesIO(base64.b64decode(browser.get_screenshot_as_base64()))).convert("RGB")
    part = shot.crop((0, 60, 930, 790))
    found: dict[tuple[int, int, int], int] = {}
    for count, color in part.getcolors(part.width * part.height) or []:
        assert isinstance(color, tuple)
        found[color[0], color[1], color[2]] = count
    return found


def test_the_picture_looks_as_it_should(browser: Chrome, large_page: Path) -> None:
    opened(browser, large_page)
    still(browser)
    colors = colors_of(browser)
    whole = sum(colors.values())
    # Neither empty nor a black ball: labels, dots and lines take a few per cent of the picture.
    ink = sum(count for color, count in colors.items() if min(color) < 235) / whole
    assert 0.03 < ink < 0.20
    present = {node["type"] for node in embedded(large_page.read_text("utf-8"))["nodes"]}
    for kind in ontology.load().types.values():
        if kind.name in present:
            rgb = tuple(int(kind.color[at : at + 2], 16) for at in (1, 3, 5))
            assert colors.get(rgb, 0) > 100, f"{kind.name} has its colour in the picture"
    # Labels: at least half of the nodes have one, no two touch, none leaves the window, the most named all have one.
    labels = browser.execute_script("return kg.labels()")
    assert len(labels) >= 75
    for number, one in enumerate(labels):
        for other in labels[number + 1 :]:
            apart = (
                one["right"] <= other["left"]
                or other["right"] <= one["left"]
                or one["bottom"] <= other["top"]
                or other["bottom"] <= one["top"]
            )
            assert apart, (one, other)
    corners = browser.execute_script("""return kg.labels().map(l => [kg.network.canvasToDOM({x: l.left, y: l.top}),
        kg.network.canvasToDOM({x: l.right, y: l.bottom})])""")
    size = browser.execute_script(
        "const n = document.getElementById('network'); return [n.clientWidth, n.clientHeight]"
    )
    assert all(a["x"] >= 0 and a["y"] >= 0 and b["x"] <= size[0] and b["y"] <= size[1] for a, b in corners)
    nodes = sorted(embedded(large_page.read_text("utf-8"))["nodes"], key=lambda node: -node["papers"])
    assert {node["id"] for node in nodes[:8]} <= {label["id"] for label in labels}
    # Balanced: each quarter of the picture holds its share of the nodes.
    spots = browser.execute_script(
        "return Object.values(kg.network.getPositions()).map(p => kg.network.canvasToDOM(p)).map(p => [p.x, p.y])"
    )
    for right in (False, True):
        for low in (False, True):
            share = sum((x > size[0] / 2) == right and (y > size[1] / 2) == low for x, y in spots) / len(spots)
            assert 0.1 < share < 0.45


@pytest.mark.parametrize("width", [360, 800])
def test_the_page_fits_narrow_windows(browser: Chrome, large_page: Path, width: int) -> None:
    opened(browser, large_page, width=width, height=740)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    stage = browser.execute_script(
        "const n = document.getElementById('network'); return [n.clientWidth, n.clientHeight]"
    )
    assert stage[0] >= 0.5 * width
    assert stage[1] >= 400
    assert browser.execute_script("return kg.labels().length") >= 10


def test_text_has_enough_contrast(small_page: Path) -> None:
    def luminance(color: str) -> float:
        parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    html = small_page.read_text("utf-8")
    palette = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", html))
    for ink in ("ink", "soft", "accent"):
        for back in ("paper", "back"):
            light, dark = luminance(palette[back]), luminance(palette[ink])
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, back)


# ---- the command ---------------------------------------------------------------------------------------------------


def test_kg_draw(graph: Graph, tmp_path: Path) -> None:
    save(tmp_path / "graph", State(graph=graph))
    runner = CliRunner()
    done = runner.invoke(main, ["draw", str(tmp_path / "graph"), str(tmp_path / "all.html")])
    assert (done.exit_code, done.output) == (0, f"{tmp_path / 'all.html'}: 11 nodes, 18 statements\n")
    done = runner.invoke(
        main, ["draw", str(tmp_path / "graph"), str(tmp_path / "near.html"), "--around", "TinyBERT", "--limit", "2"]
    )
    assert done.exit_code == 0, done.output
    assert {node["name"] for node in embedded((tmp_path / "near.html").read_text("utf-8"))["nodes"]} == {
        "TinyBERT",
        "DistilBERT",
    }
    done = runner.invoke(main, ["draw", str(tmp_path / "graph"), str(tmp_path / "no.html"), "--around", "ber"])
    assert done.exit_code == 1
    assert "may mean" in done.output
    assert "method:bert" in done.output
    done = runner.invoke(main, ["draw", str(tmp_path / "nowhere"), str(tmp_path / "no.html")])
    assert done.exit_code == 1
    assert not (tmp_path / "no.html").exists()
