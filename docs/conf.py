"""The documentation site: make docs. Pages are executed, and warnings are errors."""

import atexit
import os
import shutil
import sys
import tempfile
from html import escape
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

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

# Pages run with settings of their own, not with those of whoever builds the site; a kernel that
# listens on this machine alone need not warn that others could hear it.
os.environ["IPYTHONDIR"] = tempfile.mkdtemp(prefix="accumbens-docs-")
atexit.register(shutil.rmtree, os.environ["IPYTHONDIR"], ignore_errors=True)
(Path(os.environ["IPYTHONDIR"]) / "profile_default").mkdir()
(Path(os.environ["IPYTHONDIR"]) / "profile_default" / "ipython_kernel_config.py").write_text(
    "c.IPKernelApp.log_level = 'ERROR'\n"
)

html_math_renderer = "mathml"

html_theme = "pydata_sphinx_theme"
html_title = f"accumbens {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {page.stem: [] for page in HERE.glob("*.md")}  # they have no pages below them
html_copy_source = html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "navigation_with_keys": False,
}


def _mathml(writer, node):
    """Equations as MathML, which browsers draw by themselves: nothing is loaded from elsewhere."""
    display = "inline" if isinstance(node, nodes.math) else "block"
    made = convert(node.astext(), display=display)
    alt = escape(" ".join(node.astext().split()), quote=True)
    made = made.replace("<math ", f'<math alttext="{alt}" ', 1)
    writer.body.append(made if display == "inline" else f'<div class="equation">{made}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (_mathml, None), (_mathml, None))
