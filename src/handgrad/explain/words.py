"""The words about operations: one entry for each record of the table, and a test holds them complete."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of an operation.

    Arguments:
        noun: what it is called in a sentence.
        forward: what it does to numbers.
        backward: what its pull-back does to the gradient.
    """

    noun: str
    forward: str
    backward: str


QUOTIENT = {
    "numerator": "In a quotient a/b the numerator receives the gradient times 1/b.",
    "denominator": "In a quotient a/b the denominator receives the gradient times −a/b².",
}
"""What is said of a quotient where the gradient goes to one of its parts alone."""

WORDS: dict[str, Words] = {
    "add": Words(
        "the sum", "Add entry by entry.", "A sum passes its gradient on unchanged to every term."
    ),
    "subtract": Words(
        "the difference",
        "Subtract entry by entry.",
        "A difference passes its gradient on to the first term, and with the opposite sign to the second.",
    ),
    "multiply": Words(
        "the product",
        "Multiply entry by entry.",
        "In a product each factor's gradient is the incoming gradient times the other factor.",
    ),
    "divide": Words(
        "the quotient",
        "Divide entry by entry.",
        "In a quotient a/b the numerator receives the gradient times 1/b, the denominator times −a/b².",
    ),
    "negate": Words(
        "the minus sign", "Change the sign.", "A minus sign changes the sign of the gradient."
    ),
    "power": Words(
        "the power",
        "Raise to the power.",
        "Power rule: bring the exponent down and lower it by one.",
    ),
    "exp": Words(
        "the exponential", "Take the exponential.", "The exponential is its own derivative."
    ),
    "log": Words("the logarithm", "Take the natural logarithm.", "The derivative of ln a is 1/a."),
    "sqrt": Words("the square root", "Take the square root.", "The derivative of √a is 1/(2√a)."),
    "abs": Words(
        "the absolute value",
        "Take the absolute value.",
        "The gradient keeps its sign where a is positive and changes it where a is negative.",
    ),
    "sin": Words("the sine", "Take the sine.", "The derivative of the sine is the cosine."),
    "cos": Words(
        "the cosine", "Take the cosine.", "The derivative of the cosine is minus the sine."
    ),
    "maximum": Words(
        "the larger of two",
        "Take the larger of the two, entry by entry.",
        "Only the larger of the two receives the gradient; where they tie, each takes half.",
    ),
    "minimum": Words(
        "the smaller of two",
        "Take the smaller of the two, entry by entry.",
        "Only the smaller of the two receives the gradient; where they tie, each takes half.",
    ),
    "relu": Words(
        "ReLU",
        "ReLU passes positive numbers on unchanged and turns all others into 0.",
        "ReLU is a gate: the gradient passes where the pre-activation is positive and is stopped elsewhere.",
    ),
    "leaky_relu": Words(
        "leaky ReLU",
        "Leaky ReLU passes positive numbers on and shrinks the others by the factor α.",
        "The gradient passes unchanged where the pre-activation is positive, and times α elsewhere: the gate never shuts.",
    ),
    "elu": Words(
        "ELU",
        "ELU passes positive numbers on and bends the others towards −α.",
        "The slope is 1 where the pre-activation is positive, and ELU(z) + α elsewhere.",
    ),
    "softplus": Words(
        "softplus",
        "Softplus is ln(1 + eᶻ), a smooth ReLU.",
        "The slope of softplus is the sigmoid.",
    ),
    "gelu": Words(
        "GELU",
        "GELU multiplies z by Φ(z), the distribution function of the standard normal.",
        "The slope of GELU is Φ(z) + z φ(z).",
    ),
    "gelu_tanh": Words(
        "GELU (tanh form)",
        "GELU in its tanh form multiplies z by Φ̃(z), an approximation of Φ(z).",
        "The slope follows from the product rule on z · Φ̃(z).",
    ),
    "silu": Words(
        "SiLU", "SiLU multiplies z by σ(z).", "The slope follows from the product rule on z · σ(z)."
    ),
    "sigmoid": Words(
        "the sigmoid",
        "The sigmoid squeezes a number between 0 and 1.",
        "The slope of the sigmoid is σ(z)(1 − σ(z)), at most ¼.",
    ),
    "tanh": Words(
        "tanh",
        "Tanh squeezes a number between −1 and 1.",
        "The slope of tanh is 1 − tanh²(z), at most 1.",
    ),
    "softmax": Words(
        "softmax",
        "Softmax turns scores into probabilities that add up to 1.",
        "Each score moves every probability: subtract the average gradient, weighted by the probabilities.",
    ),
    "log_softmax": Words(
        "log softmax",
        "The logarithm of softmax, computed without overflow.",
        "Subtract the probabilities times the summed gradient.",
    ),
    "logsumexp": Words(
        "log-sum-exp",
        "The logarithm of the sum of the exponentials, computed without overflow.",
        "The derivative of ln Σ eᶻ is softmax(z).",
    ),
    "matmul": Words(
        "the matrix product",
        "Multiply: each unit takes the weighted sum of its inputs.",
        "A weight's gradient is the outer product of the error signal and the input; the input's is the transposed weights times the error signal.",
    ),
    "dot": Words(
        "the dot product",
        "Multiply entry by entry and add up.",
        "Each vector's gradient is the incoming gradient times the other vector.",
    ),
    "outer": Words(
        "the outer product",
        "Multiply every entry of one vector by every entry of the other.",
        "Multiply the gradient by the other vector.",
    ),
    "transpose": Words(
        "the transpose", "Turn rows into columns.", "The gradient is transposed back."
    ),
    "index": Words(
        "the entry",
        "Pick out entries.",
        "The gradient goes to the entries that were picked; the others get 0.",
    ),
    "concat": Words(
        "the concatenation",
        "Put the parts one after another.",
        "The gradient is cut into the same parts.",
    ),
    "reshape": Words(
        "the reshape",
        "Put the same entries into another shape, row after row.",
        "The gradient is put back into the shape that the entries came from.",
    ),
    "where": Words(
        "the choice",
        "Take the first value where the condition holds, the second elsewhere.",
        "The gradient goes to the value that was chosen; the other gets 0.",
    ),
    **{
        name: Words(
            "the comparison",
            "Compare entry by entry: 1 where it holds, 0 elsewhere.",
            "A comparison is flat wherever it does not jump: no gradient flows through it.",
        )
        for name in ("less", "less_equal", "greater", "greater_equal")
    },
    **{
        name: Words(
            "the convolution",
            "Slide the kernel over the array; at each place, multiply entry by entry and add up.",
            "Each entry of the output comes from one window. An entry of the array gets kernel times gradient, added up over the windows that it lies in; the kernel gets array times gradient, added up over all places.",
        )
        for name in ("conv1d", "conv2d")
    },
    **{
        name: Words(
            "max pooling",
            "Keep the largest entry of every window.",
            "Only the largest entry of a window receives its gradient; entries that tie share it equally.",
        )
        for name in ("max_pool1d", "max_pool2d")
    },
    **{
        name: Words(
            "average pooling",
            "Average the entries of every window.",
            "Every entry of a window receives the gradient divided by the number of entries in it.",
        )
        for name in ("avg_pool1d", "avg_pool2d")
    },
    "layernorm": Words(
        "layer normalisation",
        "Subtract the mean and divide by the standard deviation, along the last axis.",
        "Mean and deviation depend on every entry: the gradient loses its own mean and its part along the normalised values, and is divided by the deviation.",
    ),
    "batchnorm": Words(
        "batch normalisation",
        "Subtract each column's mean over the examples and divide by its standard deviation.",
        "The examples meet in the mean and the deviation: each column's gradient loses its own mean and its part along the normalised values, and is divided by the deviation.",
    ),
    "sum": Words(
        "the sum over entries",
        "Add up the entries.",
        "Every entry of a sum receives the whole gradient.",
    ),
    "mean": Words(
        "the mean",
        "Average the entries.",
        "Every entry of a mean receives the gradient divided by the number of entries.",
    ),
    "max": Words(
        "the maximum",
        "Take the largest entry.",
        "Only the largest entry receives the gradient; entries that tie share it equally.",
    ),
    "min": Words(
        "the minimum",
        "Take the smallest entry.",
        "Only the smallest entry receives the gradient; entries that tie share it equally.",
    ),
    "norm": Words(
        "the norm",
        "Take the Euclidean norm.",
        "The derivative of ‖a‖ is a/‖a‖: a vector of norm 1 that points along a.",
    ),
    "bce": Words(
        "binary cross-entropy",
        "Binary cross-entropy: for a label of 0 or 1, −ln of the probability given to that label.",
        "The derivative is −y/ŷ + (1 − y)/(1 − ŷ).",
    ),
    "bce_with_logits": Words(
        "binary cross-entropy of the logit",
        "Binary cross-entropy of σ(z), computed from z without overflow.",
        "The sigmoid and the cross-entropy together have the derivative σ(z) − y.",
    ),
    "cross_entropy": Words(
        "cross-entropy",
        "Cross-entropy: for one true class, −ln of the probability given to it.",
        "The derivative is −y/p for each class.",
    ),
    "mse": Words(
        "the mean squared error",
        "Average the squared differences.",
        "The derivative is twice the difference, divided by the number of entries.",
    ),
    "hinge": Words(
        "the hinge loss",
        "Hinge: how far y·s falls short of 1.",
        "Only where y·s is below 1 does a gradient pass: −y.",
    ),
    "huber": Words(
        "the Huber loss",
        "Huber: squared near 0, straight beyond δ.",
        "The gradient is the difference, held between −δ and δ.",
    ),
}
"""By the operation's name in the table."""

RULE_WORDS = {
    "sgd": "Stochastic gradient descent: step against the gradient.",
    "momentum": "Momentum: earlier steps fade by the factor μ and add up, so that steady directions gain speed.",
    "rmsprop": "RMSProp: divide the gradient by the root of a running mean of its squares, so that every weight moves at its own pace.",
    "adam": "Adam: divide a running mean of the gradients by the root of a running mean of their squares, both corrected for having started at 0.",
    "adamw": "AdamW: Adam's step, and in addition every weight shrinks by a fraction of itself.",
}
"""What is said of each update rule."""

RULE_NOUNS = {
    "sgd": "gradient descent",
    "momentum": "gradient descent with momentum",
    "rmsprop": "RMSProp",
    "adam": "Adam",
    "adamw": "AdamW",
}
"""What each update rule is called in a sentence."""

OPTIONS = {
    "alpha": "α is",
    "delta": "δ is",
    "eps": "ε is",
    "padding": "the padding is",
    "stride": "the stride is",
    "size": "a window's width is",
}
"""How the options of operations are called that a formula does not always spell out."""

RULE_SETTINGS = {
    "rate": "the learning rate η is",
    "weight_decay": "the weight decay λ is",
    "momentum": "the momentum μ is",
    "decay": "the decay ρ is",
    "beta1": "β₁ is",
    "beta2": "β₂ is",
    "epsilon": "ε is",
}
"""How each of a rule's settings is called."""

_FROM_SCORES = (
    "SoftmaxCE is the cross-entropy of softmax(z) computed from z itself: ln Σ eᶻ − z of each class, "
    "weighted by its target."
)
_FROM_LOGITS = (
    "BCEWithLogits is the binary cross-entropy of σ(z) computed from z itself: ln(1 + eᶻ) − y·z."
)
STABLE_FORMS = {
    "softmax_cross_entropy": _FROM_SCORES,
    "softmax_cross_entropy_terms": _FROM_SCORES,
    "bce_with_logits": _FROM_LOGITS,
    "bce_with_logits_terms": _FROM_LOGITS,
}
"""What the operations are that a loss is worked out by where floats have no number for it as it is written."""
