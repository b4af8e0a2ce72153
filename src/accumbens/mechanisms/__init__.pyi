"""Many fits, one mechanism: what fitted disRNNs agree on, and what it is called."""

from .fits import NetworkFit as NetworkFit
