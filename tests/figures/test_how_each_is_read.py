"""Every figure that a result has is explained on the page of the site that says how to read it."""

import re

from accumbens.figures.credit.all import FIGURES as CREDIT
from accumbens.figures.fit.all import FIGURES as FIT
from accumbens.figures.mechanisms.all import FIGURES as MECHANISMS
from accumbens.figures.neural.all import FIGURES as NEURAL
from accumbens.figures.predict.all import FIGURES as PREDICT
from helpers.tracked import ROOT

PAGE = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
SECTIONS = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]


def test_every_figure_has_a_paragraph_that_names_its_files():
    for figure in (*FIT, *PREDICT, *CREDIT, *NEURAL, *MECHANISMS):
        named = [s for s in SECTIONS if s.split("\n\n", 1)[1].startswith(f"(`{figure.name}`")]
        assert len(named) == 1, figure.name
        assert len(named[0].split()) > 20, figure.name
