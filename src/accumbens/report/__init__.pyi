"""Reports: one HTML page with all that a run found, to read, explore, print and send."""

from .made import Report as Report
from .made import write_report as write_report
from .papers.written import write_paper_figures as write_paper_figures
