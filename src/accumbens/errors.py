"""The errors that users meet; each says what is wrong, where, and what to do."""


class AccumbensError(Exception):
    """Base of every error that accumbens raises on purpose."""


class ConfigError(AccumbensError, ValueError):
    """An option is unknown, out of range, or contradicts another."""


class DataError(AccumbensError, ValueError):
    """A table, file or `Trials` cannot be used as it is; lists every problem found."""


class DivergedError(AccumbensError, ArithmeticError):
    """Training left the finite numbers and could not be rescued by smaller steps."""


def expect(value: object, kinds: type | tuple[type, ...], name: str, advice: str) -> None:
    """Checks that an argument is of the type that it must be.

    Args:
        value: of the argument.
        kinds: types that it may have.
        name: of the argument, for the message.
        advice: what to give instead.

    Raises:
        ConfigError: it is of another type.
    """
    if not isinstance(value, kinds):
        shown = repr(value) if isinstance(value, str | int | float | None) else ""
        kind = type(value).__name__
        what = f"{shown} ({kind})" if shown else f"a {kind}"
        raise ConfigError(f"{name} is {what}, which cannot be used here. {advice}")


def expect_whole(value: object, name: str) -> None:
    """Checks that an argument is a whole number, Python's or NumPy's.

    Args:
        value: of the argument.
        name: of the argument, for the message.

    Raises:
        ConfigError: it is another number, or none.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        expect(value, (), name, "Give a whole number.")
