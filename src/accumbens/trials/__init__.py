"""`Trials`: the choices, outcomes and signals of an experiment, real or simulated.

The order in time on trial t, everywhere: the state before t predicts `choice[t]`; then `outcome[t]`
arrives; `signal[t]` (dopamine, for example) may depend on the state before t, on the choice and on
the outcome.

Every function follows two rules:
* a *missed* trial (choice -1) is kept; it does not change the state of a model and is never scored;
* an *instructed* trial changes the state of a model like any other, but is never scored.
"""

from .assembly import concatenate as concatenate
from .assembly import trials_from_arrays as trials_from_arrays
from .base import Batch as Batch
from .base import Counts as Counts
from .base import Trials as Trials
from .base import expect_trials as expect_trials
from .names import MISSED as MISSED
from .names import ChoiceCode as ChoiceCode
from .names import TrialNames as TrialNames
