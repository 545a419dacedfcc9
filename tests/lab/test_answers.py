"""What the lab answers: the page's figures, places in the text, sweeps, steps, links."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from html import unescape

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.lab import packed, unpacked
from handgrad.lab.answers import answered
from handgrad.lab.changes import told
from handgrad.lab.descending import descend_answer
from handgrad.lab.naming import read_figure
from handgrad.lab.pages import page_answer
from handgrad.lab.standing import numbers_in, values_in
from handgrad.lab.sweeping import sweep
from handgrad.text import plain_text
from tests.lab.conftest import bundled_text

NAMES = [problem.name for problem in handgrad.bundled()]
FIVE = ["lab9", "classes", "batch", "attention", "conv"]


def figures(main: str) -> dict[str, set[float]]:
    """The values that a page has for each name."""
    found: dict[str, set[float]] = {}
    for name, value in re.findall(r'data-name="([^"]*)" data-value="([^"]*)"', main):
        found.setdefault(unescape(name), set()).add(float(value))
    return found


def of_trace(trace: handgrad.Trace, name: str) -> float:
    """The figure of a name by the trace alone."""
    whole, _, index = name.partition("[")
    at = tuple(int(i) for i in index.rstrip("]").split(",")) if index else ()
    if whole.startswith("updated."):
        whole = whole.removeprefix("updated.")
        if whole in trace.updated:
            return float(trace.updated[whole][at])
        numbers = {n: type(g)(trace.updated[n]) for n, g in trace.problem.parameters.items()}
        return float(np.asarray(handgrad.run(trace.problem.with_inputs(numbers)).value(whole))[at])
    if whole == "eta":
        assert trace.problem.update is not None
        return trace.problem.update.rate
    if whole in trace.graph.nodes or whole in trace.graph.lets:
        return float(np.asarray(trace.run.value(whole))[at])
    gradient = np.asarray(trace.run.gradient(whole.removeprefix("d")))
    return float(gradient[at]) if len(at) == gradient.ndim else np.nan


@pytest.mark.parametrize("name", FIVE)
def test_every_figure_of_the_page_is_that_of_its_name(name: str) -> None:
    text = bundled_text(name)
    trace = handgrad.solve(handgrad.loads(text))
    known = figures("".join(html for _, html in page_answer({"text": text})["parts"]))
    assert len(known) > 20
    for spelled, values in known.items():
        expected = of_trace(trace, spelled)
        if np.isfinite(expected):  # a case's part of a gradient has a name with the case in it
            assert max(abs(v - expected) for v in values) <= 1e-12 * abs(expected), spelled


@pytest.mark.parametrize("name", NAMES)
def test_every_number_stands_where_it_is_said_to_stand(name: str) -> None:
    text = bundled_text(name)
    problem = handgrad.loads(text)
    standing = numbers_in(values_in(text), problem)
    counted = sum(g.array.size for g in problem.inputs.values()) + (problem.update is not None)
    assert len(standing) in (counted, counted - 1)  # a rate that is not written has no place
    for spelled, place in standing.items():
        assert text[place.start : place.stop].strip("\"'") == place.written
        changed = f'{text[: place.start]}"7/16"{text[place.stop :]}'
        if spelled == "eta":
            assert handgrad.loads(changed).update.rate == 7 / 16  # type: ignore[union-attr]
            continue
        whole, _, index = spelled.partition("[")
        at = tuple(int(i) for i in index.rstrip("]").split(",")) if index else ()
        after = handgrad.loads(changed).inputs
        for other, numbers in problem.inputs.items():
            expected = numbers.array.copy()
            if other == whole:
                expected[at] = 7 / 16
            assert np.array_equal(after[other].array, expected)


def test_numbers_are_found_in_any_way_of_writing_toml() -> None:
    text = (
        'title = "# [parameters] W = 3"\n# W = [9, 9]\n'
        "equations = '''\nL = sum(W*x) + sum(λ*x) + v\n'''\nparameters.W = [ # two\r\n  0.10, # one\n  '1/3',\n]\n"
        'parameters."λ" = [1_0, 2e-1]\ndata = { x = [ +1.0, -2 ], v.cases = [1, 2] }\n[update]\nrate=0.5 # slow\n'
    )
    text = text.replace("v.cases = [1, 2]", "v = 3")
    standing = numbers_in(values_in(text), handgrad.loads(text))
    assert {name: place.written for name, place in standing.items()} == {
        "W[0]": "0.10", "W[1]": "1/3", "lambda[0]": "1_0", "lambda[1]": "2e-1",
        "x[0]": "+1.0", "x[1]": "-2", "v": "3", "eta": "0.5",
    } or "lambda[0]" not in standing  # fmt: skip
    assert standing["W[0]"].written == "0.10"
    assert standing["x[1]"].written == "-2"
    assert standing["eta"].written == "0.5"


def test_places_count_as_browsers_do() -> None:
    text = 'title = "𝛿 and é"\nequations = "L = w**2"\n[parameters]\nw = 3\n'
    start, stop = page_answer({"text": text})["places"]["w"]
    assert text.encode("utf-16-le")[2 * start : 2 * stop].decode("utf-16-le") == "3"


def test_an_edit_is_told() -> None:
    text = bundled_text("lab9")
    after = text.replace("-0.5, 0.3]]", "0.2, 0.3]]")
    answer = page_answer({"text": after, "before": text})
    assert answer["said"] == (
        "Unit 2 of layer 2 switched on; row 2 of dW2, entry 2 of db2 and entry 2 of dw3 are no longer zero; "
        "the loss rose by 0.0377 to 0.4925."
    )
    back = page_answer({"text": text, "before": after})["said"]
    assert back.startswith("Unit 2 of layer 2 switched off; row 2 of dW2, entry 2 of db2")
    assert back.endswith("are zero now; the loss fell by 0.0377 to 0.4548.")


@given(st.sampled_from(["W1", "W2", "w3", "b2"]), st.integers(-20, 20))
def test_what_is_told_is_so(name: str, tenths: int) -> None:
    before = handgrad.load("lab9")
    array = before.parameters[name].array.copy()
    array.flat[0] = tenths / 10
    one, other = handgrad.solve(before), handgrad.solve(before.with_values({name: array}))
    said = plain_text(told(one, other))
    assert ("the loss fell" in said.lower()) == (other.run.loss < one.run.loss)
    gates = sum(
        int((one.run.value(z) > 0).sum() != (other.run.value(z) > 0).sum()) for z in ("z1", "z2")
    )
    assert gates == 0 or "switched" in said


@pytest.mark.parametrize("name", FIVE)
def test_a_sweep_is_the_loss_of_many_problems(name: str) -> None:
    problem = handgrad.load(name)
    trace = handgrad.solve(problem)
    spelled = list(numbers_in(values_in(bundled_text(name)), problem))[1:-1:7]
    for figure in (read_figure(trace, each) for each in spelled):
        swept = sweep(trace, figure, points=7)
        given_numbers = problem.inputs[figure.name]
        for number, loss in list(zip(swept.numbers, swept.losses, strict=True))[::3]:
            array = given_numbers.array.copy()
            array[figure.index] = number
            other = problem.with_inputs(
                {figure.name: type(given_numbers)(array, given_numbers.batched)}
            )
            if np.isfinite(loss):
                assert handgrad.run(other).total == pytest.approx(loss)


def test_a_number_that_leads_nowhere_leaves_the_loss_as_it_is() -> None:
    text = "equations = 'L = (2*w - 1)**2'\n[parameters]\nw = 1\nb = 3\n[update]\nclip_norm = 1\n"
    trace = handgrad.solve(handgrad.loads(text))
    swept = sweep(trace, read_figure(trace, "b"), points=5)
    assert swept.losses == (1.0,) * 5
    assert swept.slope == 0
    assert sweep(trace, read_figure(trace, "w"), 0, 1, points=3).losses == (1.0, 0.0, 1.0)


def test_the_tangent_is_the_slope_of_the_curve() -> None:
    for name, spelled in (("lab9", "W1[0,0]"), ("classes", "W3[1,0]"), ("classes", "x[0,1]")):
        trace = handgrad.solve(handgrad.load(name))
        figure = read_figure(trace, spelled)
        now = float(trace.run.value(figure.name)[figure.index])
        swept = sweep(trace, figure, now - 1e-4, now + 1e-4, points=3)
        difference = (swept.losses[2] - swept.losses[0]) / 2e-4
        assert swept.slope == pytest.approx(difference, abs=1e-6)


def test_gates_turn_where_their_pre_activations_are_zero() -> None:
    trace = handgrad.solve(handgrad.load("lab9"))
    (flip,) = sweep(trace, read_figure(trace, "W2[1,0]")).flips
    # z2[1] = W2[1,0]·0.6 + 0.3·0.1 + 0.1
    assert flip.at == pytest.approx(-0.13 / 0.6, abs=1e-9)
    assert flip.text() == "unit 2 of layer 2 switches on"
    for name, spelled in (("classes", "x[0,1]"), ("conv", "K[0,0]")):
        problem = handgrad.load(name)
        trace = handgrad.solve(problem)
        figure = read_figure(trace, spelled)
        swept = sweep(trace, figure)
        assert swept.flips
        for flip in swept.flips:
            numbers = problem.inputs[figure.name]
            array = numbers.array.copy()
            array[figure.index] = flip.at
            run = handgrad.run(
                problem.with_inputs({figure.name: type(numbers)(array, numbers.batched)})
            )
            unit = next(u for u in handgrad.solve(problem).graph.equations if u == flip.activation)
            argument = run.graph.nodes[unit].written.arguments[0]  # type: ignore[union-attr]
            at = flip.unit if flip.case is None else (*flip.unit, flip.case)
            assert abs(float(run.of(argument)[at])) < 1e-8


@pytest.mark.parametrize("name", FIVE)
def test_a_step_writes_what_the_page_says(name: str) -> None:
    text = bundled_text(name)
    (after,) = descend_answer({"text": text, "steps": 1})["texts"]
    updated = handgrad.solve(handgrad.loads(text)).updated
    for parameter, given_numbers in handgrad.loads(after).parameters.items():
        assert given_numbers.array == pytest.approx(updated[parameter], abs=1e-15)
    # Nothing but numbers was touched.
    bare = re.compile(r"[-\d.e]+")
    assert bare.sub("", after) == bare.sub("", text)


def test_twenty_steps_keep_what_the_rule_remembers() -> None:
    text = bundled_text("lab9").replace('rule = "sgd"', 'rule = "momentum"')
    texts = descend_answer({"text": text, "steps": 20})["texts"]
    expected = handgrad.solve(handgrad.loads(text), steps=20).updated
    for name, given_numbers in handgrad.loads(texts[-1]).parameters.items():
        assert given_numbers.array == pytest.approx(expected[name], abs=1e-12)


@given(st.text(max_size=200), st.integers(0, 15), st.booleans())
def test_a_link_holds_the_text_byte_for_byte(text: str, decimals: int, entries: bool) -> None:
    text = text.encode("utf-8", "ignore").decode()
    again, view = unpacked(
        "https://x.y/lab" + packed(text, {"decimals": decimals, "entries": entries})
    )
    assert (again, view.decimals, view.entries) == (text, decimals, entries)


@given(st.text(alphabet="abcXYZ019-_=%#p", max_size=60))
def test_a_damaged_link_is_one_message(rest: str) -> None:
    with suppress(handgrad.OptionError):
        unpacked("#p=" + rest)


def test_errors_say_where_in_the_text() -> None:
    text = bundled_text("lab9").replace("h1 = relu(z1)", "h1 = relu(zz1)")
    answer = answered("page", {"text": text})
    assert answer.status == 422
    error = json.loads(answer.content)["error"]
    assert text[slice(*error["span"])] == "zz1"
    broken = bundled_text("lab9").replace("b3 = 0.3", "b3 = = 0.3")
    error = json.loads(answered("page", {"text": broken}).content)["error"]
    assert broken[: error["span"][0]].count("\n") == broken[: broken.index("= = 0.3")].count("\n")
