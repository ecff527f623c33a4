"""What a refused act is refused with."""

from collections.abc import Callable

import pytest
from sarhad import ProblemError


def refused(act: Callable[[], object]) -> ProblemError:
    """The problem that `act` ends in."""
    with pytest.raises(ProblemError) as problem:
        act()
    return problem.value
