"""Whole analyses, from a table to a folder and back; what each command of `accumbens` calls."""

from .convert.config import ConvertConfig as ConvertConfig
from .convert.config import PhotometryConfig as PhotometryConfig
from .convert.config import SpikesConfig as SpikesConfig
from .convert.conversion import Converted as Converted
from .convert.conversion import convert_files as convert_files
from .convert.conversion import write_converted as write_converted
from .convert.photometry import ChannelResult as ChannelResult
from .convert.photometry import process_channel as process_channel
from .credit.analysis import Credit as Credit
from .credit.analysis import run_credit as run_credit
from .credit.config import CreditConfig as CreditConfig
from .fit.config import FitConfig as FitConfig
from .fit.config import SplitConfig as SplitConfig
from .fit.folder import Run as Run
from .fit.folder import RunFolder as RunFolder
from .fit.folder import load_run as load_run
from .fit.pipeline import resume_fit as resume_fit
from .fit.pipeline import run_fit as run_fit
from .kinds import load_result as load_result
from .provenance import fingerprint as fingerprint
from .selectivity.analysis import Selectivity as Selectivity
from .selectivity.analysis import run_selectivity as run_selectivity
from .selectivity.config import SelectivityConfig as SelectivityConfig
from .stored import StoredAnalysis as StoredAnalysis
