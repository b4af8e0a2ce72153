"""Files: tables, NWB, photometry, spikes, saved models."""

from .contents import Contents as Contents
from .contents import Listing as Listing
from .contents import inspect_file as inspect_file
from .format import SourceFormat as SourceFormat
from .models import load_model as load_model
from .models import save_model as save_model
from .nwb.channels import read_nwb_channels as read_nwb_channels
from .nwb.channels import read_nwb_units as read_nwb_units
from .nwb.contents import NwbContents as NwbContents
from .nwb.contents import inspect_nwb as inspect_nwb
from .nwb.format import NwbFormat as NwbFormat
from .nwb.trials import read_nwb as read_nwb
from .nwb.write import write_nwb as write_nwb
from .photometry.files import read_recording as read_recording
from .photometry.recording import Recording as Recording
from .spikes.contents import SpikeContents as SpikeContents
from .spikes.contents import inspect_spikes as inspect_spikes
from .spikes.files import read_units as read_units
from .tables.files import read_table as read_table
from .tables.files import write_table as write_table
from .tables.format import TableFormat as TableFormat
from .tables.levels import session_levels as session_levels
from .tables.trials import from_table as from_table
from .tables.trials import to_table as to_table
from .trial_sources import SourcedTrials as SourcedTrials
from .trial_sources import read_sources as read_sources
