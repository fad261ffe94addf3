"""Errors that a user can mend, said in one line."""


class WeightsError(ValueError):
    """A file that cannot be used as weights: the message begins with its name, says what it is and what to do."""
