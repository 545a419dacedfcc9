"""Problems from models: one table of readers, and the builder that each of them writes on.

A reader makes an ordinary `Problem` of a model of PyTorch, say, so that everything else follows unchanged. The
libraries are imported where they are used, and only there.
"""

from handgrad.models.reading import load as load
from handgrad.models.reading import reader_of as reader_of
