"""The disentangled RNN."""

from .config import DisRNNConfig as DisRNNConfig
from .config import Penalties as Penalties
from .describe import bottlenecks as bottlenecks
from .describe import open_latents as open_latents
from .model import DisRNN as DisRNN
from .model import DisRNNState as DisRNNState
from .openness import BottleneckRow as BottleneckRow
from .ordering import in_order as in_order
