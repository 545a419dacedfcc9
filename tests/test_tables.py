"""Data files: what fits is read block by block, what does not gets one clear line."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

import handgrad
from handgrad.cli.commands import run
from handgrad.running.cases import open_cases as open_checked_cases
from handgrad.tables import ArrayCases, open_cases

LAB = handgrad.load("lab9")
X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.5, -2.0]])
Y = np.array([1.0, 0.0, 1.0, 0.0])
TABLE = np.column_stack([X, Y])


def read(problem: handgrad.Problem, files: Any, size: int = 3, **options: Any) -> dict[str, Any]:
    """All the cases of a file, put together from its blocks."""
    blocks = list(open_cases(problem, files, **options).blocks(size))
    assert all(np.shape(b[next(iter(b))])[-1] <= size for b in blocks)
    return {n: np.concatenate([b[n] for b in blocks], axis=-1) for n in blocks[0]}


def text(header: str, table: Any) -> str:
    rows = "\n".join(",".join(repr(float(v)) for v in row) for row in table)
    return f"{header}\n{rows}\n" if header else f"{rows}\n"


@pytest.mark.parametrize("header", ["", "x1,x2,y", "x[0],x[1],y", "x_1, x_2 , y", '"x1","x2","y"'])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_text(tmp_path: Path, header: str, separator: str, ending: str) -> None:
    path = tmp_path / "data.csv"
    content = text(header, TABLE).replace(",", separator).replace("\n", ending)
    path.write_bytes(b"\xef\xbb\xbf" + content.encode())
    found = read(LAB, path)
    assert np.array_equal(found["x"], X.T)
    assert np.array_equal(found["y"], Y)


def test_columns_in_another_order(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text("y,x2,x1", TABLE[:, ::-1]))
    assert np.array_equal(read(LAB, path)["x"], X.T)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", ">f8", "bool"])
def test_arrays(tmp_path: Path, dtype: str) -> None:
    whole = (TABLE > 0.6).astype(dtype)
    np.save(tmp_path / "data.npy", whole)
    assert np.array_equal(read(LAB, tmp_path / "data.npy")["x"], whole[:, :2].T)
    np.savez(tmp_path / "a.npz", x=whole[:, :2], y=whole[:, 2])
    np.savez_compressed(tmp_path / "b.npz", x=whole[:, :2], y=whole[:, 2], unused=[1])
    for name in ("a.npz", "b.npz"):
        found = read(LAB, tmp_path / name)
        assert np.array_equal(found["x"], whole[:, :2].T)
        assert np.array_equal(found["y"], whole[:, 2])


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    polars.DataFrame({"y": Y, "x1": X[:, 0], "x2": X[:, 1]}).write_parquet(path)
    assert np.array_equal(read(LAB, path)["x"], X.T)


def test_a_file_for_each(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    (tmp_path / "y.csv").write_text(text("", Y[:, None]))
    found = read(LAB, {"x": tmp_path / "x.npy", "y": tmp_path / "y.csv"})
    assert np.array_equal(found["x"], X.T)
    assert np.array_equal(found["y"], Y)


def test_what_a_table_leaves_out_the_problem_keeps(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    assert set(read(LAB, tmp_path / "x.npy")) == {"x"}
    assert handgrad.gates(LAB, tmp_path / "x.npy").fixed == ("y",)


def test_matrices_and_classes(tmp_path: Path) -> None:
    problem = handgrad.Problem(
        ["z = sum(X, axis=1)", "L = cross_entropy(softmax(z), y)"],
        {},
        {"X": np.zeros((3, 2)), "y": [1, 0, 0]},
    )
    table = np.column_stack([np.arange(12.0).reshape(2, 6), [2, 0]])
    names = [f"X[{i},{j}]" for i in range(3) for j in range(2)]
    (tmp_path / "a.csv").write_text(text(",".join([*names, "y"]), table))
    (tmp_path / "c.csv").write_text(text(",".join([*(f'"{n}"' for n in names), "y"]), table))
    (tmp_path / "b.csv").write_text(text("", table))
    for name in ("a.csv", "b.csv", "c.csv"):
        found = read(problem, tmp_path / name)
        assert found["X"].shape == (3, 2, 2)
        assert np.array_equal(found["X"][..., 1], [[6, 7], [8, 9], [10, 11]])
        assert np.array_equal(found["y"], [[0, 1], [0, 0], [1, 0]])
    (tmp_path / "b.csv").write_text(text("", np.column_stack([table[:, :6], [3, 0.5]])))
    with pytest.raises(handgrad.NumberError, match="not a class from 0 to 2; also line 2"):
        read(problem, tmp_path / "b.csv")


BAD_TEXT = {
    "": "is empty",
    "\n\n": "is empty",
    "x1,x2,y\n": "holds no rows",
    "1,0,1,1\n": "has 4 columns, but x (2) and y (1) need 3",
    "1\n": "has 1 column",
    "x1,x2,y\n1,a,1\n": "line 2: 'a' is not a number in column x2",
    "1,0,1\n1,a,1\n": "line 2: 'a' is not a number in column 2",
    "x1,x2,y\n1,,1\n": "line 2: there is nothing in column x2",
    "x1,x2,y\n1,2,1\n\n1,nan,1\n0,0,0\n1,inf,1\n": "line 4: column 2 holds NaN; also line 6",
    "x1,x2,y\n1,2\n": "line 2: has 2 columns, not 3",
    "x1,x2,y\n1,2,1\n1,2": "line 3: has 2 columns, not 3 (the file ends there",
    "x1,x2,y\n1_0,2,1\n": "'1_0' is not a number",
    "x1,x2,q\n1,2,1\n": "'q' is none of the problem's data",
    "x1,y\n1,1\n": "has x1 but no column x2",
    "x1,x1,x2\n1,1,1\n": "two columns are named x1",
    "\x1b[31m,x2,y\n1,1,1\n": "no column x1",
    "\x00\x00\x00": "column",
}


@pytest.mark.parametrize("content", BAD_TEXT)
def test_bad_text_is_one_error(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "data.csv"
    path.write_text(content)
    assert run(["gates", "lab9", "--data", str(path)]) == 2
    captured = capsys.readouterr()
    error = " ".join(captured.err.split())
    assert "data.csv" in error
    assert BAD_TEXT[content] in error
    assert captured.out == ""
    assert "\x1b" not in error


def test_bad_rows_are_skipped_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "data.csv"
    path.write_text("x1,x2,y\n1,0,1\na,1,1\n1,nan,1\n0,1\n0,1,0\n1,1,")
    audit = handgrad.gates(LAB, path, skip_bad=True)
    assert (audit.cases, audit.skipped) == (2, 4)
    assert run(["gates", "lab9", "--data", str(path), "--skip-bad"]) == 0
    assert "4 bad rows were left out" in capsys.readouterr().out
    path.write_text("x1,x2,y\na,1,1\n")
    with pytest.raises(handgrad.NumberError, match="no row that can be used"):
        handgrad.gates(LAB, path, skip_bad=True)


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 9))
def test_any_rows_may_be_bad(tmp_path_factory: pytest.TempPathFactory, good: list[bool], size: int) -> None:  # fmt: skip
    path = tmp_path_factory.mktemp("tables") / "data.csv"
    path.write_text("".join(f"{k},{'0' if ok else '?'},1\n" for k, ok in enumerate(good)))
    cases = open_cases(LAB, path, skip_bad=True)
    if not any(good):
        with pytest.raises(handgrad.NumberError, match="no row that can be used"):
            list(cases.blocks(size))
        return
    found = np.concatenate([b["x"][0] for b in cases.blocks(size)])
    assert found.tolist() == [k for k, ok in enumerate(good) if ok]
    assert cases.skipped == good.count(False)


def damaged(path: Path, kept: float) -> Path:
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * kept)])
    return path


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.99])
@pytest.mark.parametrize("kind", ["npy", "npz", "parquet"])
def test_files_that_end_in_the_middle(tmp_path: Path, kind: str, kept: float) -> None:
    path = tmp_path / f"data.{kind}"
    many = np.random.default_rng(0).uniform(size=(500, 3))
    match kind:
        case "npy":
            np.save(path, many)
        case "npz":
            np.savez_compressed(path, x=many[:, :2], y=many[:, 2])
        case _:
            polars.DataFrame({"x1": many[:, 0], "x2": many[:, 1], "y": many[:, 2]}).write_parquet(path)  # fmt: skip
    handgrad.gates(LAB, path)
    with pytest.raises(handgrad.NumberError) as caught:
        handgrad.gates(LAB, damaged(path, kept))
    assert path.name in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    np.save(tmp_path / "text.npy", np.array(["a", "b"]))
    np.save(tmp_path / "one.npy", np.array(1.0))
    np.save(tmp_path / "none.npy", np.zeros((0, 3)))
    np.save(tmp_path / "columns.npy", np.asfortranarray(np.zeros((4, 3))))
    np.savez(tmp_path / "other.npz", a=X, b=Y)
    polars.DataFrame({"x1": ["a"], "x2": [1], "y": [1]}).write_parquet(tmp_path / "text.parquet")
    (tmp_path / "data.txt").write_text("1,2,3")
    (tmp_path / "folder.csv").mkdir()
    for name, said in {
        "text.npy": "not numbers",
        "one.npy": "one number",
        "none.npy": "no rows",
        "columns.npy": "column after column",
        "other.npz": "no array named x or y",
        "text.parquet": "column x1 holds String",
        "data.txt": "is not a .csv",
        "folder.csv": "a folder",
        "missing.csv": "no such file",
    }.items():
        with pytest.raises(handgrad.NumberError, match=said):
            handgrad.gates(LAB, tmp_path / name)
    with pytest.raises(handgrad.OptionError, match="is not among"):
        open_cases(LAB, {"q": tmp_path / "data.txt"})


def test_files_of_different_lengths(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y[:3])
    (tmp_path / "y.csv").write_text(text("", Y[:3, None]))
    for y in ("y.npy", "y.csv"):
        with pytest.raises(handgrad.NumberError, match="rows"):
            read(LAB, {"x": tmp_path / "x.npy", "y": tmp_path / y})
    with pytest.raises(handgrad.OptionError, match="same number of cases"):
        ArrayCases({"x": X.T, "y": Y[:3]})


def test_without_polars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name == "polars":
            raise ModuleNotFoundError(name)
        return real(name, *arguments, **keywords)

    (tmp_path / "data.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(handgrad.MissingExtraError, match=r"handgrad\[data\]"):
        open_cases(LAB, tmp_path / "data.parquet")


def test_targets_that_the_loss_is_not_made_for_are_bad_rows(tmp_path: Path) -> None:
    file = tmp_path / "cases.csv"
    file.write_text("x1,x2,y\n1,0,1\n0,1,2\n1,1,-1\n0,0,0\n")
    with pytest.raises(handgrad.NumberError, match="a target from 0 to 1"):
        handgrad.gates(handgrad.load("lab9"), file)
    audit = handgrad.gates(handgrad.load("lab9"), file, skip_bad=True)
    assert audit.skipped == 2
    cases = open_checked_cases(handgrad.load("lab9"), file, skip_bad=True)
    assert cases.arrays()["y"].tolist() == [1, 0]
