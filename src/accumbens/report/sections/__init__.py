"""The parts of a report, by kind of result."""
