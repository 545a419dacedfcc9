"""The lab over HTTP: documents, headers, hosts, sizes, hostile problems, answers that take too long."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import handgrad
from handgrad.lab import packed
from tests.lab.conftest import bundled_text, served
from tests.test_bad_input import EQUATIONS, FILES, NUMBERS

httpx = pytest.importorskip("httpx")


def page(client: Any, text: str) -> Any:
    return client.post("/answers/page", json={"text": text})


def test_the_pages_stand_without_scripts(client: Any) -> None:
    for place, said in (
        ("/", "Lab 9: backpropagation by hand"),
        ("/problems/classes", "Three classes"),
        ("/new?like=3-4-2,%20ReLU,%20softmax", "A 3-4-2 network"),
        ("/lab", "handgrad lab"),
    ):
        answer = client.get(place)
        assert answer.status_code == 200
        assert said in answer.text
    static = handgrad.solve(handgrad.load("lab9")).page(pictures=True).to_html()
    served_page = client.get("/").text
    for heading in ("Forward pass", "Backward pass", "Update every parameter"):
        assert heading in static
        assert heading in served_page


def test_the_start_page_lists_every_bundled_problem() -> None:
    from handgrad.lab.documents import start_document

    html = start_document({})
    for problem in handgrad.bundled():
        assert f'href="/problems/{problem.name}"' in html


def test_every_answer_forbids_what_is_not_the_labs_own(client: Any) -> None:
    for place in ("/", "/lab.css", "/lab.js", "/health", "/nothing", "/problems/nothing"):
        headers = client.get(place).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy
        assert headers["x-content-type-options"] == "nosniff"
    html = client.get("/").text
    assert "<style" not in html
    assert "onclick" not in html


def test_files_are_sent_once(client: Any) -> None:
    first = client.get("/lab.css")
    again = client.get("/lab.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_other_names_and_other_sites_are_refused(client: Any) -> None:
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 421
    host = client.base_url.netloc.decode()
    for origin, status in (("https://evil.example", 403), (f"http://{host}", 200)):
        answer = client.post(
            "/answers/page", json={"text": bundled_text("neuron")}, headers={"Origin": origin}
        )
        assert answer.status_code == status


def test_what_is_no_request_is_refused(client: Any) -> None:
    assert client.post("/answers/page", content=b"{").status_code == 400
    assert client.post("/answers/page", content=b"[]").status_code == 400
    assert client.post("/answers/page", content=b"[" * 100_000).status_code == 400
    assert client.post("/answers/page", content=b"x" * 1_100_000).status_code == 413
    assert client.post("/answers/nothing", json={}).status_code == 404
    assert client.get("/answers/page").status_code == 405
    for asked in (
        {},
        {"text": 3},
        {"text": "x", "view": {"decimals": "many"}},
        {"text": "x" * 300_000},
    ):
        answer = client.post("/answers/page", json=asked)
        assert answer.status_code == 422
        assert answer.json()["error"]["text"]


SENT = [k for k, (equations, _) in enumerate(EQUATIONS) if len(equations) < 100_000]
"""A longer one is no request."""


@pytest.mark.parametrize("number", SENT[::6])
def test_a_mistake_in_equations_is_one_message(client: Any, number: int) -> None:
    equations, said = EQUATIONS[number]
    answer = page(client, f"equations = '''\n{equations}\n'''\n{NUMBERS}")
    assert answer.status_code == 422
    assert (
        said in answer.json()["error"]["text"].replace("\n", " ")
        or said in answer.json()["error"]["text"]
    )


@pytest.mark.parametrize("number", range(0, len(FILES), 6))
def test_a_mistake_in_a_file_is_one_message(client: Any, number: int) -> None:
    answer = page(client, FILES[number][0])
    assert answer.status_code == 422
    assert answer.json()["error"]["text"]


HOSTILE = {
    "a script in the title": 'title = "<script>alert(1)</script>"\n'
    + bundled_text("neuron").partition("\n")[2],
    "a script in a name": "equations = 'L = (2*w - 1)**2'\n[parameters]\nw = 1\n[display]\nw = '<img src=x onerror=alert(1)>'\n",
    "deep nesting": "equations = 'L = w'\n[parameters]\nw = " + "[" * 3000 + "1" + "]" * 3000,
    "many brackets": "equations = 'L = "
    + "(" * 5000
    + "w"
    + ")" * 5000
    + "'\n[parameters]\nw = 1\n",
    "a huge shape": "equations = 'L = sum(ones((99999, 99999))*w)'\n[parameters]\nw = 1\n",
    "a slow power": "equations = 'L = w**9**9**9'\n[parameters]\nw = 2\n",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_problems_are_answered(client: Any, kind: str) -> None:
    answer = page(client, HOSTILE[kind])
    assert answer.status_code in (200, 422)
    if answer.status_code == 200:
        main = "".join(html for _, html in answer.json()["parts"])
        assert "<script" not in main
        assert "<img" not in main
    assert page(client, bundled_text("neuron")).status_code == 200


def test_no_file_is_read(client: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("42, 43\n")
    text = f"equations = 'L = sum(w*x)'\n[parameters]\nw = [1, 2]\n[data]\nx = {{ file = '{secret}' }}\n"
    error = page(client, text).json()["error"]["text"]
    assert error == "data.x: numbers are read from no file here (write them into the problem)"
    for name in ("why", "sweep", "descend", "download"):
        answer = client.post(
            f"/answers/{name}", json={"text": text, "name": "w[0]", "kind": "html"}
        )
        assert answer.status_code == 422
        assert "42" not in answer.text
    assert client.get("/problems/..%2f..%2fetc%2fpasswd").status_code == 404


def test_files_are_those_of_solve(client: Any) -> None:
    text = bundled_text("lab9")
    for kind, begins in (
        ("toml", b"title"),
        ("html", b"<!doctype"),
        ("py", b"import"),
        ("ipynb", b"{"),
        ("slides", b"<!doctype"),
    ):
        answer = client.post("/answers/download", json={"text": text, "kind": kind})
        assert answer.status_code == 200
        assert answer.content.startswith(begins) or kind == "py"
        assert "attachment" in answer.headers["content-disposition"]
    trace = handgrad.solve(handgrad.loads(text))
    answer = client.post("/answers/download", json={"text": text, "kind": "html"})
    assert answer.text == trace.to_html()


def test_a_link_has_a_code_while_it_is_short(client: Any) -> None:
    short = client.post("/answers/code", json={"link": "http://127.0.0.1/lab#p=abc"}).json()
    assert short["svg"].startswith("<svg")
    assert "too long" in client.post("/answers/code", json={"link": "x" * 5000}).json()["said"]


def test_what_takes_too_long_is_answered() -> None:
    slow = bundled_text("lab9")
    with (
        served(workers=1, seconds=1.0) as address,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        numbers = ", ".join(["0.123456789"] * 7000)
        slow = f"equations = '''\nz = tanh(x*w)\nL = sum(z)\n'''\n[data]\nx = [{numbers}]\n[parameters]\nw = [{numbers}]\n"
        begun = time.perf_counter()
        answer = client.post(
            "/answers/page", json={"text": slow, "view": {"numbers": "exact", "entries": True}}
        )
        assert answer.status_code == 422
        assert answer.json()["error"]["text"].startswith("the problem takes longer than 1 s")
        assert time.perf_counter() - begun < 20
        assert page(client, bundled_text("neuron")).status_code == 200
        measured = client.get("/metrics").text
        assert "handgrad_lab_workers_replaced_total 1" in measured
        assert 'handgrad_lab_answers_total{name="page",status="200"} 1' in measured


def test_the_command_opens_a_problem_and_a_link() -> None:
    from handgrad.lab.serving import opened

    assert opened("lab9") == (bundled_text("lab9"), "/")
    text, place = opened("http://x/lab" + packed(bundled_text("xor"), {"decimals": 2}))
    assert text == bundled_text("xor")
    assert place.startswith("/lab#p=")
    for wrong in ("nosuch", "http://x/lab#p=%%%", "/no/file.toml"):
        with pytest.raises(handgrad.HandgradError):
            opened(wrong)


def test_numbers_of_files_are_written_into_what_is_opened(tmp_path: Path) -> None:
    from handgrad.lab.serving import opened

    (tmp_path / "x.csv").write_text("1\n2\n")
    problem = tmp_path / "p.toml"
    problem.write_text(
        "equations = 'L = sum(w*x)'\n[parameters]\nw = [1, 2]\n[data]\nx = { file = 'x.csv' }\n"
    )
    text, _ = opened(str(problem))
    assert handgrad.loads(text, files=False).data["x"].array.tolist() == [1, 2]


def test_a_plain_install_says_which_extra_is_missing() -> None:
    program = "import sys; sys.modules['starlette'] = None; from handgrad.cli.commands import run; sys.exit(run(['lab', 'lab9']))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.strip().splitlines() == [
        "Error: the lab needs starlette (pip install 'handgrad[lab]')"
    ]


def test_json_is_what_it_says(client: Any) -> None:
    answer = page(client, bundled_text("lab9"))
    assert set(json.loads(answer.content)) == {
        "title", "parts", "numbers", "places", "changes",
    }  # fmt: skip
