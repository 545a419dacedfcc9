"""What people write elsewhere: names of libraries before an operation's, and names that mean something else there."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from handgrad.operations.operation import Options

LIBRARIES = frozenset(
    [
        "np",
        "numpy",
        "torch",
        "nn",
        "functional",
        "F",
        "math",
        "jnp",
        "jax",
        "linalg",
        "scipy",
        "special",
        "mx",
        "tf",
    ]
)
"""What may stand before an operation's name: np.exp(z), torch.nn.functional.relu(z)."""

PYTORCH = ("torch", "F", "nn", "functional")

SWAPPED: Mapping[str, tuple[str, ...]] = {"embedding": PYTORCH}
"""Functions whose two arguments stand the other way round in these libraries: F.embedding(ids, E)."""

ARRAYS = frozenset(["array", "asarray", "tensor", "as_tensor", "constant"])
"""What makes an array of numbers elsewhere: np.array([1, 2]) is [1, 2]."""

ELSEWHERE: Mapping[str, str] = {
    "binary_crossentropy": "Keras puts the target first; here it is bce(prediction, target)",
    "categorical_crossentropy": "Keras puts the target first; here it is cross_entropy(prediction, target)",
    "sparse_categorical_crossentropy": "Keras puts the target first; here it is cross_entropy(prediction, target)",
    "take": "write E[ids] for the rows ids of E",
    "take_along_axis": "an entry of each row is sum(P * Y, axis=1) of one-hot rows Y",
    "gather_nd": "write E[ids] for the rows ids of E",
    "Embedding": "a table of rows is a parameter E: write E[ids]",
    "slogdet": "write logdet(A), where the determinant is positive",
    "solve": "write inv(A) @ b",
    "pinv": "of a matrix with an inverse it is inv(A)",
    "cholesky": "a product of its factor is L @ L.T, of a parameter L",
    "Linear": "a layer is an equation: z = W @ x + b",
    "Dense": "a layer is an equation: z = W @ x + b",
    "Conv2d": "a layer is an equation: Z = conv2d(X, K, stride=1, padding=0) + b",
    "ConvTranspose2d": "a layer is an equation: Z = conv_transpose2d(X, K, stride=1, padding=0) + b",
    "MaxPool2d": "write max_pool2d(H, 2)",
    "Dropout": "the mask is given: dropout(h, mask, 0.5)",
    "KLDivLoss": "PyTorch's takes ln q first; write kl_div(p, q) of the probabilities",
    "Flatten": "write flatten(H)",
    "vstack": "of vectors it is stack(a, b), of matrices concat(A, B)",
    "hstack": "of vectors it is concat(a, b), of matrices concat(A, B, axis=1)",
    "column_stack": "write stack(a, b, axis=1)",
    "repeat": "numbers broadcast; a row for each is E[ids]",
    "tile": "numbers broadcast; write the operation that takes them",
    "moveaxis": "write permute(A, 1, 2, 0), all the axes in their new order",
    "item": "a number is written by its name alone",
    **dict.fromkeys(
        ("detach", "stop_gradient"),
        "handgrad follows every path; what is given as data has no gradient",
    ),
    "backward": "the backward pass is what handgrad works out; equations are the forward pass",
    "numpy": "equations hold numbers of one kind; write the name alone",
    "one_hot": "give the one-hot rows as data, or the class's number to cross_entropy",
    "argmax": "it has no gradient; give the index as a number",
    "var": "write mean((a - mean(a))**2)",
    "std": "write sqrt(mean((a - mean(a))**2))",
    "zeros": "give the zeros as data",
    "ones": "give the ones as data",
    "eye": "give the identity as data",
    "round": "its slope is 0 everywhere; leave it out",
    "floor": "its slope is 0 everywhere; leave it out",
    "sign": "its slope is 0 everywhere; where(x > 0, 1, -1) stands for it",
}
"""Names that are no operation here, or mean another thing elsewhere, each with what to write."""


MISCOUNTED: Mapping[str, str] = {
    **{
        name: f"of several numbers it is {name}(stack(a, b, c))"
        for name in ("sum", "mean", "prod", "logsumexp", "var", "std")
    },
    "dropout": "the mask is given, 1 for what is kept: dropout(h, mask, 0.5)",
    "hardtanh": "for other bounds write clip(z, low, high), whose slope at them is 1",
    "glu": "along another axis write glu(z, axis=0)",
}
"""By operation, what to write where it is given too few or too many arguments."""


def unlike(library: str, operation: str, arguments: int, options: Collection[str]) -> str:
    """What to write for an operation that means another thing in a library; empty where it means the same."""
    if operation == "rmsnorm" and library in PYTORCH and "eps" not in options:
        return "its ε is the rounding of its numbers: write rmsnorm(x, eps=…), 1e-5 where it is left out"
    if operation == "transpose" and library in PYTORCH and options:
        return "PyTorch's exchanges two axes: write swapaxes(A, 0, 1)"
    if operation == "gather" and library in PYTORCH and arguments != 2:
        return "of rows it is E[ids]; an entry of each row is sum(P * Y, axis=1) of one-hot rows Y"
    if operation in ("max", "min") and arguments == 2:
        entrywise = f"{operation}imum(a, 0)"
        return f"along an axis write {operation}(a, axis=0); entry by entry, {entrywise}"
    if operation == "cross_entropy" and library in PYTORCH:
        return "it takes scores: write cross_entropy(softmax(z), y)"
    if operation == "kl_div" and library in ("torch", "F", "nn", "functional"):
        return (
            "it takes ln q first, and divides by all the entries: write kl_div(p, q) of the probabilities, "
            "which is its reduction='batchmean'"
        )
    if operation == "dropout":
        return "the mask is given, 1 for what is kept: write dropout(h, mask, 0.5)"
    if operation == "gelu" and library == "jax":
        return "it is the tanh form: write gelu_tanh(z)"
    if operation == "leaky_relu" and library == "tf" and not options:
        return "its slope is 0.2: write leaky_relu(z, 0.2)"
    return ""


def unlike_method(operation: str, defaults: Mapping[str, Options], options: Collection[str]) -> str:
    """What to write for a method whose options differ between libraries where they are left out; empty where none does."""
    if operation == "transpose" and options:
        return "all the axes in their new order are permute(A, 1, 0, 2), two that change places swapaxes(A, 0, 1)"
    missing = {n: v for each in defaults.values() for n, v in each.items() if n not in options}
    if not missing:
        return ""
    ways = " or ".join(f"{operation}(a, {n}={v:g})" for n, v in missing.items())
    return f"write {operation}(a) as NumPy has it, or {ways} as {' and '.join(defaults)} has it"


MENDS: Mapping[str, str] = {
    "'": "write .T for the transpose; a derivative has a name such as dz",
    "|": "write abs(a), or norm(a) for a length",
    "‖": "write norm(a)",
    "√": "write sqrt(a)",
    "∑": "write sum(a)",
    "∏": "write prod(a)",
    "∂": "handgrad works the derivatives out; equations are the forward pass",
    "{": "write round brackets, as in max(0, z)",
    "}": "write round brackets, as in max(0, z)",
    "\\": "write the formula without TeX: W @ x + b",
    ";": "write one equation a line",
    "←": "write =",
    "%": "there is no remainder",
    "&": "write the product of comparisons: (a < b) * (b < c)",
    "≠": "write (a < b) + (a > b)",
}
"""Signs of mathematics and of other languages, each with what to write."""
