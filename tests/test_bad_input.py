"""Bad input gives exit code 2 and one clear error: what, where, and the mend."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from handgrad.cli.commands import run

NUMBERS = """
[data]
x = [1, 2]
y = 1
[parameters]
W = [[1, 2, 3], [4, 5, 6]]
w = [1, 2]
"""

EQUATIONS = [
    ("L = sigmoi(w.T @ x)", "there is no operation sigmoi (did you mean sigmoid?)"),
    ("L = sum(q*x)", "q has no number, and no equation computes it"),
    ("L = sum(wq*x)", "(did you mean w?)"),
    (
        "z = W @ x\nL = sum(z)",
        "W is 2×3 but x has 2 entries: the columns of W must match the entries of x (did you mean W.T?)",
    ),
    ("z = w @ W.T\nL = sum(z)", "(did you mean W?)"),
    ("z = x + [1, 2, 3]\nL = sum(z)", "a vector of 2 entries and a vector of 3 entries"),
    ("a = b*2\nb = c + a\nc = a\nL = a", "a cycle: a → b → c → a"),
    ("a = a + 1\nL = a", "a cycle: a needs a"),
    ("x = 3\nL = x", "x is given a number and computed by equation 1"),
    ("z = y\nz = 2*y\nL = z", "z is computed twice, first by equation 1"),
    ("L = w*x", "the loss must be a single number, but L is a vector of 2 entries"),
    (
        'L = __import__("os")',
        "__import__ is not a name of this language (write a name that neither begins nor ends with two underscores)",
    ),
    ('L = "os"', "equations hold names and numbers, no texts (write names without quotes)"),
    ("L = __import__(y)", "__import__ is not a name of this language"),
    ("L = x.__class__", "attributes are not part of the language: .__class__"),
    ("L = x.shape", "attributes are not part of the language: .shape"),
    ("L = lambda x: x", "'lambda' is a word of Python"),
    ("L = y if x else y", "'if' is a word of Python"),
    ("elif = x", "'elif' is a word of Python"),
    ("L = None * x", "'None' is a word of Python"),
    ("L = 9**9**9**9", "not finite"),
    ("L = log(-y)", "-y must be positive, but here it is -1"),
    ("L = y/(y - 1)", "(y - 1) must be other than zero, but here it is 0"),
    ("L = sqrt(-4)", "-4 must be zero or positive, but here it is -4"),
    ("L = exp(1000*y)", "not finite"),
    ("L = sqrt(w[0] - w[0])", "the gradient with respect to w[0] - w[0] is infinite"),
    ("L = sum(log(w - w))", "w - w must be positive, but here it is 0 at [0]"),
    ("L = x[5]", "index 5 is outside axis 0 of x, which is a vector of 2 entries"),
    ("L = sum(W[:, 7])", "index 7 is outside axis 1 of W"),
    ("L = sum(softmax(x, axis=5))", "axis=5 is out of range for a vector"),
    ("L = sum(x, ax=0)", "sum has no option ax (did you mean axis?)"),
    ("L = relu(x, y)", "relu takes 1 argument, and was given 2"),
    ("L = dot(w, W)", "dot takes two vectors"),
    ("L = w.T x", "an operation is missing before x (write * or @ for a product)"),
    ("L = sum(w x)", "an operation is missing before x (write * or @ for a product)"),
    ("L = -(log w[0])", "stand in parentheses: log(w)"),
    ("L = sum(w if w > 0 else x)", "write where(c > 0, a, b)"),
    ("L = sum(w // 2)", "write / for a quotient"),
    ("a = sum(w * x\nL = a", "')' is missing after the arguments of sum"),
    ("L = mean(w, x, 2)", "of several numbers it is mean(stack(a, b, c))"),
    ("L = huber(w, x, delta=w)", "the option delta takes a number"),
    ("L = (y", "')' is missing"),
    ("L = y)", "')' closes nothing"),
    ("L = y +", "the equation ends where a value is missing"),
    ("L = 2^3", "^ is not a power here (write ** for a power)"),
    ("L == y", "== compares"),
    ("L = x == y", "an equation has one = only"),
    ("L = 1 < x < 2", "comparisons do not chain"),
    ("L = x != y", "!= is not part of the language"),
    ("L y", "'=' is missing after L"),
    ("L += y", "a name is computed once: write another, L_next = L + …"),
    ("L = [1, [2]]", "the rows of the array differ in length"),
    ("L = 1e999", "too large for a 64-bit float"),
    ("L = y ; y", "the sign ';' means nothing here"),
    ("L = " + "1 + " * 250_000 + "1", "characters is longer than 20000"),
    ("L = " + "(" * 9_000 + "y" + ")" * 9_000, "nest deeper than 100"),
    ("L = " + "-" * 9_000 + "y", "nest deeper than 100"),
    ("L = " + "y + " * 4_000 + "y", "nests 4001 operations, more than 100"),
    (
        f"L = sum(broadcast_to(w, shape=({10**7}, {10**7}, 2)))",
        f"this takes a {10**7}×{10**7}×2 array: {2 * 10**14} numbers",
    ),
    (f"L = sum(pad(w, before={10**11}))", f"this takes a vector of {10**11 + 2} entries"),
    (
        f"L = sum(conv2d(W, W, padding={10**7}, stride={10**6}))",
        f"this takes a {2 * 10**7 + 2}×{2 * 10**7 + 3} matrix",
    ),
    ("", "there is no equation"),
]

FILES = [
    ('equations = "L = w"\n[parameters]\nw = nan', "parameters.w: NaN is not a finite number"),
    ('equations = "L = w"\n[parameters]\nw = -inf', "-Infinity is not a finite number"),
    ('equations = "L = w"\n[parameters]\nw = 1e400', "not a finite number"),
    ('equations = "L = w"\n[parameters]\nw = "1/0"', "'1/0' is not a number"),
    ('equations = "L = w"\n[parameters]\nw = true', "'True' is not a number"),
    ('equations = "L = w"\n[parameters]\nw = []', "an empty list holds no numbers"),
    (
        'equations = "L = w"\n[parameters]\nw = [[1, 2], [3]]',
        "a ragged matrix: row 2 has 1 number, row 1 has 2",
    ),
    (
        'equations = "L = w*sum(x)"\n[parameters]\nw = 1\n[data]\nx = {cases=[[1, 2], [3]]}',
        "a ragged list of cases: case 2 has 1 number, case 1 has 2",
    ),
    (
        'equations = "L = bce(sigmoid(w), y)"\n[parameters]\nw = 1\n[data]\ny = {cases=[1, -1]}',
        "y must be a target from 0 to 1, but here it is -1",
    ),
    (
        'equations = ["p = sigmoid(w)", "L = -(y*log(p) + (1 - y)*log(1 - p))"]\n[parameters]\nw = 1\n[data]\ny = 2',
        "y must be a target from 0 to 1, but here it is 2",
    ),
    (
        'equations = ["p = softmax(w*x)", "L = cross_entropy(p, y)"]\n[parameters]\nw = 1\n'
        "[data]\nx = [1, 2]\ny = 2",
        "y must be one-hot, or the number of a class, counted from 0, but here it is 2",
    ),
    (
        'equations = "L = cross_entropy(w*x, y)"\n[parameters]\nw = 1\n[data]\nx = [1, 2]\ny = 1',
        "w*x must be probabilities, from 0 to 1, but here it is 2",
    ),
    (
        'equations = "L = bce(w, 1)"\n[parameters]\nw = 1.5',
        "w must be a probability, from 0 to 1, but here it is 1.5",
    ),
    (
        'equations = "L = w*x"\n[parameters]\nw = {cases=[1,2]}\n[data]\nx = {cases=[1,2,3]}',
        "w has 2 cases and x has 3 cases",
    ),
    (
        'equations = "L = w"\n[parameters]\nw = {file = "no.npy"}',
        "no.npy cannot be read: No such file",
    ),
    (
        'equations = "L = w"\n[parameters]\nw = {file = "no.txt"}',
        "not a .npy, .npz, .csv, .pt or .safetensors file",
    ),
    ('equations = "L = w"\n[parameters]\nw = {case = [1]}', "unknown keys case"),
    ('equations = "L = w"\n[date]\nw = 1', "unknown key 'date' (did you mean data?)"),
    (
        'equations = "L = w"\n[parameter]\nw = 1',
        "unknown key 'parameter' (did you mean parameters?)",
    ),
    (
        'w = 1\nequations = "L = w"',
        "unknown key 'w' (w belongs under [parameters], if it is learned, or else under [data])",
    ),
    (
        'equations = "L = w"\nloss = "M"\n[parameters]\nw = 1',
        "the loss 'M' is computed by no equation",
    ),
    ('equations = "L = w"\n[parameters]\nw = 1\n[data]\nw = 2', "w is given twice"),
    (
        'equations = "L = w"\n[parameters]\nw = 1\n[update]\nrule = "adan"',
        "'adan' is unknown (did you mean adam?)",
    ),
    ('equations = "L = w"\n[parameters]\nw = 1\n[update]\nrat = 1', "(did you mean rate?)"),
    ('equations = "L = w"\n[parameters]\nw = 1\n[update]\nbeta1 = 1', "sgd has no setting 'beta1'"),
    ('equations = "L = w"\n[parameters]\n"w 1" = 1', "'w 1' is not a name"),
    ('equations = "L = w"\n[parameters]\nw = 1\n[display]\nv = "V"', "[display] names 'v'"),
    ('equations = "L = w"\nreduction = "max"\n[parameters]\nw = 1', "reduction = 'max' is unknown"),
    ('equations = "L = w"\n[parameters\nw = 1', "is not valid TOML"),
    ("equations = 5", "equations is text"),
    ('title = "none"', "there are no equations"),
    ("x = " + "[" * 10_000 + "1" + "]" * 10_000, "nests too deeply"),
]

COMMANDS = [
    (["solve", "nope"], "there is no bundled problem 'nope'"),
    (["solve", "lab8"], "(did you mean lab9?)"),
    (["solve", "nope.toml"], "nope.toml: cannot be read: No such file or directory"),
    (["solve", "/"], "is a folder"),
    (["solve", ""], "no problem is named"),
    (["solve", "nul\0.toml"], "cannot be read"),
    (["solve", "lab9", "--set", "q=1"], "the problem is not given q"),
    (["solve", "lab9", "--set", "x"], "not of the form NAME=VALUE"),
    (["solve", "lab9", "--set", "x=[1,2,3]"], "W1 is 2×2 but x has 3 entries"),
    (["solve", "lab9", "--set", "x=[1,"], "is not a list of numbers"),
    (["solve", "lab9", "--set", "x=__import__('os')"], "is not a number"),
    (["solve", "lab9", "--set", "z1=1"], "z1 is computed by an equation"),
    (["solve", "lab9", "--swap", "relu=rel"], "there is no operation rel (did you mean relu?)"),
    (["solve", "lab9", "--swap", "tanh=relu"], "no equation uses tanh"),
    (["solve", "lab9", "--swap", "relu=bce"], "different numbers of arguments"),
    (["solve", "lab9", "--step", "9.9"], "there is no step 9.9"),
    (["solve", "lab9", "--only", "sideways"], "'sideways'"),
    (["solve", "lab9", "--decimals", "many"], "'many'"),
    (["solv", "lab9"], "No such command 'solv'. Did you mean 'solve'?"),
    (["verify", "nope"], "there is no bundled problem 'nope'"),
    (["solve"], "Missing argument"),
]


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The error of a command that must refuse."""
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Error: ")
    assert captured.err.count("Error:") == 1
    assert "Traceback" not in captured.err
    assert len(captured.err) < 1_000
    return captured.err


@pytest.mark.parametrize(("equations", "said"), EQUATIONS, ids=range(len(EQUATIONS)))
def test_equations(
    equations: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'equations = """\n{equations}\n"""\n' + NUMBERS)
    error = refusal(["solve", str(path)], capsys)
    assert "mine.toml" in error
    assert said in error.replace("\n       ", " ")


@pytest.mark.parametrize(("text", "said"), FILES, ids=range(len(FILES)))
def test_files(text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    error = refusal(["verify", str(path)], capsys)
    assert "mine.toml" in error
    assert said in error


@pytest.mark.parametrize(("arguments", "said"), COMMANDS, ids=range(len(COMMANDS)))
def test_commands(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refusal(arguments, capsys)


def test_an_error_marks_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lab9.toml"
    path.write_text('equations = """\nz1 = relu(x)\nL = sum(W @ z1 + y)\n"""' + NUMBERS)
    assert refusal(["solve", str(path)], capsys).splitlines() == [
        "Error: lab9.toml, equation 2: L = sum(W @ z1 + y)",
        "                                      ~~^~~~",
        "       W is 2×3 but z1 has 2 entries: the columns of W must match the entries of z1"
        " (did you mean W.T?)",
    ]


def test_not_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8 text (byte 0)" in refusal(["solve", str(path)], capsys)


def test_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'equations = "L = \xff"')))
    assert "standard input" in refusal(["solve", "-"], capsys)


def test_escapes_are_never_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('equations = "L = \\u001b[31m y"' + NUMBERS)
    assert "\x1b" not in refusal(["solve", str(path)], capsys)


FOUND = {
    "a bias of another shape than its layer": (
        'equations = """\nh = relu(W @ x + b)\nr = W.T @ h + c\nL = sum((r - x)**2)\n"""\n[parameters]\n'
        "W = [[-10]]\nb = [-0.6]\nc = [[-0.1], [-0.1]]\n[data]\nx = [-0.1]\n",
        ["solve", "-o", "page.svg", "--force"],
        0,
    ),
    "a power beyond floats": (
        'equations = "L = 100*(y - x**-1e308)**2"\n[parameters]\nx = 0.4\ny = 0.4\n',
        ["train", "--steps", "3"],
        2,
    ),
    "parameters with cases that are remembered": (
        'equations = """\nz = W @ x + b\nL = cross_entropy(softmax(z), y)\n"""\n[parameters]\n'
        "W = [[0, 0.6], [-0.4, 1.4]]\nb = [-0.3, -1]\nx = { cases = [[1.9, 0.3], [-0.4, -0.9], [2, 1]] }\n"
        'y = { cases = [[0, 1], [0, 1], [1, 0]] }\n[update]\nrule = "momentum"\n',
        ["code", "--to", "torch"],
        0,
    ),
    "the shape of a number": (
        'equations = """\nz = W @ x + b\nC = -sum(y*(z - sum(reshape(z))))\n"""\n[parameters]\n'
        "W = [[0.7, 1.1]]\nb = [1.2]\n[data]\nx = [-0.3, -1.7]\ny = [1]\n",
        ["train", "--steps", "2", "--compare"],
        0,
    ),
}


@pytest.mark.parametrize(("text", "arguments", "code"), FOUND.values(), ids=FOUND)
def test_no_traceback(
    text: str, arguments: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(text)
    assert run([arguments[0], "mine.toml", *arguments[1:]]) == code


def test_a_null_character_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "character of code 0" in refusal(["solve", "a\0b"], capsys)
