"""How far long work has come, who is told, and how it is stopped."""

from .base import Progress as Progress
from .base import Stopped as Stopped
from .base import Task as Task
from .display import Lines as Lines
from .display import notebook_table as notebook_table
from .display import shown as shown
from .display import terminal_bars as terminal_bars
