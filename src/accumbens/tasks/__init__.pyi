"""Tasks: bandits and distractor rewards, and what a task of one's own has to define."""

from .bandits import Bandit as Bandit
from .bandits import DriftingBandit as DriftingBandit
from .bandits import ReversalBandit as ReversalBandit
from .bandits import ReversalState as ReversalState
from .base import Task as Task
from .distractor import DistractorRewards as DistractorRewards
from .earned import EarnedReversals as EarnedReversals
from .earned import EarnedState as EarnedState
