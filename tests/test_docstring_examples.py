"""The examples in docstrings, run as they stand: `Example:` and a session at the prompt."""

import doctest
import functools

import pytest

from helpers.front_door import namespaces, public_object, public_objects

OPTIONS = doctest.ELLIPSIS | doctest.REPORT_NDIFF


@functools.cache
def examples() -> dict[str, doctest.DocTest]:
    """Every public object's example under its full name; in its namespace, if it has two names."""
    homes = {public_object(name): name for name in public_objects()}
    found = {}
    for thing, name in homes.items():
        test = doctest.DocTestParser().get_doctest(thing.__doc__, {}, name, None, 0)
        if test.examples:
            found[name] = test
    return found


@pytest.mark.parametrize("where", namespaces())
def test_examples_in_docstrings_give_what_they_say(where):
    failed = []
    for name, test in examples().items():
        said: list[str] = []
        runner = doctest.DocTestRunner(optionflags=OPTIONS)
        if name.rpartition(".")[0] == where and runner.run(test, out=said.append).failed:
            failed.append(f"{name}\n{''.join(said)}")
    assert not failed, "\n".join(failed)


def test_an_example_has_its_head_and_stands_at_the_end():
    for name, test in examples().items():
        last = (test.docstring or "").partition("Example:\n")[2]
        assert last.count(">>>") == len(test.examples), name


def test_twenty_public_objects_have_an_example():
    assert len(examples()) >= 20
