"""Functions as NumPy and PyTorch spell them, put as the functions that the oracle knows.

Written from the libraries' own documents: which argument has which place, and what a method is called on.
"""

from __future__ import annotations

import ast

LIBRARIES = ("np", "numpy", "torch", "F", "jnp", "tf")

NAMES = {
    "mse_loss": "mse",
    "binary_cross_entropy": "bce",
    "binary_cross_entropy_with_logits": "bce_with_logits",
    "huber_loss": "huber",
    "swish": "silu",
    "expit": "sigmoid",
    "logistic": "sigmoid",
    "cat": "concat",
    "concatenate": "concat",
    "absolute": "abs",
    "mm": "matmul",
    "mv": "matmul",
    "amax": "max",
    "amin": "min",
}

PLACES = {
    "leaky_relu": "alpha",
    "elu": "alpha",
    "sum": "axis",
    "mean": "axis",
    "max": "axis",
    "min": "axis",
    "softmax": "axis",
    "log_softmax": "axis",
    "logsumexp": "axis",
    "max_pool1d": "size",
    "max_pool2d": "size",
    "max_pool3d": "size",
    "reshape": "shape",
}
"""The option that a number after the array gives."""

OPTIONS = {"dim": "axis", "keepdim": "keepdims", "negative_slope": "alpha"}


class Plain(ast.NodeTransformer):
    """Calls of libraries' functions and of arrays' methods as calls of plain functions."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        match node.func:
            case ast.Attribute(value=ast.Name(id=library), attr=name) if library in LIBRARIES:
                arguments = node.args
            case ast.Attribute(value=value, attr=name):
                arguments = [value, *node.args]
            case ast.Name(id=name):
                arguments = node.args
            case _:
                return node
        of_library = isinstance(node.func, ast.Attribute)
        name = NAMES.get(name, name)
        if name == "dot" and of_library:
            name = "matmul"
        if name == "concat" and isinstance(arguments[0], ast.List | ast.Tuple):
            arguments = [*arguments[0].elts, *arguments[1:]]
        keywords = [ast.keyword(OPTIONS.get(k.arg or "", k.arg), k.value) for k in node.keywords]
        if of_library and name in PLACES and len(arguments) == 2 and _number(arguments[1]):
            keywords.append(ast.keyword(PLACES[name], arguments[1]))
            arguments = arguments[:1]
        return ast.Call(ast.Name(name), arguments, keywords)


def _number(tree: ast.expr) -> bool:
    try:
        ast.literal_eval(tree)
    except ValueError:
        return False
    return True
