"""Networks that are born dead: against a simulation of its own, the bounds, and what is known exactly."""

from __future__ import annotations

import json
import math
from typing import Any

import jsonschema
import numpy as np
import pytest

import handgrad
from handgrad.cli.commands import run
from handgrad.study import INITIALISATIONS
from handgrad.study.bounds import bounds, dying
from tests.schemas import validate
from tests.test_json import printed


def simulated(widths: list[int], points: Any, init: str, networks: int, seed: int) -> float:
    """The share of networks in which some layer is off on all the points, one network at a time."""
    generator = np.random.default_rng(seed)
    dead = 0
    for _ in range(networks):
        h = np.asarray(points, float)
        alive = True
        for units in widths:
            inputs = h.shape[0]
            bias = np.zeros((units, 1))
            if init == "raai":
                rows = generator.normal(0, 0.6007 / math.sqrt(inputs), (units, inputs + 1))
                for row in rows:
                    row[generator.integers(inputs + 1)] = generator.beta(2, 1)
                weights, bias = rows[:, :-1], rows[:, -1:]
            else:
                weights = generator.normal(0, math.sqrt(2 / inputs), (units, inputs))
            h = np.maximum(weights @ h + bias, 0)
            alive = alive and bool((h > 0).any())
        dead += not alive
    return dead / networks


def test_the_known_figure() -> None:
    """Width 2, 10 hidden layers, He, no biases: 0.91 (Lu et al., 2020)."""
    study = handgrad.born_dead([2] * 10, networks=200_000)
    assert abs(study.estimate - 0.91) < 4 * study.standard_error
    assert study.exact


@pytest.mark.parametrize(
    ("widths", "inputs", "init"),
    [([2, 2, 2], 1, "he"), ([3, 1, 2], 1, "he"), ([2, 2, 2], 2, "he"), ([2] * 6, 1, "raai")],
)
def test_against_networks_one_by_one(widths: list[int], inputs: int, init: str) -> None:
    networks = 4000
    study = handgrad.born_dead(widths, inputs=inputs, init=init, networks=50_000, seed=1)
    points = np.random.default_rng(5).uniform(-1, 1, (inputs, 200))
    theirs = simulated(widths, points, init, networks, seed=2)
    spread = math.hypot(study.standard_error, math.sqrt(theirs * (1 - theirs) / networks))
    assert abs(study.estimate - theirs) < 4 * spread + 0.01 * (inputs > 1)


@pytest.mark.parametrize("init", [n for n, i in INITIALISATIONS.items() if not i.biased])
@pytest.mark.parametrize("widths", [[1, 1], [2, 2, 2, 2], [4, 3, 2], [1, 5]])
def test_within_the_bounds(widths: list[int], init: str) -> None:
    study = handgrad.born_dead(widths, init=init, networks=40_000, seed=3)
    for layers in range(1, len(widths) + 1):
        known = study.bounds_at(layers)
        assert known is not None
        assert known.lower is not None
        slack = 4 * study.error(layers)
        assert known.lower - slack <= study.share(layers) <= known.upper + slack
        assert study.share(layers) <= dying(widths[:layers]) + slack


def test_two_layers_are_known_exactly() -> None:
    """After the first layer the two sides are at right angles: the lower bound is the probability."""
    study = handgrad.born_dead([3, 2], networks=200_000)
    known = study.bounds
    assert known is not None
    assert known.lower == pytest.approx(0.25 * 0.25 + 0.75 * 0.0625)
    assert study.estimate == pytest.approx(known.lower, abs=4 * study.standard_error)


def test_inputs_on_one_side_are_known_exactly() -> None:
    study = handgrad.born_dead([2, 3, 1], over=(0.0, 1.0), networks=100_000)
    assert bounds([2, 3, 1], 1, 1).lower == pytest.approx(1 - 0.75 * 0.875 * 0.5)
    assert study.estimate == pytest.approx(1 - 0.75 * 0.875 * 0.5, abs=4 * study.standard_error)
    mirrored = handgrad.born_dead([2, 3, 1], over=(-1.0, 0.0), networks=100_000)
    assert mirrored.estimate == pytest.approx(study.estimate, abs=6 * study.standard_error)


def test_the_bounds_tell_a_wrong_count() -> None:
    """Had dead networks been missed, the share would have left the bounds."""
    study = handgrad.born_dead([2] * 10, networks=20_000)
    known = study.bounds
    assert known is not None
    assert known.lower is not None
    assert study.estimate - 0.05 < known.lower
    assert study.estimate + 0.05 > known.upper


def test_a_share_of_none_still_has_an_error() -> None:
    study = handgrad.born_dead([50, 50], networks=1000)
    assert study.estimate == 0
    assert 0 < study.standard_error < 0.01


def test_the_asymmetric_initialisation() -> None:
    drawn = INITIALISATIONS["raai"].draw(np.random.default_rng(0), 50, 4, 2000)
    assert drawn.shape == (50, 5, 2000)
    # One entry of five has mean 2/3 and second moment 1/2, the others 0 and 0.6007²/4.
    assert drawn.mean() == pytest.approx((2 / 3) / 5, abs=0.005)
    assert (drawn**2).mean() == pytest.approx((0.5 + 4 * 0.6007**2 / 4) / 5, abs=0.005)
    symmetric = handgrad.born_dead([2] * 10, networks=5000)
    asymmetric = handgrad.born_dead([2] * 10, init="raai", networks=5000)
    assert asymmetric.estimate < symmetric.estimate / 2


def test_intervals_never_prove_more_than_the_points_show() -> None:
    for inputs, init in ((1, "raai"), (2, "he"), (5, "he")):
        study = handgrad.born_dead([2] * 6, inputs=inputs, init=init, networks=400)
        found = study.examined
        assert found is not None
        assert 0 < found.proved <= found.dead <= found.networks
        spread = math.sqrt(0.25 / found.networks + 0.25 / 400)
        assert abs(found.dead / found.networks - study.estimate) < 4 * spread
    assert handgrad.born_dead([2], networks=10).examined is None


def test_the_same_seed_gives_the_same_networks() -> None:
    options: dict[str, Any] = {"networks": 10_000, "init": "raai"}
    one = handgrad.born_dead([2, 3], seed=4, **options)
    assert one == handgrad.born_dead([2, 3], seed=4, **options)
    assert one != handgrad.born_dead([2, 3], seed=5, **options)


def test_progress_is_told() -> None:
    told: list[int] = []
    handgrad.born_dead([8] * 20, networks=5000, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 5000
    assert len(told) > 1


def test_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    for options in (["--width", "2", "--depth", "3"], ["--width", "4,2", "--init", "raai"]):
        found = printed(["born-dead", "--samples", "500", *options], capsys)
        validate(found, "born-dead")
        assert found["networks"] == 500
        assert found["depths"][-1]["estimate"] == found["estimate"]
    table = printed(["born-dead", "--table", "--samples", "200", "--depth", "1,4"], capsys)
    validate(table, "born-dead-table")
    assert [s["widths"] for s in table["studies"]] == [[n] * 4 for n in (2, 3, 4, 5, 6)]
    assert table["depths"] == [1, 4]
    found["estimate"] = 1.5
    with pytest.raises(jsonschema.ValidationError):
        validate(found, "born-dead")


def test_the_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["born-dead", "--samples", "20000"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "20 000 networks with 10 hidden layers of 2 units, scalar inputs in [-1, 1]" in page
    assert "between 0.8902 and 0.9249" in page
    assert run(["born-dead", "--samples", "300", "--over", "[-1,1]^2", "--width", "2,2"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "hidden layers of 2, 2 units, inputs" not in page
    assert "2 hidden layers of 2 units, inputs of 2 entries in [-1, 1]" in page
    assert "intervals prove" in page
    assert run(["born-dead", "--table", "--samples", "500"]) == 0
    assert "width │ 1 │" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--width", "two"], "--width: 'two' is not a list of whole numbers"),
        (["--width", "0"], "hidden layers of from 1 to 4096 units"),
        (["--width", "99999"], "hidden layers of from 1 to 4096 units"),
        (["--width", "4,2", "--depth", "3"], "lists the layers one by one"),
        (["--depth", "2,3"], "add --table"),
        (["--depth", "0"], "there are from 1 to 1000"),
        (["--depth", "999999"], "there are from 1 to 1000"),
        (["--over", "[1,-1]"], "no inputs from 1.0 to -1.0"),
        (["--over", "(0,1)"], "is not an interval"),
        (["--over", "[-1,1]^2", "--inputs", "3"], "is a box of dimension 2, not 3"),
        (["--over", "[-1e999,1]"], "no inputs from"),
        (["--samples", "0"], "0 networks"),
        (["--inputs", "0"], "inputs of dimension 0"),
        (["--init", "zero"], "--init"),
        (["--seed", "-1"], "--seed"),
        (["--table", "--depth", "0"], "--width 2,3,4 --depth 5,10"),
        (["--table", "--width", ""], "is not a list"),
    ],
)
def test_options_that_cannot_be_used(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["born-dead", "--samples", "10", *options]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_what_python_gives_is_checked_too() -> None:
    with pytest.raises(handgrad.OptionError, match="did you mean xavier"):
        handgrad.born_dead([2], init="xavir")
    with pytest.raises(handgrad.OptionError, match="hidden layers"):
        handgrad.born_dead([])
    assert json.dumps(handgrad.born_dead([2], networks=5).to_json())
