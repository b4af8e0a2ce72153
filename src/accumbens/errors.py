"""The errors that users meet; each says what is wrong, where, and what to do."""


class AccumbensError(Exception):
    """Base of every error that accumbens raises on purpose."""


class ConfigError(AccumbensError, ValueError):
    """An option is unknown, out of range, or contradicts another."""


class DataError(AccumbensError, ValueError):
    """A table, file or `Trials` cannot be used as it is; lists every problem found."""


class DivergedError(AccumbensError, ArithmeticError):
    """Training left the finite numbers and could not be rescued by smaller steps."""
