"""What a split counts; imports nothing that computes, since options name it."""

from typing import Literal

Count = Literal["within-subject", "all-sessions", "subjects"]
"""The sessions of each subject, all sessions in order of subject and session, or whole subjects."""
