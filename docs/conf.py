"""The documentation site: make docs. Pages are executed, and warnings are errors."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import reference_pages  # noqa: E402

import accumbens  # noqa: E402

reference_pages.write(HERE / "reference")

project, author = "accumbens", "The accumbens authors"
version = release = accumbens.__version__
copyright = "the accumbens authors, Apache-2.0"
extensions = ["myst_nb"]
exclude_patterns = ["_build", "jupyter_execute"]
nitpicky = True

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
nb_execution_mode = os.environ.get("ACCUMBENS_DOCS_EXECUTE", "force")
nb_execution_raise_on_error = True
nb_execution_timeout = 900
nb_execution_in_temp = True
nb_merge_streams = True
nb_execution_show_tb = True

html_theme = "pydata_sphinx_theme"
html_title = f"accumbens {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "navigation_with_keys": False,
}
