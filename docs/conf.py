"""The documents as a site: `python -m tools.site` builds it with Sphinx into `site/`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

import handgrad  # noqa: E402

project = "handgrad"
release = version = handgrad.__version__
author = "the handgrad authors"
html_title = "handgrad"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "tools.site_pages",
]
exclude_patterns = ["gallery/*.html", "python_reference.md"]
myst_heading_anchors = 4
myst_enable_extensions = ["html_image"]
default_role = "code"
suppress_warnings = ["myst.header"]
# What stands indented in a document is a problem file, a command or what one prints.
highlight_language = "none"

autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
python_use_unqualified_type_names = True

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
