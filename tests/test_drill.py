"""The drill: through its values, and through the command as a person and a pipe meet it."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad
from handgrad.drilling.asking import WORDS
from handgrad.drilling.replies import Accepted, AtStart, Back, Skipped, Told
from handgrad.drilling.state import kept, restored
from handgrad.drilling.typed import Cells, DrillUnfinished, Unread, read_typed
from handgrad.formats.terminal import render_terminal
from tests.schemas import validate
from tests.slow import LARGE, with_slow
from tests.test_documents import indented, python

BUNDLED = [name for name, _, _ in handgrad.bundled()]
LAB = handgrad.load("lab9")
Z2_WRONG, DW2 = "0.42 0.17", "-0.1315 -0.0219; 0 0"


def right(drill: handgrad.Drill) -> str:
    """The right figures of what is asked for, to six decimals, as they may be typed."""
    _, said = drill.show()
    assert isinstance(said, Told)
    return written(said.judged.expected)


def written(array: Any) -> str:
    rows = np.asarray(array)
    if rows.ndim < 2:
        return " ".join(f"{x:.6f}" for x in rows.flat)
    return "\n".join(" ".join(f"{x:.6f}" for x in row) for row in rows.reshape(-1, rows.shape[-1]))


def at(target: str, **options: Any) -> handgrad.Drill:
    """A drill of the lab where a quantity is asked for first."""
    return handgrad.drill(LAB, words=[target], **options)


# -- figures as they are typed ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shape", "cells"),
    [
        ("0.42 -0.17", (2,), ("0.42", "-0.17")),
        ("[0.42, -0.17]", (2,), ("0.42", "-0.17")),
        ("z2 = [0.42, -0.17]", (2,), ("0.42", "-0.17")),
        ("0,42 −0,17", (2,), ("0,42", "-0,17")),
        ("[0,42, −0,17]", (2,), ("0,42", "-0,17")),
        ("0,42; −0,17", (2,), ("0,42", "-0,17")),
        ("1,0", (2,), ("1", "0")),
        ("0.42\n- 0.17", (2,), ("0.42", "-0.17")),
        ("1,0", (), "1,0"),
        ("dL/dw2: −0,17", (), "-0,17"),
        ("1 / 3", (), "1/3"),
        ("(1/3)", (), "1/3"),
        ("1 2; 3 4", (2, 2), (("1", "2"), ("3", "4"))),
        ("1 2\n3 4", (2, 2), (("1", "2"), ("3", "4"))),
        ("1 2;\n3 4", (2, 2), (("1", "2"), ("3", "4"))),
        ("[[1, 2],\n [3, 4]]", (2, 2), (("1", "2"), ("3", "4"))),
        ("⎡1 2⎤\n⎣3 4⎦", (2, 2), (("1", "2"), ("3", "4"))),
        ("1 2 3 4", (2, 2), (("1", "2"), ("3", "4"))),
        ("0,1 0,2\n0,3 0,4", (2, 2), (("0,1", "0,2"), ("0,3", "0,4"))),
        ("1 2 3; 4 5 6", (3, 2), (("1", "2", "3"), ("4", "5", "6"))),
        ("[[[1, 2]], [[3, 4]]]", (2, 1, 2), ((("1", "2"),), (("3", "4"),))),
        ("5", (1, 1), (("5",),)),
    ],
)
def test_figures_are_read_as_people_type_them(
    text: str, shape: tuple[int, ...], cells: Cells
) -> None:
    assert read_typed(text, shape) == cells


@pytest.mark.parametrize(
    ("text", "shape"), [("1 2", (2, 2)), ("1", (2,)), ("[[1, 2],", (2, 2)), ("1 2;", (2, 2))]
)
def test_a_line_may_go_on(text: str, shape: tuple[int, ...]) -> None:
    assert read_typed(text, shape) == DrillUnfinished()
    ended = read_typed(f"{text}\n", shape)
    assert isinstance(ended, Unread)


@pytest.mark.parametrize(
    ("text", "shape", "said"),
    [
        ("nan", (), "nan”"),
        ("inf 1", (2,), "inf"),
        ("1e999", (), "1e999"),
        ("0.6*0.4", (), "is not a number"),
        ("\x1b[31m", (), "bracket"),
        ("\x1b\x07", (), r"\x1b\x07"),
        ("1 2 3", (2,), "3 figures, and it is a vector of 2 entries"),
        ("", (2,), "no figures"),
        ("[1, 2", (2,), "not closed"),
        ("1]", (), "closed that was not opened"),
        ("[1 2] 7 [3 4]", (2, 2), "between the rows"),
        ("1 2; 3", (2, 2), "row 2 has 1 figure, row 1 has 2"),
        ("7" * 10**6, (2,), "characters long"),
        ("1 " * 500_000, (2,), "characters long"),
    ],
)
def test_what_is_no_answer_gets_one_line(text: str, shape: tuple[int, ...], said: str) -> None:
    started = time.perf_counter()
    read = read_typed(f"{text}\n", shape)
    assert isinstance(read, Unread)
    assert said in read.text
    assert len(read.text) < 120
    assert "\x1b" not in read.text
    assert time.perf_counter() - started < 1


@given(st.text(max_size=60), st.sampled_from([(), (2,), (2, 2), (2, 3, 1), (1,)]))
def test_no_text_breaks_the_reading(text: str, shape: tuple[int, ...]) -> None:
    read = read_typed(text, shape)
    if not isinstance(read, Unread | DrillUnfinished):
        np.asarray(read)


@given(
    st.lists(st.lists(st.decimals(-99, 99, places=3), min_size=3, max_size=3), min_size=2, max_size=2),
    st.sampled_from(["\n", "; ", " ;"]),
    st.sampled_from([" ", ", ", "  "]),
    st.booleans(),
)  # fmt: skip
def test_a_matrix_is_read_in_every_spelling(
    rows: list[list[Any]], between: str, comma: str, decimal: bool
) -> None:
    text = between.join(comma.join(map(str, row)) for row in rows)
    if decimal:
        text = text.replace(",", "").replace(".", ",")
    read = read_typed(text.replace("-", "−"), (2, 3))
    assert [[float(c.replace(",", ".")) for c in r] for r in read] == [[float(x) for x in r] for r in rows]  # type: ignore[union-attr]  # fmt: skip


# -- the drill as a value --------------------------------------------------------------------------


@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_right_figures_go_through_to_the_end(name: str) -> None:
    drill = handgrad.drill(handgrad.load(name))
    for blank in drill.blanks:
        assert drill.blank == blank
        drill.question()
        drill, said = drill.answer(right(drill))
        assert isinstance(said, Accepted), (blank.target, said)
        assert said.judged.verdict == "right"
    assert drill.finished
    assert drill.marks == drill.out_of == drill.done


@pytest.mark.parametrize("name", with_slow(BUNDLED, LARGE - {"classes"}))
def test_every_hint_of_every_quantity_can_be_shown(name: str) -> None:
    drill = handgrad.drill(handgrad.load(name))
    for _ in drill.blanks:
        for level in ("where", "what", "rule", "worked"):
            before, (drill, said) = drill, drill.hint()
            assert isinstance(said, Told)
            assert said.level == level
            page = before.told(said)
            text = render_terminal(page, width=80, colour=False, unicode=True)
            assert text.strip()
    assert drill.finished
    assert drill.marks == 0


def test_wrong_answers_tell_more_and_cost_a_quarter_each() -> None:
    drill = at("z2")
    texts = []
    for _ in range(3):
        drill, said = drill.take(Z2_WRONG)
        assert isinstance(said, Told)
        assert said.wrong
        page = drill.told(said)
        texts.append(render_terminal(page, width=80, colour=False, unicode=False))
    assert "entry 2" in texts[0]
    assert "sign" not in texts[0]
    assert "The sign of z2_2 is wrong" in texts[1]
    assert "z2 =" not in texts[1]
    assert "z2 = W2 h1 + b2" in texts[2]
    assert "-0.17" not in texts[2]
    after, said = drill.take("0.42 -0.17")
    assert isinstance(said, Accepted)
    assert after.marks == 0.25
    after, said = drill.take(Z2_WRONG)
    assert isinstance(said, Told)
    assert said.level == "worked"
    assert after.records["z2"].state == "shown"
    assert after.finished


def test_a_word_goes_before_figures_that_were_begun() -> None:
    drill, said = at("dW2").take("1 2\nskip")
    assert isinstance(said, Skipped)
    assert drill.finished


def test_many_cases_are_asked_for_in_columns() -> None:
    page = handgrad.drill(handgrad.load("batch")).question()
    text = render_terminal(page, width=80, colour=False, unicode=False)
    assert "z1, a vector of 2 entries in each of 3 cases, a column for each:" in text


def test_a_slip_costs_once_and_is_carried_forward() -> None:
    drill = handgrad.drill(LAB)
    for figures in ("0.6 0.1", "0.6 0.1", "0.42 0.17"):
        drill, _ = drill.take(figures)
    assert drill.blank.target == "z2"
    drill, said = drill.take("skip")
    assert isinstance(said, Skipped)
    assert drill.blank.target == "h2"
    drill, said = drill.take("0.42 0.17")
    assert isinstance(said, Accepted)
    assert said.judged.verdict == "consistent"
    drill, said = drill.take("0.484")
    assert isinstance(said, Accepted)
    assert said.judged.verdict == "consistent"
    assert drill.marks == 4


def test_shown_figures_are_no_longer_the_students() -> None:
    drill = at("z2,h2")
    drill, _ = drill.take("7 8")
    drill, said = drill.take("show")
    assert isinstance(said, Told)
    assert drill.records["z2"].figures is None
    drill, said = drill.take("0.42 0")
    assert isinstance(said, Accepted)
    assert said.judged.verdict == "right"


def test_back_and_again() -> None:
    drill = at("z2,h2")
    same, said = drill.take("back")
    assert isinstance(said, AtStart)
    assert same is drill
    drill, _ = drill.take("0.42 -0.17")
    drill, said = drill.take("back")
    assert isinstance(said, Back)
    assert said.record.answered
    looked, said = drill.take("?")
    assert isinstance(said, Told)
    assert looked is drill
    changed, _ = drill.take("1 1")
    assert changed.records["z2"].state == "open"
    assert changed.marks == 0
    changed, _ = changed.take("0.42 -0.17")
    assert changed.marks == 0.75
    assert changed.blank.target == "h2"


def test_what_is_skipped_comes_again_at_the_next_sitting() -> None:
    drill = at("z2,h2")
    drill, _ = drill.take("skip")
    drill, _ = drill.take("0.42 0")
    assert drill.finished
    again = drill.resumed()
    assert again.blank.target == "z2"
    again, _ = again.take("0.42 -0.17")
    assert again.finished


def test_what_is_asked_for_is_chosen() -> None:
    def targets(*words: str, **options: Any) -> list[str]:
        drill = handgrad.drill(LAB, words=words, **options)
        return [b.target for b in drill.blanks]

    assert targets("dW2, db2") == ["dW2", "db2"]
    assert targets("2.4", "z1") == ["z1", "dz2"]
    assert targets("2.5") == targets("dW2,db2,z1", only="backward")
    assert len(targets("updated")) == 6
    with pytest.raises(handgrad.OptionError, match="dW2"):
        targets("dw22")
    with pytest.raises(handgrad.OptionError, match="nothing is left"):
        targets("z1", only="backward")


def test_what_the_answers_start_from_is_shown_and_nothing_else() -> None:
    page = at("dz2,dW2").opening()
    text = render_terminal(page, width=80, colour=False, unicode=False)
    started = text[text.index("Computed already") :]
    for name in ("h1 =", "z2 =", "dL/dh2 ="):
        assert name in started
    for name in ("dL/db2", "delta2", "dL/dW2", "L ="):
        assert name not in started.split("How to answer")[0]


@given(st.lists(st.sampled_from(["?", "skip", "back", "show", "0.42 -0.17", "0", "1 2; 3 4", "x", "[", DW2, "help"]), max_size=40))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_any_sequence_leaves_a_sound_drill_that_can_be_kept(typed: list[str]) -> None:
    drill = handgrad.drill(LAB, words=["z2,h2,dz2,dW2"])
    for text in typed:
        if drill.finished:
            break
        before = drill
        drill, said = drill.take(text)
        drill.told(said)
        assert before.done <= len(before.blanks)
    drill.page()
    validate(json.loads(json.dumps(drill.to_json())), "drill")
    state = json.loads(json.dumps(kept(drill), allow_nan=False))
    fresh = handgrad.drill(LAB, words=["z2,h2,dz2,dW2"])
    again = restored(fresh, state)
    assert again.marks == drill.marks
    assert again.done == drill.done
    for target, record in drill.records.items():
        assert again.records[target].figures == record.figures


@pytest.mark.parametrize(
    "damage",
    [
        {"schema": "other"},
        {"quantities": 3},
        {"quantities": [{"target": "nothing"}]},
        {"quantities": [{"target": "z1", "state": "right", "figures": None, "wrong": 0, "hints": 0, "trivial": False}]},
        {"quantities": [{"target": "z1", "state": "open", "figures": ["x"], "wrong": 0, "hints": 0, "trivial": False}]},
        {"quantities": [{"target": "z1", "state": "open", "figures": None, "wrong": -1, "hints": 0, "trivial": False}]},
        {"quantities": [{"target": "z1", "state": "open", "figures": None, "wrong": True, "hints": 0, "trivial": False}]},
        {"quantities": [{"target": [], "state": "open"}]},
        {"quantities": [{"target": "z1", "state": []}]},
    ],
)  # fmt: skip
def test_a_state_that_is_damaged_is_refused(damage: dict[str, Any]) -> None:
    drill = handgrad.drill(LAB)
    with pytest.raises(ValueError, match=r"damaged|no drill"):
        restored(drill, {**kept(drill), **damage})


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "state"


def command(home: Path, typed: str | bytes, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What the command prints to standard output and error, with lines piped in."""
    result = subprocess.run(
        [sys.executable, "-m", "handgrad", "drill", *arguments],
        input=typed.encode() if isinstance(typed, str) else typed,
        capture_output=True,
        check=False,
        env=environment(home),
    )
    assert result.returncode == code, result.stderr
    assert b"Traceback" not in result.stderr
    return result.stdout.decode(), result.stderr.decode()


def environment(home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "XDG_STATE_HOME": str(home),
        "LOCALAPPDATA": str(home),
        "PYTHONIOENCODING": "utf-8",
    }


def test_piped_lines_are_answers_and_the_rest_is_kept(home: Path) -> None:
    out, err = command(home, f"0.6 0.1\n0.6 0.1\n{Z2_WRONG}\n", "lab9", "--width", "80")
    assert err == ""
    assert "z1 = 0.6 0.1\n✓ Right." in out
    assert "Not right in entry 2" in out
    assert "Kept: 2 of 24 done" in out
    assert max(map(len, out.splitlines())) <= 80
    (file,) = (home / "handgrad").iterdir()
    told = json.loads(file.read_text("utf-8"))["quantities"]
    assert [(q["target"], q["wrong"]) for q in told] == [("z1", 0), ("h1", 0), ("z2", 1)]

    out, _ = command(home, "0.42 -0.17\nquit\n", "lab9")
    assert "Resumed where you left off: 2 of 24 done, 2 marks" in out
    assert "z2 = 0.42 -0.17\n✓ Right. 0.75 of a mark." in out

    out, _ = command(home, "", "lab9", "--json")
    state = json.loads(out)
    validate(state, "drill")
    assert (state["done"], state["marks"], state["next"]) == (3, 2.75, "h2")

    out, _ = command(home, "", "lab9", "--restart", "--json")
    assert json.loads(out)["done"] == 0
    assert not list((home / "handgrad").iterdir())


def test_the_end_is_a_summary_in_ascii(home: Path) -> None:
    out, _ = command(home, "-0.2192 0\n-0.1315 -0.0219\n0 0\n", "lab9", "--blank", "dz2,dW2", "--ascii")  # fmt: skip
    assert out.isascii()
    assert "2 of 2 marks" in out
    assert "  ... 0 0" in out
    out, _ = command(home, "", "lab9", "--blank", "dz2,dW2")
    assert "2 of 2 marks" in out


def test_other_numbers_are_another_drill(home: Path) -> None:
    command(home, "0.6 0.1\n", "lab9")
    out, _ = command(home, "", "lab9", "--seed", "3", "--off", "2:1", "--level", "easy", "--json")
    variant = json.loads(out)
    assert variant["done"] == 0
    again, _ = command(home, "", "lab9", "--seed", "3", "--off", "2:1", "--level", "easy", "--json")
    assert again == out
    out, _ = command(home, "", "lab9", "--set", "x=[0,1]", "--json")
    assert json.loads(out)["done"] == 0
    _, err = command(home, "", "lab9", "--level", "easy", code=2)
    assert "--seed 1" in err
    _, err = command(home, "", "-", code=2)
    assert "standard input" in err


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"schema": "handgrad/drill/1"}']
)
def test_a_damaged_state_is_said_and_set_aside(home: Path, content: bytes) -> None:
    store = handgrad.DrillStore(home)
    fresh = handgrad.drill(LAB)
    begun, _ = fresh.take("0.6 0.1")
    store.save(begun)
    kept = store.path(LAB)
    kept.write_bytes(content)
    again, remark = store.load(fresh)
    assert again is fresh
    assert "cannot be used" in remark
    assert str(kept.with_suffix(".damaged")) in remark
    assert kept.with_suffix(".damaged").read_bytes() == content
    store.save(begun)
    assert store.load(fresh)[0].done == 1
    assert store.load(fresh)[1] == ""


def test_the_state_of_another_problem_is_set_aside(home: Path) -> None:
    store = handgrad.DrillStore.of_user(environment(home))
    drill, _ = handgrad.drill(LAB).take("0.6 0.1")
    store.save(drill)
    other = handgrad.load("softmax")
    store.path(LAB).replace(store.path(other))
    out, _ = command(home, "quit\n", "softmax")
    assert "another problem" in out


def test_a_state_that_cannot_be_kept_is_said_once(tmp_path: Path) -> None:
    blocked = tmp_path / "state"
    blocked.write_text("a file where a folder should be")
    out, err = command(blocked, "0.6 0.1\n0.6 0.1\n", "lab9")
    assert out.count("✓ Right.") == 2
    assert err.count("will not be kept") == 1
    assert "Kept:" not in out


def test_hostile_lines_get_one_line_each(home: Path) -> None:
    lines = b"\n".join(
        [b"9" * 10**6, b"\x1b]0;title\x07", b"\x00", b"\xff\xfe\xfa", b"nan", b"1 2 3", b"[[[[", b"", b"0.6 0.1"]
    )  # fmt: skip
    out, err = command(home, lines, "lab9")
    assert err == ""
    assert "\x1b" not in out
    assert "\x00" not in out
    assert len(out) < 10_000
    assert "✓ Right." in out


AT_A_TERMINAL = """
import fcntl, runpy, signal, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("handgrad", run_name="__main__", alter_sys=True)
"""
"""handgrad where the terminal's Ctrl-C interrupts it."""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_ctrl_c_keeps_what_was_answered(home: Path) -> None:
    import pty

    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, "drill", "lab9", "--width", "80"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**environment(home), "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(slave)
    screen = read_until(master, "z1 = ")
    os.write(master, b"0.6 0.1\n")
    screen += read_until(master, "h1 = ")
    assert "\x1b[" in screen
    os.write(master, b"0.6 ")
    screen = read_until(master, "Kept: 1 of 24 done", press=b"\x03")
    assert process.wait(timeout=20) == 130
    os.close(master)
    assert "Traceback" not in screen
    out, _ = command(home, "", "lab9", "--json")
    assert json.loads(out)["next"] == "h1"


def read_until(master: int, text: str, press: bytes = b"") -> str:
    """What a pseudo-terminal shows until a text is in it; fails where it does not come.

    A key is pressed until something comes of it: Python loses an interrupt that arrives between
    its showing a prompt and its waiting for a line.
    """
    found = b""
    ends = time.monotonic() + 60
    while text.encode() not in found and time.monotonic() < ends:
        if not select.select([master], [], [], 0.5)[0]:
            os.write(master, press)
            continue
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        found += piece
    assert text in found.decode(errors="replace"), found
    return found.decode(errors="replace")


DOCUMENT = (Path(__file__).parent.parent / "docs" / "drill.md").read_text("utf-8")


def test_the_sitting_of_the_document(home: Path) -> None:
    sitting = indented(DOCUMENT, "Not right")
    typed = "\n".join(re.findall(r"^\w+ = (.*)$", sitting, re.MULTILINE))
    out, _ = command(home, typed, "lab9", "--blank", "z2,h2", "--width", "80")
    assert sitting == out[out.index("── 1.2") : out.index("── Summary")].strip()


def test_the_python_of_the_document() -> None:
    exec(python(DOCUMENT, "handgrad.drill"), {})


def test_every_word_is_in_the_document() -> None:
    for word in set(WORDS.values()) - {"hint"}:
        assert f"`{word}`" in DOCUMENT


def test_what_is_computed_from_numbers_alone_says_so() -> None:
    problem = handgrad.Problem("s = u @ v\nL = 1 - s", {"u": [3, 4]}, {"v": [1, 2]})
    drill, reply = handgrad.drill(problem, words=["ds"]).take("?")
    text = render_terminal(drill.told(reply), width=80, colour=False, unicode=True)
    assert "∂L/∂s is computed from no other value: its formula has numbers alone." in text
