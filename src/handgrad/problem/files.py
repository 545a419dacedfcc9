"""Reading problem files: bundled ones by name, others by path."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from handgrad.equations import plain_name
from handgrad.errors import HandgradError, NumberError, OptionError, ProblemError, nearest
from handgrad.problem.given import given, number
from handgrad.problem.problem import Problem
from handgrad.problem.weights import from_safetensors, from_state_dict
from handgrad.record import JsonForm, record
from handgrad.saving import Page, Result
from handgrad.updates import Update, check_settings

LARGEST = 20_000_000
"""Bytes in a problem file, at most."""

KEYS = (
    "title",
    "description",
    "equations",
    "loss",
    "reduction",
    "parameters",
    "data",
    "given",
    "upstream",
    "update",
    "display",
)
BUNDLED = Path(__file__).parent.parent / "problems"


class Bundled(NamedTuple):
    """A bundled problem."""

    name: str
    title: str
    description: str


@record
class Listing(Result):
    """The bundled problems."""

    problems: tuple[Bundled, ...]
    json: ClassVar = JsonForm("list")

    def page(self) -> Page:
        """A table of them."""
        from handgrad.problem.listing_page import list_page

        return list_page(self.problems)

    def __iter__(self) -> Iterator[Bundled]:
        return iter(self.problems)

    def __len__(self) -> int:
        return len(self.problems)

    def __repr__(self) -> str:
        return f"<Listing of {len(self.problems)} problems>"


def bundled() -> Listing:
    """Every bundled problem.

    >>> next(iter(handgrad.bundled())).name
    'attention'
    """
    return _listed()


@cache
def _listed() -> Listing:
    """The files come with the package, and stay as they are."""
    problems = [(p.stem, load(p)) for p in sorted(BUNDLED.glob("*.toml"))]
    return Listing(tuple(Bundled(name, p.title, p.description) for name, p in problems))


def load(source: str | Path) -> Problem:
    """A bundled problem by name, or a problem file by path.

    Raises `ProblemError`, or another kind of `HandgradError`, naming the file.

        >>> handgrad.load("lab9")
        <Problem 'Lab 9: backpropagation by hand': 7 equations>
    """
    if not isinstance(source, str | Path):
        raise OptionError(
            f"a problem is loaded by its name or path, not from a {type(source).__name__}",
            mend="a Problem is ready to be solved as it is",
        )
    path = Path(source)
    if not str(source).strip():
        raise ProblemError("no problem is named", mend="handgrad list shows the bundled ones")
    if isinstance(source, str) and path.suffix == "" and "/" not in source and not path.exists():
        names = [p.stem for p in BUNDLED.glob("*.toml")]
        if source not in names:
            raise ProblemError(
                f"there is no bundled problem {source[:60]!r}, and no such file",
                mend=nearest(source, names) or "handgrad list shows them",
            )
        path = BUNDLED / f"{source}.toml"
    try:
        if path.is_dir():
            raise ProblemError("is a folder, not a problem file", where=str(path))
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise ProblemError(f"cannot be read: {reason}", where=str(path)[:200]) from None
    if len(raw) > LARGEST:
        raise ProblemError(
            f"is larger than {LARGEST // 1_000_000} MB",
            where=path.name,
            mend="keep large arrays in .npy files",
        )
    return loads(_decoded(raw, path.name), where=path.name, folder=path.parent)


def _decoded(raw: bytes, where: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProblemError(f"is not UTF-8 text (byte {error.start})", where=where) from None


def loads(text: str, where: str = "", folder: Path | None = None, *, files: bool = True) -> Problem:
    """A problem from the text of a problem file; files that it names lie in `folder`.

    Without `files` it may name none, and nothing is read: a `ProblemError` says so.

    >>> lines = ["equations = 'L = (2*x - 1)**2'", "[data]", "x = 3"]
    >>> handgrad.loads(chr(10).join(lines)).loss
    'L'
    """
    try:
        table = _table(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise ProblemError(f"is not valid TOML: {error}", where=where) from None
    except RecursionError:
        raise ProblemError("nests too deeply to be read", where=where) from None
    except ValueError as error:
        raise ProblemError(f"cannot be read: {str(error)[:100]}", where=where) from None
    for key in table:
        if key not in KEYS:
            raise ProblemError(
                f"unknown key {key[:60]!r}",
                where=where,
                mend=_meant(key, table[key]) or f"keys: {', '.join(KEYS)}",
            )
    if not files:
        _check_names_no_file(table, where)
    if "equations" not in table:
        raise ProblemError(
            "there are no equations", where=where, mend='write equations = """ … """'
        )
    return Problem(
        _equations(table["equations"], where),
        _values(table, "parameters", where, folder),
        _values(table, "data", where, folder),
        given=_values(table, "given", where, folder),
        upstream=_values(table, "upstream", where, folder),
        loss=_text(table, "loss", where),
        title=_text(table, "title", where) or "",
        description=_text(table, "description", where) or "",
        update=_update(table.get("update"), where),
        display=_display(table.get("display"), where),
        reduction=_text(table, "reduction", where) or "mean",
        where=where,
    )


def _check_names_no_file(table: Mapping[str, Any], where: str) -> None:
    """Raises `ProblemError` for numbers that are kept in a file."""
    prefix = f"{where}, " if where else ""
    for key in ("parameters", "data", "given", "upstream"):
        values = table.get(key)
        for name, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, dict) and "file" in value:
                raise ProblemError(
                    "numbers are read from no file here",
                    where=f"{prefix}{key}.{name}",
                    mend="write them into the problem",
                )


def _table(text: str) -> dict[str, Any]:
    """A TOML document; keys may be letters of any alphabet without quotes: λ = 0.01."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        quoted = _with_quoted_keys(text)
        if quoted == text:
            raise
        try:
            return tomllib.loads(quoted, parse_float=Decimal)
        except tomllib.TOMLDecodeError:
            raise error from None


_BARE_KEY = re.compile(r"[ \t]*([^\W\d]\w*)[ \t]*=(?!=)")


def _with_quoted_keys(text: str) -> str:
    """The text with quotes around keys that TOML takes in quotes alone; texts of several lines are left."""
    lines: list[str] = []
    inside = ""
    for line in text.split("\n"):
        key = None if inside else _BARE_KEY.match(line)
        quoted = line
        if key is not None and not key[1].isascii():
            quoted = f'{line[: key.start(1)]}"{key[1]}"{line[key.end(1) :]}'
        for marks in ('"""', "'''"):
            if inside in ("", marks) and line.count(marks) % 2:
                inside = "" if inside else marks
        lines.append(quoted)
    return "\n".join(lines)


def _meant(key: str, value: Any) -> str:
    """The key that is likely meant: of those that begin alike, the one with fewest letters changed.

    Numbers under no table's heading are a parameter or a datum.
    """
    same = [k for k in KEYS if k[:1] == key[:1].lower() and abs(len(k) - len(key)) <= 1]
    if near := nearest(key, same) or nearest(key, KEYS):
        return near
    if isinstance(value, int | float | list):
        return f"{key[:60]} belongs under [parameters], if it is learned, or else under [data]"
    return ""


def _equations(value: Any, where: str) -> str | list[str]:
    if isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(v, str) for v in value)
    ):
        return value
    raise ProblemError("equations is text, one equation a line", where=where)


def _text(table: Mapping[str, Any], key: str, where: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise ProblemError(f"{key} is text", where=where, mend=f'write {key} = "…"')
    return value


def _display(value: Any, where: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise ProblemError("[display] gives a text for each name", where=where)
    return value


def _update(value: Any, where: str) -> Update | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ProblemError("[update] is a table with a rule and a rate", where=where)
    texts = {"rule": "sgd", "schedule": ""}
    for key in texts:
        texts[key] = value.get(key, texts[key])
        if not isinstance(texts[key], str):
            example = {"rule": "sgd", "schedule": "cosine"}[key]
            raise ProblemError(
                f"update.{key} is text", where=where, mend=f'write {key} = "{example}"'
            )
    rates = value.get("rates", {})
    if not isinstance(rates, dict):
        raise ProblemError(
            "update.rates is a table: a rate for each parameter that has its own",
            where=where,
            mend="write rates = { W1 = 0.1 }",
        )
    prefix = f"{where}, " if where else ""
    given = {k: v for k, v in value.items() if k not in (*texts, "rates")}
    try:
        check_settings(texts["rule"], texts["schedule"], given.keys() - {"rate"})
    except HandgradError as error:
        raise error.at(where) if where else error from None
    numbers = {k: number(v, f"{prefix}update.{k}")[0] for k, v in given.items()}
    own = {plain_name(k): number(v, f"{prefix}update.rates.{k}")[0] for k, v in rates.items()}
    try:
        return Update(texts["rule"], numbers.pop("rate", 0.1), numbers, own, texts["schedule"])
    except HandgradError as error:
        raise error.at(where) if where else error from None


def _values(table: Mapping[str, Any], key: str, where: str, folder: Path | None) -> dict[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise ProblemError(f"[{key}] is a table of names and numbers", where=where)
    prefix = f"{where}, " if where else ""
    return {
        name: _from_file(v, f"{prefix}{key}.{name}", folder)
        if isinstance(v, dict) and "file" in v
        else v
        for name, v in value.items()
    }


def _from_file(spec: Mapping[str, Any], where: str, folder: Path | None) -> Any:
    """An array kept in a .npy, .npz or .csv file, or in a state dict; with `cases = true` its first axis counts cases."""
    unknown = set(spec) - {"file", "array", "cases"}
    if unknown or not isinstance(spec["file"], str):
        raise ProblemError('a file is named by { file = "…", cases = true }', where=where)
    path = (folder or Path()) / spec["file"]
    try:
        match path.suffix:
            case ".npy":
                array = np.load(path, allow_pickle=False)
            case ".npz":
                with np.load(path, allow_pickle=False) as archive:
                    name = spec.get("array") or archive.files[0]
                    if name not in archive.files:
                        raise ProblemError(
                            f"{path.name} has no array {name}",
                            where=where,
                            mend=nearest(name, archive.files),
                        )
                    array = archive[name]
            case ".csv":
                array = np.loadtxt(path, delimiter=",", ndmin=1)
            case ".pt" | ".pth" | ".bin":
                array = from_state_dict(path, str(spec.get("array", "")), where)
            case ".safetensors":
                array = from_safetensors(path, str(spec.get("array", "")), where)
            case _:
                raise ProblemError(
                    f"{path.name} is not a .npy, .npz, .csv, .pt or .safetensors file", where=where
                )
    except HandgradError:
        raise
    except OSError as error:
        reason = error.strerror or "it is not there"
        raise NumberError(f"{path.name} cannot be read: {reason}", where=where) from None
    except (ValueError, EOFError, IndexError) as error:
        reason = (str(error).splitlines() or ["it is damaged"])[0][:120]
        raise NumberError(f"{path.name} cannot be read: {reason}", where=where) from None
    one = given(array, where)
    return given({"cases": one.array}, where) if spec.get("cases") is True else one
