"""Fitting: maximum likelihood of cognitive models, gradient training of GRU and disRNN."""

from .disrnn.penalty_path import PenaltyPath as PenaltyPath
from .disrnn.penalty_path import PenaltyPathConfig as PenaltyPathConfig
from .disrnn.penalty_path import penalty_path as penalty_path
from .disrnn.recipe import DisRNNFit as DisRNNFit
from .disrnn.recipe import RecipeConfig as RecipeConfig
from .disrnn.recipe import fit_disrnn as fit_disrnn
from .disrnn.stage import DisRNNStageConfig as DisRNNStageConfig
from .gradient.checkpoints import Checkpoint as Checkpoint
from .gradient.checkpoints import CheckpointFile as CheckpointFile
from .gradient.stage import Pace as Pace
from .gradient.stage import StageConfig as StageConfig
from .gradient.training import TrainingState as TrainingState
from .gru import GRUConfig as GRUConfig
from .gru import fit_gru as fit_gru
from .likelihood.fitted import MaximumLikelihoodFit as MaximumLikelihoodFit
from .likelihood.fitted import ParameterEstimate as ParameterEstimate
from .likelihood.fitted import Starts as Starts
from .likelihood.maximum_likelihood import fit_by_subject as fit_by_subject
from .likelihood.maximum_likelihood import fit_datasets as fit_datasets
from .likelihood.maximum_likelihood import fit_maximum_likelihood as fit_maximum_likelihood
from .likelihood.recovery import Recovery as Recovery
from .likelihood.recovery import recover as recover
