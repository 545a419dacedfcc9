"""PyTorch's functions by their names, and what is known of some of them by these alone."""

from __future__ import annotations

from typing import Any

IGNORED = frozenset(
    [
        "size",
        "dim",
        "numel",
        "item",
        "tolist",
        "numpy",
        "stride",
        "storage_offset",
        "is_contiguous",
        "data_ptr",
        "register_hook",
        "requires_grad_",
        "retain_grad",
        "__len__",
        "__bool__",
        "__repr__",
        "__format__",
        "is_floating_point",
        "is_complex",
        "is_same_size",
        "element_size",
        "nelement",
        "ndimension",
        "get_device",
        "is_nonzero",
        "__deepcopy__",
        "__reduce_ex__",
        "__hash__",
        "__set__",
        "_record_function_enter_new",
        "_record_function_exit",
        "_set_grad_enabled",
        "set_grad_enabled",
        "grad",
        "zero_",
        "uniform_",
        "normal_",
        "equal",
        "allclose",
        "untyped_storage",
        "is_inference",
        "detach_",
        "__iter__",
        "__contains__",
        "manual_seed",
        "randn",
        "rand",
        "randint",
        "empty",
        "randperm",
        "cross_entropy",
        "nll_loss",
        "mse_loss",
        "binary_cross_entropy_with_logits",
        "binary_cross_entropy",
        "argmax",
        "ones",
        "ones_like",
        "rand_like",
        "randn_like",
        "randint_like",
        "empty_like",
        "new_ones",
        "new_empty",
        "arange",
        "linspace",
        "eye",
    ]
)
"""Functions that make no activation."""

KEPT = frozenset(
    [
        "detach",
        "clone",
        "contiguous",
        "to",
        "float",
        "double",
        "half",
        "bfloat16",
        "cuda",
        "cpu",
        "type",
        "type_as",
        "alias",
        "data",
        "requires_grad_",
        "_to_copy",
    ]
)
"""Functions that give a copy of their tensor."""

POSITIVE = frozenset(
    [
        "dropout",
        "dropout1d",
        "dropout2d",
        "dropout3d",
        "feature_dropout",
        "max_pool1d",
        "max_pool2d",
        "max_pool3d",
        "avg_pool1d",
        "avg_pool2d",
        "avg_pool3d",
        "adaptive_avg_pool1d",
        "adaptive_avg_pool2d",
        "adaptive_avg_pool3d",
        "adaptive_max_pool1d",
        "adaptive_max_pool2d",
        "adaptive_max_pool3d",
        "interpolate",
        "upsample",
        "pad",
        "boolean_dispatch",
        "fn",
    ]
)
"""Functions of what is not negative that give nothing negative."""


def name_of(func: Any) -> str:
    """A function's name; a property's is its own, where it is read."""
    name = getattr(func, "__name__", "")
    if name == "__get__":
        name = getattr(getattr(func, "__self__", None), "__name__", "")
        return name if name in ("T", "mT", "H", "mH", "data", "real") else "item"
    if name == "__set__":
        return "item"
    name = name.split(".")[0]
    return OPERATORS.get(name, name)


OPERATORS = {
    "__add__": "add", "__radd__": "add", "__iadd__": "add_", "__sub__": "sub", "__rsub__": "rsub",
    "__isub__": "sub_", "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul_", "__matmul__": "matmul",
    "__rmatmul__": "rmatmul", "__truediv__": "div", "__div__": "div", "__itruediv__": "div_",
    "__neg__": "neg", "__invert__": "logical_not", "bitwise_not": "logical_not", "__abs__": "abs",
    "absolute": "abs", "__gt__": "gt", "__ge__": "ge", "__lt__": "lt", "__le__": "le", "greater": "gt",
    "greater_equal": "ge", "less": "lt", "less_equal": "le", "multiply": "mul", "multiply_": "mul_",
    "subtract": "sub", "subtract_": "sub_", "true_divide": "div", "divide": "div", "negative": "neg", "neg_": "neg",
    "negative_": "neg", "fmax": "maximum", "fmin": "minimum", "clip": "clamp", "clip_": "clamp_",
    "rsub_": "rsub", "concat": "cat", "concatenate": "cat", "__pow__": "pow",
}  # fmt: skip
"""Other names of one function."""
