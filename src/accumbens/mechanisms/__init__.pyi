"""Many fits, one mechanism: what fitted disRNNs agree on, and what it is called."""

from .align import Alignment as Alignment
from .align import align_latents as align_latents
from .anatomy import Anatomy as Anatomy
from .anatomy import dissect as dissect
from .config import ConsensusConfig as ConsensusConfig
from .consensus import find_consensus as find_consensus
from .fits import HeldOut as HeldOut
from .fits import NetworkFit as NetworkFit
from .mechanism import Consensus as Consensus
from .mechanism import Mechanism as Mechanism
from .names import LatentName as LatentName
from .names import Match as Match
from .names import name_latents as name_latents
from .names import names_to_frame as names_to_frame
from .situations import Conditions as Conditions
from .variables import fit_agents as fit_agents
