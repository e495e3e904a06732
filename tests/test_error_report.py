"""The page of mistakes: which kinds there are, what a person sees of them in a browser, what it survives."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from kg.cli import main
from kg.extract.annotations import from_json
from kg.extract.error_report import Mistake, mistakes, write_report
from kg.extract.evaluate import score
from kg.model import Extraction, Paper
from tests.test_evaluate import worse

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

HOSTILE = (
    "</script><script>window.hacked=1</script>",
    '<img src=x onerror="window.hacked=1">',
    "{{ 7*7 }} {% raw %} &lt;b&gt; \" ' ` ${window.hacked=1}",
    "\u202egnorw \u2067 עברית \u2028\u2029 🤖\x00\x07",
    "javascript:window.hacked=1",
)
TITLE = "Quick Net on GLUE"
ABSTRACT = "Quick Net (QN) beats Slow Net at text classification and reaches 91.2% accuracy on GLUE."
TEXT = f"{TITLE}\n{ABSTRACT}"


def entity(number: int, kind: str, role: str, *surfaces: str, name: str = "") -> dict[str, Any]:
    return {"id": f"e{number}", "type": kind, "name": name or surfaces[0], "role": role, "surfaces": list(surfaces)}


QUICK = entity(1, "Method", "introduces", "Quick Net", "QN")
SLOW = entity(2, "Method", "compares", "Slow Net")
CLASSES = entity(3, "Task", "addresses", "text classification")
GLUE = entity(4, "Dataset", "evaluates_on", "GLUE")
ACCURACY = entity(5, "Metric", "reports", "accuracy")
BEATS, USED = ["e1", "outperforms", "e2"], ["e1", "used_for", "e3"]
RESULT = {"value": "91.2%", "method": "e1", "dataset": "e4", "metric": "e5"}
GOLD = {"entities": [QUICK, SLOW, CLASSES, GLUE, ACCURACY], "relations": [BEATS, USED], "results": [RESULT]}


def extraction(row: dict[str, Any], paper: str = "paper:1", title: str = TITLE, text: str = ABSTRACT) -> Extraction:
    return from_json({"id": "1", **row}, Paper(id=paper, title=title, abstract=text))


def found(**changes: Any) -> list[Mistake]:
    """The mistakes of an extraction that is right but for the changes."""
    return mistakes(extraction(GOLD), extraction({**GOLD, **changes}), TEXT)


def but(number: int, *instead: dict[str, Any]) -> list[dict[str, Any]]:
    return [*(e for e in GOLD["entities"] if e["id"] != f"e{number}"), *instead]


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({}, []),
        ({"relations": [BEATS], "entities": but(3)}, ["Task missed", "relation used_for missed, an entity not found"]),
        ({"entities": [*GOLD["entities"], entity(6, "Concept", "mentions", "text")]}, []),  # inside a longer one
        ({"entities": [*GOLD["entities"], entity(6, "Concept", "mentions", "beats")]}, ["Concept spurious"]),
        ({"entities": but(5, {**ACCURACY, "type": "Concept", "role": "studies"}), "results": [{**RESULT}]},
         ["Metric taken for Concept"]),
        ({"entities": but(3, {**CLASSES, "surfaces": ["classification"]})}, ["Task with wrong borders, too short"]),
        ({"entities": but(3, {**CLASSES, "surfaces": ["text classification and"]})},
         ["Task with wrong borders, too long"]),
        ({"entities": but(3, {**CLASSES, "surfaces": ["classification and"]})}, ["Task with wrong borders, shifted"]),
        ({"entities": but(5, {**ACCURACY, "type": "Concept", "role": "studies", "surfaces": ["accuracy on"]})},
         ["Metric taken for Concept, with wrong borders"]),
        ({"entities": but(1, {**QUICK, "surfaces": ["Quick Net"]}, entity(6, "Method", "uses", "QN"))},
         ["one entity taken for several"]),
        ({"entities": [*but(1)[1:], {**QUICK, "surfaces": ["Quick Net", "QN", "Slow Net"]}], "relations": [USED]},
         ["relation outperforms missed, an entity not found", "several entities taken for one"]),
        ({"entities": but(2, {**SLOW, "role": "uses"})}, ["role compares taken for uses"]),
        ({"relations": [USED]}, ["relation outperforms missed"]),
        ({"relations": [USED, ["e2", "outperforms", "e1"]]}, ["relation outperforms turned round"]),
        ({"relations": [USED, ["e1", "compared_with", "e2"]]}, ["relation outperforms taken for compared_with"]),
        ({"relations": [USED, BEATS, ["e1", "evaluated_on", "e4"]]}, ["relation evaluated_on spurious"]),
        ({"entities": [*GOLD["entities"], entity(6, "Concept", "mentions", "beats")],
          "relations": [USED, BEATS, ["e1", "exhibits", "e6"]]},
         ["Concept spurious", "relation exhibits spurious, an entity not annotated"]),
        ({"results": []}, ["result missed"]),
        ({"results": [RESULT, {"value": "2"}]}, ["result spurious"]),
        ({"results": [{**RESULT, "dataset": None, "method": "e2"}]},
         ["result with another dataset", "result with another method"]),
    ],
)  # fmt: skip
def test_kinds_of_mistakes(changes: dict[str, Any], kinds: list[str]) -> None:
    assert sorted(mistake.kind for mistake in found(**changes)) == kinds


def test_what_a_mistake_tells() -> None:
    [turned] = found(relations=[USED, ["e2", "outperforms", "e1"]])
    assert (turned.annotated, turned.given) == (
        "Quick Net – outperforms – Slow Net",
        "Slow Net – outperforms – Quick Net (1.00)",
    )
    start = TEXT.index("Quick Net (QN)")
    shown = {"head": "e1", "predicate": "compared_with", "tail": "e2", "start": start, "end": start + 29, "score": 0.5}
    [wrong] = found(relations=[USED, {**shown, "negated": True}])
    assert wrong.given == "Quick Net – compared_with – Slow Net (0.50, negated)"
    assert wrong.quote == "Quick Net (QN) beats Slow Net"
    [border] = found(entities=but(3, {**CLASSES, "surfaces": ["classification"]}))
    assert border.words == "text classification → classification"
    assert TEXT[slice(*border.gold)] == "text classification"  # type: ignore[misc]
    assert TEXT[slice(*border.found)] == "classification"  # type: ignore[misc]


# ---- the page ------------------------------------------------------------------------------------------------------


def corpus(count: int) -> tuple[dict[str, Paper], dict[str, Extraction], dict[str, Extraction]]:
    """Papers of which the n-th has mistakes of n kinds, at most four; hostile words among them."""
    papers, gold, made = {}, {}, {}
    for n in range(count):
        words = HOSTILE[n % len(HOSTILE)]
        title, text = f"{TITLE} {words}", f"{ABSTRACT} {words}"
        name = f"paper:{n}"
        url = ("https://example.org/1", words, None)[n % 3]
        papers[name] = Paper(
            id=name, title=title, abstract=text, url=url, arxiv_id="2402.13116" if n % 3 == 2 else None
        )
        own = {**GOLD, "entities": [*GOLD["entities"], entity(6, "Concept", "mentions", words, name=words)]}
        gold[name] = extraction(own, name, title, text)
        said = {**own, "entities": list(own["entities"]), "relations": list(own["relations"])}
        if n % 5 >= 1:
            said["entities"][2] = {**CLASSES, "surfaces": ["classification"]}
        if n % 5 >= 2:
            said["entities"][5] = {**said["entities"][5], "type": "Task"}
        if n % 5 >= 3:
            said["relations"] = [USED, ["e2", "outperforms", "e1"]]
        if n % 5 >= 4:
            said["entities"][1] = {**SLOW, "role": "uses"}
        made[name] = extraction(said, name, title, text)
    return papers, gold, made


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("errors") / "errors.html"
    papers, gold, made = corpus(15)
    summary = write_report(path, papers, gold, made, title="Mistakes <b>")
    assert (summary.papers, summary.wrong, summary.shown) == (15, 12, 12)
    return path


def opened(browser: Chrome, page: Path, *, width: int = 1200, dark: bool = False, fragment: str = "") -> None:
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    browser.get(f"{page.as_uri()}{fragment}")


def test_the_page_loads_in_silence_and_from_itself_alone(browser: Chrome, page: Path) -> None:
    opened(browser, page)
    assert browser.title == "Mistakes <b>"
    assert browser.execute_script("return window.hacked") is None
    assert browser.execute_script("return document.images.length") == 0
    assert browser.get_log("browser") == []
    asked = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = {m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"}
    assert urls <= {page.as_uri()}
    links = browser.execute_script("return [...document.querySelectorAll('h3 a')].map(a => a.href)")
    assert set(links) == {"https://example.org/1", "https://arxiv.org/abs/2402.13116"}
    assert "javascript:window.hacked=1" in browser.find_element("tag name", "body").text


def test_gold_and_found_stand_side_by_side_and_say_what_is_wrong(browser: Chrome, page: Path) -> None:
    opened(browser, page)
    sides = browser.execute_script(
        "return [...document.querySelectorAll('article .side')].slice(0, 2)"
        ".map(side => side.getBoundingClientRect().toJSON())"
    )
    assert sides[0]["top"] == sides[1]["top"]
    assert sides[0]["right"] < sides[1]["left"]
    marks = browser.execute_script(
        "return [...document.querySelectorAll('article:nth-of-type(1) mark.wrong')].map(m => m.innerText)"
    )
    assert "text classification Task: with wrong borders, too short" in marks
    assert any(mark.endswith(" Concept: taken for Task") for mark in marks)
    assert any(mark.endswith(" Task: should be Concept") for mark in marks)
    others = browser.find_element("css selector", "article .others").text
    assert "relation outperforms turned round" in others
    assert "annotated: Quick Net – outperforms – Slow Net" in others
    assert "found: uses (1.00)" in others
    opened(browser, page, width=380)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 380
    above, below = browser.execute_script(
        "return [...document.querySelectorAll('article .side')].slice(0, 2)"
        ".map(side => side.getBoundingClientRect().toJSON())"
    )
    assert above["bottom"] <= below["top"]
    assert above["width"] > 280


def test_kinds_are_counted_and_chosen(browser: Chrome, page: Path) -> None:
    papers, gold, made = corpus(15)
    counts = Counter(m.kind for name in gold for m in mistakes(gold[name], made[name], papers[name].text))
    opened(browser, page)
    rows = browser.execute_script(
        "return [...document.querySelectorAll('.kinds tbody tr')]"
        ".map(r => [r.cells[0].innerText, r.querySelector('button').innerText])"
    )
    assert rows == [[str(counts[kind]), kind] for kind in sorted(counts, key=lambda kind: (-counts[kind], kind))]

    def shown() -> int:
        return len([a for a in browser.find_elements("tag name", "article") if a.is_displayed()])

    assert shown() == 12
    assert browser.execute_script("return scrollY") == 0
    rare = browser.find_element("xpath", "//button[text()='role compares taken for uses']")
    rare.click()
    assert shown() == 3
    assert browser.find_element("id", "status").text == "3 of 12 shown papers: role compares taken for uses"
    assert rare.get_attribute("aria-pressed") == "true"
    chosen = [place.text for place in browser.find_elements("css selector", ".chosen") if place.is_displayed()]
    assert len(chosen) == 3
    assert all(text.startswith("role compares taken for uses") for text in chosen)
    fragment = browser.current_url.partition("#")[2]
    browser.find_element("id", "all").click()
    assert shown() == 12
    opened(browser, page, fragment=f"#{fragment}")
    assert shown() == 3
    opened(browser, page, fragment="#p2")
    assert shown() == 12


CONTRAST = """
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgb = (color, under) => {
  canvas.globalCompositeOperation = "source-over";
  canvas.fillStyle = under; canvas.fillRect(0, 0, 1, 1);
  canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
};
const css = (c) => `rgb(${c.join(",")})`;
const back = (node) => node === null
  ? [255, 255, 255] : rgb(getComputedStyle(node).backgroundColor, css(back(node.parentElement)));
const light = (c) => {
  const [r, g, b] = c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const worst = {};
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || ["SCRIPT", "STYLE"].includes(node.tagName)) continue;
  const under = back(node), ink = rgb(getComputedStyle(node).color, css(under));
  const [a, b] = [light(under), light(ink)];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const what = node.tagName + "." + node.parentElement.className;
  worst[what] = Math.min(worst[what] ?? 99, ratio);
}
return worst;
"""


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_has_enough_contrast(browser: Chrome, page: Path, dark: bool) -> None:
    opened(browser, page, dark=dark)
    worst = browser.execute_script(CONTRAST)
    assert len(worst) > 10
    assert {what: ratio for what, ratio in worst.items() if ratio < 4.5} == {}
    shade = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (int(re.findall(r"\d+", shade)[0]) < 60) == dark


# ---- the command ---------------------------------------------------------------------------------------------------


def kg(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["eval", *map(str, arguments)])


def test_the_command_caps_large_sets(tmp_path: Path) -> None:
    papers = tmp_path / "papers.jsonl"
    rows = [{"id": str(n), "title": TITLE, "abstract": ABSTRACT, "doi": "10.1000/a b"} for n in range(9)]
    papers.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "gold.jsonl").write_text("".join(json.dumps({"id": str(n), **GOLD}) + "\n" for n in range(9)))
    said = [{"id": str(n), **GOLD, "entities": GOLD["entities"], "relations": [BEATS] if n else []} for n in range(8)]
    (tmp_path / "said.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
    page = tmp_path / "page.html"
    files = (papers, tmp_path / "gold.jsonl", "--pred", tmp_path / "said.jsonl", "--errors", page)
    answer = kg(*files, "--limit", "2")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith("what ")
    assert answer.stderr == (
        f"{page}: 20 mistakes of 9 kinds in 9 of 9 papers; shows 2 of 9 papers (--limit 9 shows all)\n"
    )
    html = page.read_text("utf-8")
    assert html.count("<article") == 2
    assert "The 2 papers with most mistakes are shown below; the counts are of all (<code>--limit 9</code>" in html
    assert "https://doi.org/10.1000/a%20b" in html
    assert re.findall(r'id="p1".*?<bdi>(\d)</bdi></a> · (\d+) mistakes', html, re.DOTALL) == [("8", "11")]
    first = page.read_bytes()
    kg(*files, "--limit", "2")
    assert page.read_bytes() == first
    assert "shows" not in kg(*files).stderr
    nowhere = kg(*files[:-1], tmp_path / "no" / "page.html")
    assert nowhere.exit_code == 1
    assert "cannot be written" in nowhere.stderr
    assert kg(*files, "--calibration").exit_code == 0


def test_nothing_wrong(tmp_path: Path) -> None:
    paper = Paper(id="paper:1", title=TITLE, abstract=ABSTRACT)
    gold = {"paper:1": extraction(GOLD)}
    write_report(tmp_path / "page.html", {"paper:1": paper}, gold, gold)
    html = (tmp_path / "page.html").read_text("utf-8")
    assert "0 mistakes of 0 kinds in 0 of 1 papers." in html
    assert "None: all that is annotated was found, and nothing else." in html


def test_rare_kinds_are_folded_away(
    browser: Chrome, gold_papers: dict[str, Paper], gold_extractions: list[Extraction], tmp_path: Path
) -> None:
    chance = random.Random(2)
    gold = {extraction.paper: extraction for extraction in gold_extractions}
    made = {name: worse(extraction, gold_papers[name].text, chance) for name, extraction in gold.items()}
    path = tmp_path / "page.html"
    summary = write_report(path, gold_papers, gold, made, scores=score(gold, made))
    assert summary.kinds > 40
    opened(browser, path)
    assert browser.get_log("browser") == []

    def shown() -> int:
        return len([row for row in browser.find_elements("css selector", ".kinds tbody tr") if row.is_displayed()])

    assert shown() == 15
    browser.find_element("id", "more").click()
    assert shown() == summary.kinds
    opened(browser, path, fragment="#kind-30")
    assert shown() == summary.kinds
    browser.find_element("tag name", "summary").click()
    assert "mention strict, 5 types" in browser.find_element("class name", "scores").text
    opened(browser, path, width=380)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 380
