"""Judge 1: every command and page kind, through the public doors; numbers that they give are judged too."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

import handgrad
from handgrad.drilling.replies import Accepted, Skipped
from handgrad.formats.terminal import render_terminal
from handgrad.lab.answers import answered
from handgrad.operations import BY_NAME, SPELLINGS
from handgrad.running.rows import examples_as_cases
from tests.gauntlet import precise
from tests.gauntlet.numbers import (
    agrees_as_floats,
    array,
    compare,
    compare_solution,
    compare_updated,
    difference,
    largest,
)
from tests.gauntlet.oracle import Evaluated, Oracle
from tests.gauntlet.precise import Precise
from tests.gauntlet.subject import Array, Subject, Wrong, command_line, quiet
from tests.quizzes.stack_trees import failing

Judge = Callable[[Subject], None]
COMMANDS: dict[str, Judge] = {}
"""By name, what is run and judged. A refusal that it allows is what its command is not made for."""

NOT_SYMBOLS = (r"symbols", r"sympy", r"too (large|many|long)")
SWAPPED = {"relu": "leaky_relu", "tanh": "sigmoid", "sigmoid": "tanh", "leaky_relu": "relu"}


def command(judge: Judge) -> Judge:
    COMMANDS[judge.__name__] = judge
    return judge


# -- solve ---------------------------------------------------------------------------------


@command
def solve(s: Subject) -> None:
    s.run("solve", "--width", str(s.random.choice((40, 80, 120))))


@command
def solve_json(s: Subject) -> None:
    ran = s.run("solve", "--json")
    if ran is None:
        return
    compare_solution(s, ran.json)
    if s.finite and s.oracle.update and s.oracle.parameters:
        compare_updated(s, "updated parameters", ran.json, 1)


@command
def solve_steps(s: Subject) -> None:
    steps = s.random.choice((2, 3))
    ran = s.run(
        "solve",
        "--json",
        "--steps",
        str(steps),
        allowed=(r"update \d", "not finite", "only one update"),
    )
    s.run("solve", "--steps", "2", allowed=(r"update \d", "not finite", "only one update"))
    if ran is None or not s.finite or not (s.oracle.update and s.oracle.parameters):
        return
    compare_updated(s, "parameters after updates", ran.json, steps)


@command
def solve_step(s: Subject) -> None:
    ran = s.run("solve", "--json")
    if ran is not None:
        s.run("solve", "--step", s.random.choice(ran.json["steps"])["id"])


@command
def solve_only(s: Subject) -> None:
    for phase in ("forward", "backward", "update"):
        allowed = ("update",) if phase == "update" else ()
        s.run("solve", "--only", phase, allowed=allowed)


@command
def solve_elements(s: Subject) -> None:
    s.run("solve", "--elements")


@command
def solve_ascii(s: Subject) -> None:
    ran = s.run("solve", "--ascii", "--width", "60", "--colour")
    if ran is not None and not ran.out.isascii():
        signs = sorted({c for c in ran.out if not c.isascii()})
        raise Wrong("not ASCII", " ".join(signs))


@command
def solve_decimals(s: Subject) -> None:
    s.run("solve", "--decimals", str(s.random.choice((0, 1, 2, 8, 15))))


@command
def solve_swap(s: Subject) -> None:
    if not s.activations:
        return
    old = s.random.choice(s.activations)
    new = SWAPPED.get(old, "relu")
    found = s.oracle.run(swap={old: new})
    ran = s.run("solve", "--json", "--swap", f"{old}={new}", finite=s.is_finite(found))
    if ran is not None:
        compare_solution(s, ran.json, swap={old: new})


@command
def solve_set(s: Subject) -> None:
    name, changed, said = other_numbers(s)
    found = s.oracle.run(changes={name: changed})
    ran = s.run("solve", "--json", "--set", f"{name}={said}", finite=s.is_finite(found))
    if ran is not None:
        compare_solution(s, ran.json, changes={name: changed})


def other_numbers(s: Subject) -> tuple[str, Array, str]:
    """A name that is given with other numbers: the array, and as it is written on the command line."""
    given = {**s.oracle.parameters, **s.oracle.data}
    # Targets, masks and class numbers mean something; parameters do not mind.
    name = s.random.choice(list(s.oracle.parameters or given))
    grid = np.asarray(given[name])
    changed = np.round(grid + np.asarray([s.random.choice((-0.3, 0, 0.2)) for _ in range(grid.size)]).reshape(grid.shape), 1)  # fmt: skip
    rows = np.moveaxis(changed, -1, 0) if name in s.oracle.batched else changed
    return name, changed, str(rows.tolist())


@command
def solve_rounded(s: Subject) -> None:
    s.run("solve", "--carry", "rounded", allowed=("rounded", "here it is 0"))


@command
def solve_exact(s: Subject) -> None:
    ran = s.run("solve", "--numbers", "exact", "--json", allowed=("exact",))
    s.run("solve", "--numbers", "exact", allowed=("exact",))
    if ran is None or not s.finite:
        return
    for what, theirs in (("values", s.found.values), ("gradients", s.found.gradients)):
        ours = {n: _exact(v) for n, v in ran.json[what].items()}
        compare(f"exact {what}", ours, theirs, partial(_precisely, s, what))


def _precisely(s: Subject, what: str, name: str) -> Array:
    return precise.values(s.oracle)[name] if what == "values" else precise.gradient(s.oracle, name)


def _exact(value: Any) -> Array:
    from fractions import Fraction

    def number(v: Any) -> Any:
        if isinstance(v, list):
            return [number(e) for e in v]
        text = v.replace("≈", "").replace("−", "-").strip()
        try:
            return float(Fraction(text)) if "/" in text else float(text)
        except ValueError:
            return np.nan

    return np.asarray(number(value), dtype=float)


@command
def solve_symbols(s: Subject) -> None:
    size = sum(a.size for a in s.oracle.parameters.values())
    if size > 10 or len(s.oracle.equations) > 8:
        return
    s.run("solve", "--numbers", "symbols", allowed=NOT_SYMBOLS)


@command
def intervals(s: Subject) -> None:
    if not s.finite:
        return
    with quiet():
        try:
            bounds = handgrad.run_intervals(s.problem)
        except handgrad.HandgradError as error:
            s.noted.append(f"intervals: {type(error).__name__}")
            return
        for name in s.oracle.parameters:
            bound = bounds.gradient(name)
            if not _within(s.found.gradients[name], bound.lower, bound.upper):
                # Floats may have lost it, where the loss is written out for its own overflow.
                exact = precise.gradient(s.oracle, name)
                if not _within(exact, bound.lower, bound.upper):
                    raise Wrong("a gradient outside its bounds", name)


def _within(value: Array, lower: Array, upper: Array) -> bool:
    slack = 1e-9 * max(1.0, float(np.abs(value).max()))
    return not ((value < lower - slack) | (value > upper + slack)).any()


# -- files ---------------------------------------------------------------------------------


def _file(kind: str, *options: str, times: int = 1) -> Judge:
    def judge(s: Subject) -> None:
        if times > 1 and s.random.randrange(times):
            return
        ran = s.run("solve", "-o", s.out(f"page.{kind}"), *options)
        if ran is not None and not (s.folder / f"page.{kind}").stat().st_size:
            raise Wrong("an empty file", kind)

    return judge


for _kind in ("html", "tex", "typ", "md", "ipynb", "svg", "json", "txt"):
    COMMANDS[f"file_{_kind}"] = _file(_kind)
COMMANDS["file_png"] = _file("png", times=4)
COMMANDS["file_pdf"] = _file("pdf", times=10)
COMMANDS["slides_html"] = _file("html", "--as", "slides")
COMMANDS["slides_typ"] = _file("typ", "--as", "slides")
COMMANDS["slides_pdf"] = _file("pdf", "--as", "slides", times=20)
COMMANDS["file_elements"] = _file("html", "--elements")
COMMANDS["file_backward"] = _file("tex", "--only", "backward")


# -- lab -----------------------------------------------------------------------------------

FIGURE = re.compile(r'data-name="([^"\[]+)(?:\[([\d,]*)\])?" data-value="([^"]*)"')


@command
def lab(s: Subject) -> None:
    """The lab's page is made without a fault of ours, and a figure that says its name has PyTorch's value."""
    answer = answered("page", {"text": s.text})
    said = json.loads(answer.content)
    if answer.status != 200:
        if answer.status != 422 or s.finite:
            raise Wrong("the lab refuses", said["error"]["text"])
        return
    computed = {t for t, _ in s.oracle.equations}
    # Where a problem has a value named df, a picture's gradient of f has that name too.
    computed -= {f"d{name}" for name in {*computed, *s.oracle.parameters, *s.oracle.data}}
    page = "".join(html for _, html in said["parts"])
    for name, index, value in FIGURE.findall(page):
        at = tuple(int(i) for i in index.split(",") if i)
        if not s.finite or name not in computed or s.found.values[name].ndim != len(at):
            continue
        if difference(float(value), float(s.found.values[name][at])) > 1:
            raise Wrong("a figure of the lab differs", f"{name}{list(at)}: {value}, PyTorch {s.found.values[name][at]}")  # fmt: skip


# -- why -----------------------------------------------------------------------------------

ENTRIES = 6
"""Entries asked about of one problem; its others come up in other problems of the family."""


def _entries(s: Subject, names: list[str], arrays: dict[str, Array]) -> list[tuple[str, str, float]]:  # fmt: skip
    """(name, entry as it is asked for, the number)."""
    found = []
    for name in names:
        value = arrays[name]
        if name in s.oracle.batched:
            continue
        for at in np.ndindex(*value.shape):
            index = f"[{','.join(map(str, at))}]" if at else ""
            found.append((name, index, float(value[at])))
    s.random.shuffle(found)
    return found[:ENTRIES]


@command
def why_gradients(s: Subject) -> None:
    entries = _entries(s, list(s.oracle.parameters), s.found.gradients)
    size = largest({n: s.found.gradients[n] for n in s.oracle.parameters})
    for k, (name, index, value) in enumerate(entries):
        entry = f"d{name}{index}"
        if k % 2:
            s.run("why", entry)
            continue
        ran = s.run("why", entry, "--json")
        if ran is not None and s.finite and difference(ran.json["value"], value, size) > 1:
            raise Wrong("why's gradient differs", f"{entry}: {ran.json['value']}, PyTorch {value}")


@command
def why_whole(s: Subject) -> None:
    for name in s.random.sample([*s.oracle.parameters], min(1, len(s.oracle.parameters))):
        s.run("why", name)


@command
def why_values(s: Subject) -> None:
    computed = [t for t, _ in s.oracle.equations]
    allowed = (r"cases", r"not finite")
    for name, index, value in _entries(s, computed, s.found.values):
        ran = s.run("why", f"{name}{index}", "--json", allowed=allowed)
        if ran is not None and s.finite and difference(ran.json["value"], value) > 1:
            raise Wrong("why's value differs", f"{name}{index}: {ran.json['value']}, PyTorch {value}")  # fmt: skip
    for name in s.random.sample(computed, min(2, len(computed))):
        at = ",".join(str(s.random.randrange(n)) for n in s.found.values[name].shape)
        index = f"[{at}]" if at else ""
        s.run("why", f"d{name}{index}", allowed=allowed)
        s.run("why", f"{name}{index}", "--decimals", "3", allowed=allowed)


@command
def solve_unit(s: Subject) -> None:
    allowed = (r"is used by \d+ units", r"no unit uses", r"parameters have cases", r"is given")
    for name in s.random.sample([t for t, _ in s.oracle.equations], 1):
        shape = s.found.values[name].shape
        at = ",".join(str(s.random.randrange(n)) for n in shape[:-1] if name in s.oracle.batched)
        if name not in s.oracle.batched:
            at = ",".join(str(s.random.randrange(n)) for n in shape)
        unit = f"{name}[{at}]" if at else name
        s.run("solve", "--unit", unit, "--top", str(s.random.choice((1, 3, 8))), allowed=allowed)


# -- gates, questions, compare -------------------------------------------------------------

NO_GATES = (r"has no (gates|activation|units)", r"no (gate|activation)", r"not a gate")


@command
def gates(s: Subject) -> None:
    s.run("gates", allowed=NO_GATES)


@command
def gates_json(s: Subject) -> None:
    s.run("gates", "--json", allowed=NO_GATES)


@command
def gates_over(s: Subject) -> None:
    vectors = [n for n, a in s.oracle.data.items() if n in _used(s) and a.size < 20]
    if not vectors:
        return
    name = s.random.choice(vectors)
    shape = s.oracle.data[name].shape
    shape = shape[:-1] if name in s.oracle.batched else shape
    if len(shape) > 1:
        return
    box = f"{name} in [-1,1]" + (f"^{shape[0]}" if shape else "")
    options = ["--tighten"] if s.random.random() < 0.3 else []
    s.run("gates", "--over", box, *options, allowed=(*NO_GATES, r"box", r"over"))


def _used(s: Subject) -> set[str]:
    return {w for _, text in s.oracle.equations for w in re.findall(r"\w+", text)}


@command
def questions(s: Subject) -> None:
    s.run("questions", allowed=(r"no such question", r"no question"))


@command
def questions_json(s: Subject) -> None:
    s.run("questions", "--json", allowed=(r"no such question", r"no question"))


@command
def questions_html(s: Subject) -> None:
    s.run("questions", "-o", s.out("questions.html"), allowed=(r"no such question", r"no question"))


@command
def compare_swap(s: Subject) -> None:
    if s.activations:
        old = s.random.choice(s.activations)
        new = SWAPPED.get(old, "relu")
        finite = s.finite and s.is_finite(s.oracle.run(swap={old: new}))
        s.run("compare", "--swap", f"{old}={new}", finite=finite)


@command
def compare_set(s: Subject) -> None:
    name, changed, said = other_numbers(s)
    finite = s.finite and s.is_finite(s.oracle.run(changes={name: changed}))
    s.run("compare", "--set", f"{name}={said}", finite=finite)
    kind = s.random.choice(("html", "tex", "md", "ipynb", "json"))
    s.run("compare", "--set", f"{name}={said}", "-o", s.out(f"both.{kind}"), finite=finite)


# -- practice ------------------------------------------------------------------------------

NO_WISH = (r"--off", r"--zero-input", r"--path-sum", r"gate", r"input", r"layer")
NO_NUMBERS = (r"no numbers", r"none of", r"could be found", r"no variant", r"tried")


@command
def practice(s: Subject) -> None:
    seed = str(s.random.randrange(1000))
    level = s.random.choice(("easy", "medium", "hard"))
    s.run("practice", "--seed", seed, "--level", level, allowed=NO_NUMBERS)


@command
def practice_json(s: Subject) -> None:
    ran = s.run("practice", "--json", "--count", "2", "--seed", str(s.seed), allowed=NO_NUMBERS)
    if ran is None:
        return
    for sheet in ran.json["sheets"]:
        drawn = {n: array(v) for n, v in {**sheet["parameters"], **sheet["data"]}.items()}
        for name, numbers in drawn.items():
            given = {**s.oracle.parameters, **s.oracle.data}[name]
            if numbers.shape != given.shape:
                raise Wrong("a drawn array of another shape", name)


@command
def practice_wishes(s: Subject) -> None:
    wishes = s.random.choice((["--off", "1"], ["--zero-input"], ["--path-sum"], ["--grid", "halves"], ["--off", "0"], ["--off", "1:1"]))  # fmt: skip
    started = time.process_time()
    s.run("practice", *wishes, "--seed", str(s.seed), allowed=(*NO_NUMBERS, *NO_WISH))
    if time.process_time() - started > 5:
        raise Wrong("a slow search", f"{wishes}: {time.process_time() - started:.1f} s")


@command
def practice_key(s: Subject) -> None:
    kind = s.random.choice(("html", "tex", "typ", "md"))
    s.run("practice", "--count", "2", "-o", s.out(f"sheets.{kind}"), "--key", s.out(f"key.{kind}"), allowed=NO_NUMBERS)  # fmt: skip


@command
def practice_blank(s: Subject) -> None:
    words = s.random.choice(("forward", "backward"))
    s.run("practice", "--blank", words, "--formulas", allowed=NO_NUMBERS)


@command
def practice_problems(s: Subject) -> None:
    folder = s.folder / "drawn"
    for old in folder.glob("*"):
        old.unlink()
    ran = s.run("practice", "--problems", str(folder), "--count", "2", allowed=NO_NUMBERS)  # fmt: skip
    if ran is None:
        return
    problems = [p for p in sorted(folder.glob("*.toml")) if "equations" in p.read_text()]
    if not problems:
        raise Wrong("no problems were written", str(list(folder.iterdir())))
    for path in problems:
        found = Oracle(path.read_text()).run()
        if not s.is_finite(found):
            raise Wrong("a drawn problem without finite numbers", path.read_text())
        own = handgrad.solve(handgrad.load(path)).run.total
        if difference(own, found.loss) > 1:
            raise Wrong("loss of a drawn problem differs", f"{own}, PyTorch {found.loss}")


# -- checking ------------------------------------------------------------------------------


def answers(s: Subject, found: Evaluated | None = None) -> dict[str, Array] | None:
    """What a complete sheet asks for, from PyTorch's numbers; None where there is no solution.

    `found` are numbers of many digits in place of PyTorch's.
    """
    ran = s.run("check", "--blank", allowed=(r"not finite",))
    if ran is None or not s.finite:
        return None
    asked = tomllib.loads(ran.out)
    found = found or s.found
    sheet: dict[str, Array] = {}
    for target, cells in asked.items():
        if target == "updated":
            continue
        number = None
        if target in found.values:
            number = found.values[target]
        elif target.startswith("d") and target[1:] in found.gradients:
            number = found.gradients[target[1:]]
        if number is None or not np.isfinite(number).all():
            continue
        if target not in found.values:
            number = once(number, np.shape(cells))
        if np.shape(cells) != number.shape:
            raise Wrong("a blank of another shape", f"{target}: {np.shape(cells)}, {number.shape}")
        sheet[target] = number
    return sheet


def once(number: Array, shape: tuple[int, ...]) -> Array:
    """A gradient that is the same in every case, where it is asked for once."""
    alike = number.ndim and shape == number.shape[:-1] and (number == number[..., :1]).all()
    return number[..., 0] if alike else number


def written(sheet: dict[str, Array], digits: str) -> str:
    def cells(value: Any) -> str:
        if isinstance(value, list):
            return f"[{', '.join(cells(v) for v in value)}]"
        return format(value, digits).replace("inf", "0")

    return "".join(f'"{n}" = {_toml(cells(v.tolist()))}\n' for n, v in sheet.items())


def _toml(text: str) -> str:
    return re.sub(r"(?<![\d.])(-?\d+)e", r"\1.0e", text)


def _digits(s: Subject, sheet: dict[str, Array]) -> str:
    """Six figures; or four decimals, where no number is lost by them."""
    sizes = np.concatenate([np.abs(a).ravel() for a in sheet.values()])
    sizes = sizes[sizes > 0]
    tame = sizes.size and sizes.min() > 0.01 and sizes.max() < 100
    return ".4f" if tame and s.random.random() < 0.6 else ".7g"


def faulted(s: Subject, marked: Callable[[dict[str, Array]], str]) -> str:
    """How right work is faulted; empty where it is not. Where floats lost their digits, many digits are right.

    `marked` checks a sheet in one form, and gives what is said of it where that is not right.
    """
    sheet = answers(s)
    said = marked(sheet) if sheet else ""
    if not said:
        return ""
    better = answers(s, Precise(s.text).run())
    return marked(better) if better else said


def _marked(s: Subject, path: Path, *options: str) -> str:
    ran = s.run("check", str(path), *options, codes=(0, 1))
    wrong = ran is not None and (ran.code == 1 or (options == ("--json",) and not ran.json["all_well"]))  # fmt: skip
    return f"{path.read_text(encoding='utf-8')}\n{ran.out}" if ran is not None and wrong else ""


@command
def check_right(s: Subject) -> None:
    path = s.folder / "answers.toml"

    def marked(sheet: dict[str, Array]) -> str:
        path.write_text(written(sheet, _digits(s, sheet)), encoding="utf-8")
        return _marked(s, path)

    if said := faulted(s, marked):
        raise Wrong("right work is faulted", said)


@command
def check_spoiled(s: Subject) -> None:
    sheet = answers(s)
    if not sheet:
        return
    name = s.random.choice(list(sheet))
    spoiled = np.array(sheet[name])
    at = tuple(s.random.randrange(n) for n in spoiled.shape)
    spoiled[at] += s.random.choice((-1, 1)) * (0.37 + 0.5 * abs(spoiled[at]))
    sheet[name] = spoiled
    path = s.folder / "spoiled.toml"
    path.write_text(written(sheet, ".7g"), encoding="utf-8")
    level = s.random.choice(("where", "what", "rule", "worked"))
    ran = s.run("check", str(path), "--level", level, codes=(0, 1))
    if ran is not None and ran.code == 0:
        raise Wrong("a spoiled entry is judged right", f"{name}{list(at)}\n{path.read_text()}")
    s.run("check", str(path), "--json", codes=(1,))


@command
def check_tables(s: Subject) -> None:
    """The same answers as JSON, and as the table that `--blank=csv` prints."""

    def as_json(sheet: dict[str, Array]) -> str:
        path = s.folder / "answers.json"
        numbers = {n: v.tolist() for n, v in sheet.items()}
        path.write_text(json.dumps(numbers), encoding="utf-8")
        return _marked(s, path, "--json")

    def as_table(sheet: dict[str, Array]) -> str:
        path = s.folder / "answers.csv"
        path.write_text("\n".join(_table(sheet)) + "\n", encoding="utf-8")
        return _marked(s, path)

    if said := faulted(s, as_json):
        raise Wrong("right work in JSON is faulted", said)
    if said := faulted(s, as_table):
        raise Wrong("right work in a table is faulted", said)


def _table(sheet: dict[str, Array]) -> Iterator[str]:
    for name, value in sheet.items():
        if value.ndim <= 2:
            rows = value.reshape(-1, value.shape[-1]) if value.ndim == 2 else value.reshape(1, -1)
            for k, row in enumerate(rows):
                yield ",".join(["" if k else name, *(format(float(v), ".7g") for v in row)])


# -- classes -------------------------------------------------------------------------------


@command
def grade(s: Subject) -> None:
    """Of each sheet of a class, in files and in a table, `grade` finds what `check` finds."""
    sheet = answers(s)
    if not sheet:
        return
    name = s.random.choice(list(sheet))
    spoiled = {**sheet, name: sheet[name] * s.random.choice((-1, 2)) + s.random.choice((0, 0.5))}
    folder = s.folder / "class"
    folder.mkdir(exist_ok=True)
    sheets = {"ada": sheet, "bob": spoiled}
    for student, one in sheets.items():
        (folder / f"{student}.toml").write_text(written(one, ".7g"), encoding="utf-8")
    graded = s.run("grade", str(folder), "--json", codes=(0, 1))
    if graded is None:
        return
    by_student = {one["id"]: one for one in graded.json["students"]}
    for student in sheets:
        checked = s.run("check", str(folder / f"{student}.toml"), "--json", codes=(0, 1))
        if checked is None:
            continue
        theirs = {one["target"]: one for one in checked.json["steps"]}
        for one in by_student[student]["steps"]:
            alone = theirs[one["target"]]
            if (one["verdict"], one["marks"]) != (alone["verdict"], alone["marks"]):
                raise Wrong("grade differs from check", f"{student} {one}: {alone}")
    table = s.folder / "class.csv"
    table.write_text(_class_table(sheets), encoding="utf-8")
    again = s.run("grade", str(table), "--json", codes=(0, 1))
    if again is not None and again.json["students"] != graded.json["students"]:
        raise Wrong("a table is graded otherwise than files", table.read_text("utf-8"))
    page = s.out("class.html")
    s.run("grade", str(folder), "-o", page, "--marks", s.out("marks.csv"), codes=(0, 1))
    s.run("grade", str(folder), "--as", "slides", "-o", s.out("class.typ"), codes=(0, 1))


def _class_table(sheets: dict[str, dict[str, Array]]) -> str:
    out = io.StringIO()
    rows = csv.writer(out)
    places = [(n, at) for n, a in sheets["ada"].items() for at in np.ndindex(*a.shape)]
    rows.writerow(["student", *(f"{n}[{','.join(map(str, at))}]" if at else n for n, at in places)])
    for student, one in sheets.items():
        figures = (format(float(one[n][at]), ".7g").replace("inf", "0") for n, at in places)
        rows.writerow([student, *figures])
    return out.getvalue()


NO_QUIZ = (*NO_NUMBERS, r"figures", r"decimals", r"characters")


@command
def practice_quiz(s: Subject) -> None:
    kind, name = s.random.choice(
        [
            *(("moodle", "quiz.xml"), ("canvas", "quiz.zip"), ("blackboard", "quiz.txt")),
            *(("prairielearn", "question"), ("gradescope", "grader.zip"), ("otter", "otter")),
        ]
    )
    _quiz(s, kind, name)


def _quiz(s: Subject, kind: str, name: str) -> Path | None:
    """Practice written for a learning system; None where it is refused."""
    path = s.folder / name
    if path.is_dir():
        shutil.rmtree(path)
    ran = s.run("practice", "--seed", str(s.seed), "--as", kind, "-o", s.out(name), allowed=NO_QUIZ)
    return None if ran is None else path


@command
def practice_stack(s: Subject) -> None:
    path = _quiz(s, "stack", "stack.xml")
    for question in ElementTree.parse(path).iter("question") if path is not None else ():
        for said in failing(question):
            raise Wrong("a test of a STACK question fails", said)


@command
def practice_nbgrader(s: Subject) -> None:
    folder = _quiz(s, "nbgrader", "assignment")
    if folder is None:
        return
    (notebook,) = folder.glob("*.ipynb")
    problem = handgrad.load(folder / "problem.toml")
    for step in handgrad.check(problem, notebook).steps:
        if step.verdict == "wrong":
            raise Wrong("right figures in a notebook are faulted", str(step))


@command
def check_blank(s: Subject) -> None:
    for kind in ("toml", "csv", "ipynb"):
        s.run("check", f"--blank={kind}")


@command
def check_printed(s: Subject) -> None:
    path = s.folder / "printed.toml"

    def marked(sheet: dict[str, Array]) -> str:
        path.write_text(written(sheet, ".7g"), encoding="utf-8")
        return _marked(s, path, "--as-printed")

    if said := faulted(s, marked):
        raise Wrong("right figures in print are faulted", said)


@command
def check_code(s: Subject) -> None:
    if not s.finite:
        return
    gradients = {n: s.as_floats.gradients[n] for n in s.oracle.asked}
    with quiet():
        try:
            handgrad.assert_gradients(s.problem, gradients)
        except AssertionError:
            # What PyTorch's floats lose on the way (1/(1 + e^700) squared is 0 in them) is rightly faulted.
            handgrad.assert_gradients(s.problem, _kept(s, gradients))


def _kept(s: Subject, gradients: Mapping[str, Array]) -> dict[str, Array]:
    """Gradients with those of many digits in place of what floats have lost."""
    size = largest(gradients)
    digits = {n: precise.gradient(s.oracle, n) for n in gradients}
    return {
        n: g if difference(g, digits[n], size) <= 1 else digits[n] for n, g in gradients.items()
    }


# -- train, code, verify, drill -------------------------------------------------------------

NO_TABLE = (
    r"the upstream gradient of",
    r"batch",
    r"a row for each",
    r"columns",
    # Of a matrix whose rows are the examples, a table has one row's entries.
    r"column '\w+\[\d+,\d+\]' is none of the problem's data \(did you mean \w+\[\d+\]\?\)",
)
NO_TRAINING = (r"upstream gradients", r"not finite", r"no update", r"update \d", r"diverge")


@command
def train(s: Subject) -> None:
    ran = s.run("train", "--steps", "4", "--json", allowed=NO_TRAINING)
    s.run("train", "--steps", "3", allowed=NO_TRAINING)
    if ran is None or not s.finite or not ran.json["losses"]:
        return
    first = ran.json["losses"][0]
    # Of ln(1 − p) floats keep few digits where p is nearly 1.
    apart = min(difference(first, s.found.loss), difference(first, s.as_floats.loss))
    if apart > 1 and difference(first, Precise(s.text).run().loss) > 1:
        raise Wrong("train's first loss differs", f"{first}, PyTorch {s.found.loss}")


def data_file(s: Subject) -> tuple[str, float] | None:
    """A table of cases near the problem's own, and the loss over them; None where data are not for a table."""
    with quiet():
        examples = examples_as_cases(s.problem)
    if examples.rows or examples.columns:
        return _examples_file(s, examples.problem)
    # What counts the steps of a repeat is one number for all cases.
    data = {
        n: a[..., 0] if n in s.oracle.batched else a
        for n, a in s.oracle.data.items()
        if not re.search(rf"\.\.\s*{re.escape(n)}\b", s.text)
    }
    if not data or s.oracle.batched & set(s.oracle.parameters):
        return None
    moved, labels = next(iter(data)), s.oracle.targets | s.oracle.places
    header, rows, losses = [], [], []
    for name, given in data.items():
        header += [f"{name}[{','.join(map(str, at))}]" if at else name for at in np.ndindex(*given.shape)]  # fmt: skip
    header = [f'"{h}"' for h in header]
    for k in range(3):
        case = {n: np.array(a) for n, a in data.items()}
        if k and np.asarray(case[moved]).ndim == 1:
            # Labels in other places are labels too, and numbers of rows are numbers of rows.
            other = np.roll(case[moved], k), np.round(case[moved] + 0.1 * k, 1)
            case[moved] = other[0] if moved in labels else other[1]
        rows.append(",".join(repr(float(v)) for a in case.values() for v in np.ravel(a)))
        whole = {n: np.repeat(a[..., None], s.oracle.cases, -1) if n in s.oracle.batched else a for n, a in case.items()}  # fmt: skip
        found = s.oracle.run(changes=whole)
        first = found.loss if s.oracle.upstream else np.ravel(found.values[s.oracle.loss])[0]
        losses.append(float(first))
        if not all(np.isfinite(found.gradients[n]).all() for n in s.oracle.parameters):
            losses[-1] = np.nan  # a distance of 0 has no gradient: PyTorch trains no further either
    path = s.folder / "cases.csv"
    path.write_text("\n".join([",".join(header), *rows]) + "\n", encoding="utf-8")
    total = float(np.sum(losses))
    return str(path), total if s.oracle.reduction == "sum" else total / len(losses)


def _examples_file(s: Subject, problem: handgrad.Problem) -> tuple[str, float] | None:
    """The problem's own examples, a line each, where its data have them in rows or columns."""
    oracle = Oracle(problem.to_toml())
    if not oracle.data or oracle.batched & set(oracle.parameters):
        return None
    one = {n: a[..., 0] if n in oracle.batched else a for n, a in oracle.data.items()}
    header = [f"{n}[{','.join(map(str, at))}]" if at else n for n, a in one.items() for at in np.ndindex(*a.shape)]  # fmt: skip
    lines = [",".join(f'"{h}"' for h in header)]
    for k in range(oracle.cases):
        case = [a[..., k] if n in oracle.batched else a for n, a in oracle.data.items()]
        lines.append(",".join(repr(float(v)) for a in case for v in np.ravel(a)))
    path = s.folder / "examples.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path), oracle.run(gradients=False).loss


@command
def gates_data(s: Subject) -> None:
    table = data_file(s)
    if table is not None:
        s.run("gates", "--data", table[0], allowed=(*NO_GATES, *NO_TABLE))


@command
def train_data(s: Subject) -> None:
    table = data_file(s)
    if table is None:
        return
    path, loss = table
    finite = s.finite and bool(np.isfinite(loss))
    ran = s.run("train", "--data", path, "--steps", "2", "--json", finite=finite, allowed=(*NO_TRAINING, *NO_TABLE))  # fmt: skip
    if ran is not None and finite and ran.json["losses"]:
        first = ran.json["losses"][0]
        if abs(first - loss) > 1e-9 * max(1.0, abs(loss)):
            raise Wrong("train's first loss on a table differs", f"{first}, PyTorch {loss}")


@command
def train_compare(s: Subject) -> None:
    s.run("train", "--steps", "2", "--compare", allowed=(*NO_TRAINING, *NO_GATES, r"compare"))


@command
def code_numpy(s: Subject) -> None:
    _program(s, "numpy")


@command
def code_torch(s: Subject) -> None:
    _program(s, "torch")


def _program(s: Subject, library: str) -> None:
    ran = s.run("code", "--to", library)
    if ran is None or not s.finite:
        return
    scope: dict[str, Any] = {}
    with quiet(), np.errstate(all="ignore"):
        exec(compile(ran.out, "<program>", "exec"), scope)
    for name in s.oracle.parameters:
        ours = scope.get(f"d{name}")
        if ours is None:
            continue
        ours = np.asarray(ours.detach() if hasattr(ours, "detach") else ours, dtype=float)
        if not agrees_as_floats(s, name, ours):
            raise Wrong(f"gradients of the {library} program differ", f"d{name}: {ours.tolist()}, PyTorch {s.found.gradients[name].tolist()}")  # fmt: skip


@command
def engine(s: Subject) -> None:
    """Many networks at once, and the loss and gradients of one."""
    if not s.finite:
        return
    with quiet(), np.errstate(all="ignore"):
        gradients = handgrad.Engine(s.problem).run(s.oracle.parameters)
        for name in s.oracle.parameters:
            ours = np.asarray(gradients.gradients[name])
            if not agrees_as_floats(s, name, ours):
                raise Wrong("gradients of the engine differ", f"{name}: {ours.tolist()}, PyTorch {s.found.gradients[name].tolist()}")  # fmt: skip


@command
def verify(s: Subject) -> None:
    ran = s.run("verify", "--torch", codes=(0, 1))
    if ran is not None and ran.code == 1:
        raise Wrong("verify disagrees", ran.out)


@command
def drill(s: Subject) -> None:
    if not s.finite:
        return
    with quiet():
        at = handgrad.drill(s.problem)
        at.opening()
        for _ in range(len(at.blanks)):
            if at.finished:
                break
            blank = at.blank
            page = at.question(None)
            render_terminal(page, width=80, colour=False, unicode=True)
            target = blank.target
            number = s.found.values.get(target)
            if number is None and target.startswith("d"):
                number = s.found.gradients.get(target[1:])
            if number is not None:
                number = once(number, blank.shape)
            if number is None or not np.isfinite(number).all() or number.ndim > 2:
                at, said = at.take("skip")
                assert isinstance(said, Skipped)
                continue
            rows = number.reshape(-1, number.shape[-1]) if number.ndim else number.reshape(1, 1)
            typed = ";".join(" ".join(format(float(x), ".7g") for x in row) for row in rows)
            at, said = at.take(typed + "\n")
            render_terminal(at.told(said), width=80, colour=False, unicode=True)  # fmt: skip
            if not isinstance(said, Accepted) and not _floats_fail(s, target, number):
                raise Wrong("the drill takes no right answer", f"{target} = {typed}: {said}")
        at.to_json()


def _floats_fail(s: Subject, target: str, number: Array) -> bool:
    """Whether more digits give another number than PyTorch's floats: where an inner factor underflows."""
    name = target if target in s.found.values else target[1:]
    exact = _precisely(s, "values" if name == target else "gradients", name)
    return difference(once(exact, number.shape), number) > 1


# -- what is about no problem -----------------------------------------------------------------


def _alone(*arguments: str) -> Any:
    """A command that takes no problem, with what it prints as JSON."""
    ran = command_line([*arguments, "--json"])
    if ran.code:
        raise Wrong(f"exit code {ran.code}", f"{' '.join(arguments)}\n{ran.err}")
    plain = command_line(list(arguments))
    if plain.code or not plain.out.strip():
        raise Wrong(f"exit code {plain.code}", f"{' '.join(arguments)}\n{plain.err}")
    return ran.json


@command
def born_dead(s: Subject) -> None:
    widths = ",".join(str(s.random.randrange(1, 4)) for _ in range(s.random.randrange(2, 5)))
    over = s.random.choice(("[-1,1]", "[0.5,2]", "[-1,1]^2"))
    init = s.random.choice(("he", "xavier", "lecun", "normal", "raai"))
    options = ["--over", over, "--init", init, "--samples", "400", "--seed", str(s.seed)]
    if s.random.random() < 0.25:
        _alone("born-dead", "--table", "--width", "2,3", "--depth", "1,4", *options)
    else:
        _alone("born-dead", "--width", widths, *options)


@command
def list_problems(s: Subject) -> None:
    problems = _alone("list")["problems"]
    name = s.random.choice(problems)["name"]
    ran = command_line(["solve", name, "--json"])
    if ran.code:
        raise Wrong("a bundled problem is refused", f"{name}\n{ran.err}")


@command
def new_problem(s: Subject) -> None:
    """A file to start from is a problem that can be solved."""
    names = [p["name"] for p in _alone("list")["problems"]]
    sizes = "-".join(str(s.random.randint(1, 4)) for _ in range(s.random.randint(2, 4)))
    like = s.random.choice([sizes, f"{sizes} tanh", s.random.choice(names)])
    path = s.out("new.toml")
    for words in (["new", path, "--like", like], ["solve", path]):
        ran = command_line(words)
        if ran.code:
            raise Wrong(f"exit code {ran.code}", f"{' '.join(words)}\n{ran.err}")


@command
def explain_operation(s: Subject) -> None:
    """Any name of an operation gives the reference of one that has it."""
    name = s.random.choice([*SPELLINGS, *(n for n, o in BY_NAME.items() if o.family != "helper")])
    found = _alone("explain", name)
    if name not in (found["name"], *found["spellings"]):
        raise Wrong("the reference of another operation", f"{name}: {found['name']}")


@command
def saved_again(s: Subject) -> None:
    """The problem written back is the same problem."""
    again = handgrad.loads(s.problem.to_toml())
    if again != s.problem:
        raise Wrong("a problem written back differs", again.to_toml())
