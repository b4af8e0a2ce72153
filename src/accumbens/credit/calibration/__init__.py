"""Did the rewards come with the stated probabilities? Asked before anything is redrawn."""
