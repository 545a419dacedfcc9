"""Mutations of text: of its bytes, its tokens, its lines, and of the numbers and tables of TOML."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

TOKEN = re.compile(r"\d+\.?\d*(?:[eE][+-]?\d+)?|[^\W\d]\w*|\*\*|<=|>=|\S")

NUMBERS = (
    "0", "-0.0", "1", "-1", "2", "3", "0.1", "1e-3", "1e308", "-1e308", "1e-308", "5e-324", "1e400", "1000", "-1000",
    "nan", "inf", "-inf", '"1/3"', '"1/0"', '"x"', "007", "1_000", "0x10", "true", "1979-05-27", "[]", "[1]", "[[1]]",
    "[[1, 2], [3]]", "[1, [2]]", "{}", "{ cases = [1, 2] }", "{ cases = [] }", "{ cases = 1 }", "{ file = \"no.npy\" }",
    "0.30000000000000004", "123456789012345678901234567890", "-2.5", "100", "10000000", "4.9e-300",
)  # fmt: skip
WORDS = (
    "relu", "sigmoid", "tanh", "softmax", "log_softmax", "exp", "log", "ln", "sqrt", "abs", "sum", "mean", "max", "min",
    "norm", "dot", "outer", "concat", "reshape", "conv1d", "conv2d", "conv_transpose2d", "max_pool1d", "max_pool2d", "avg_pool2d", "layernorm",
    "batchnorm", "bce", "bce_with_logits", "cross_entropy", "mse", "hinge", "huber", "where", "maximum", "minimum", "elu",
    "leaky_relu", "prelu", "selu", "celu", "mish", "hardtanh", "relu6", "hardsigmoid", "hardswish", "log_sigmoid", "clip",
    "clamp", "erf", "square", "dropout", "mae", "smooth_l1", "nll", "kl_div", "low", "high", "p", "beta", "softplus", "gelu", "silu", "σ", "axis", "keepdims", "shape", "alpha", "eps", "stride", "padding", "size",
    "delta", "x", "y", "W", "b", "z", "h", "L", "T", "lambda", "None", "True", "__import__", "e", "pi", "J", "cases",
)  # fmt: skip
SIGNS = ("+", "-", "*", "/", "**", "@", "(", ")", "[", "]", ",", ":", ".", ".T", "=", "==", "<", "<=", ">", "!=", "^", "'", '"', "#", "−", "·", "⊙", "ᵀ", "⁽¹⁾", "₁", "\\", ";", "%", "{", "}", "~", "|", "&", "\t", "\n")  # fmt: skip
OPTIONS = (
    ", axis=0", ", axis=1", ", axis=-1", ", axis=5", ", axis=None", ", axis=(0, 1)", ", axis=()", ", axis=0.5", ", keepdims=True",
    ", keepdims=2", ", shape=(2, 2)", ", shape=-1", ", shape=(0,)", ", shape=(-1, -1)", ", stride=0", ", stride=2", ", padding=1",
    ", padding=-1", ", size=0", ", size=99", ", eps=0", ", eps=-1", ", alpha=0", ", alpha=-1", ", delta=0", ", delta=-1", ", low=0", ", high=1", ", low=2, high=1",
    ", p=0.5", ", p=1", ", beta=0", ", nosuch=1",
)  # fmt: skip
CHARACTERS = ("\u0000", "\u0302", "\u200b", "ﬁ", "é", "𝐖", "½", "∞", "∂", "\ufeff", "\u2028", "٣", "Ω", "🙂", "\u202e", "\x7f")  # fmt: skip
LINES = (
    "[update]", "[data]", "[parameters]", "[display]", 'rule = "adam"', 'rule = "nosuch"', "rate = 0", "rate = -1", "rate = 1e308",
    "rate = 1e-300", "weight_decay = 1", "momentum = 2", 'loss = "L"', 'loss = "nosuch"', 'reduction = "sum"', 'reduction = "max"',
    'title = ""', 'title = "a\\u0000b"', "equations = 1", 'equations = []', 'W = "Θ"', "x = 1", "y = [0, 1]", "[[data]]", "nosuch = 1",
)  # fmt: skip


def mutated(text: str, draws: random.Random, others: tuple[str, ...] = ()) -> str:
    """The text after one to three mutations; `others` are texts that lines may come from."""
    for _ in range(draws.choice((1, 1, 1, 1, 2, 2, 3))):
        text = draws.choice(_MUTATIONS)(text, draws)
        if others and draws.random() < 0.05:
            text = _line_of_another(text, draws, others)
    return text[:20_000]


def _token(
    text: str, draws: random.Random, pattern: re.Pattern[str] = TOKEN
) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return draws.choice(found) if found else None


def _put(text: str, at: re.Match[str] | None, new: str) -> str:
    return text if at is None else text[: at.start()] + new + text[at.end() :]


def _number(text: str, draws: random.Random) -> str:
    return _put(text, _token(text, draws, re.compile(r"-?\d+\.?\d*")), draws.choice(NUMBERS))


def _other_number(text: str, draws: random.Random) -> str:
    value = draws.choice((draws.randint(-30, 30) / 10, draws.randint(-3, 3), draws.gauss(0, 1)))
    return _put(text, _token(text, draws, re.compile(r"-?\d+\.?\d*")), str(value))


def _word(text: str, draws: random.Random) -> str:
    words = re.compile(r"[^\W\d]\w*")
    own = [m.group() for m in words.finditer(text)] or ["x"]
    return _put(text, _token(text, draws, words), draws.choice((draws.choice(WORDS), draws.choice(own))))  # fmt: skip


def _sign(text: str, draws: random.Random) -> str:
    return _put(text, _token(text, draws, re.compile(r"\*\*|[-+*/@()\[\],:=<>.]")), draws.choice(SIGNS))  # fmt: skip


def _option(text: str, draws: random.Random) -> str:
    at = _token(text, draws, re.compile(r"\)"))
    return _put(text, at, draws.choice(OPTIONS) + ")")


def _wrap(text: str, draws: random.Random) -> str:
    """A function around a name, or a part of a formula in brackets."""
    at = _token(text, draws, re.compile(r"[^\W\d]\w*(?:\[[^\]]*\])?"))
    return text if at is None else _put(text, at, f"{draws.choice(WORDS)}({at.group()})")


def _index(text: str, draws: random.Random) -> str:
    at = _token(text, draws, re.compile(r"[^\W\d]\w*"))
    index = draws.choice(("[0]", "[1]", "[-1]", "[9]", "[0:1]", "[:, 0]", "[0, 0]", "[::2]", "[1:1]", ".T", "[0][0]"))  # fmt: skip
    return text if at is None else _put(text, at, at.group() + index)


def _delete(text: str, draws: random.Random) -> str:
    return _put(text, _token(text, draws), "")


def _double(text: str, draws: random.Random) -> str:
    at = _token(text, draws)
    return text if at is None else _put(text, at, f"{at.group()} {at.group()}")


def _exchange(text: str, draws: random.Random) -> str:
    found = list(TOKEN.finditer(text))
    if len(found) < 2:
        return text
    a, b = sorted(draws.sample(found, 2), key=lambda m: m.start())
    return text[: a.start()] + b.group() + text[a.end() : b.start()] + a.group() + text[b.end() :]


def _lines(change: Callable[[list[str], int, random.Random], None]) -> Callable[[str, random.Random], str]:  # fmt: skip
    def changed(text: str, draws: random.Random) -> str:
        lines = text.split("\n")
        change(lines, draws.randrange(len(lines)), draws)
        return "\n".join(lines)

    return changed


def _drop_line(lines: list[str], at: int, draws: random.Random) -> None:
    del lines[at]
    lines.append("")


def _double_line(lines: list[str], at: int, draws: random.Random) -> None:
    lines.insert(at, lines[at])


def _move_line(lines: list[str], at: int, draws: random.Random) -> None:
    lines.insert(draws.randrange(len(lines)), lines.pop(at))


def _new_line(lines: list[str], at: int, draws: random.Random) -> None:
    lines.insert(at, draws.choice(LINES))


def _array(text: str, draws: random.Random) -> str:
    """An entry more or less, or an axis more or less."""
    at = _token(text, draws, re.compile(r"\[[^\[\]\n]*\]"))
    if at is None:
        return text
    inner = at.group()[1:-1]
    entries = inner.split(",")
    return _put(text, at, draws.choice((f"[{at.group()}]", inner, f"[{','.join(entries[1:])}]", f"[{inner}, 0.5]", f"[{at.group()}, {at.group()}]", f"{{ cases = {at.group()} }}", "[" + ", ".join(entries * 3) + "]")))  # fmt: skip


def _character(text: str, draws: random.Random) -> str:
    at = draws.randrange(len(text) + 1)
    return text[:at] + draws.choice(CHARACTERS) + text[at:]


def _flip(text: str, draws: random.Random) -> str:
    at = draws.randrange(len(text)) if text else 0
    return text[:at] + chr(draws.randrange(32, 127)) + text[at + 1 :]


def _cut(text: str, draws: random.Random) -> str:
    at = draws.randrange(len(text) + 1)
    return text[:at] + text[at + draws.randrange(1, 30) :]


def _deep(text: str, draws: random.Random) -> str:
    at = _token(text, draws, re.compile(r"[^\W\d]\w*"))
    count = draws.choice((3, 40, 150))
    if at is None:
        return text
    opening = draws.choice(("(", "-", "tanh(", "relu("))
    return _put(text, at, opening * count + at.group() + ")" * (count * opening.count("(")))


def _line_of_another(text: str, draws: random.Random, others: tuple[str, ...]) -> str:
    lines = text.split("\n")
    lines.insert(draws.randrange(len(lines)), draws.choice(draws.choice(others).split("\n")))
    return "\n".join(lines)


_MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (
    _number,
    _number,
    _other_number,
    _other_number,
    _word,
    _word,
    _word,
    _sign,
    _sign,
    _option,
    _option,
    _wrap,
    _wrap,
    _index,
    _delete,
    _double,
    _exchange,
    _lines(_drop_line),
    _lines(_double_line),
    _lines(_move_line),
    _lines(_new_line),
    _array,
    _array,
    _character,
    _flip,
    _cut,
    _deep,
)
