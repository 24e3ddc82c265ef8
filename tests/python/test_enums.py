from __future__ import annotations

import pytest

from metrana.enums import BackpressureStrategy, ErrorStrategy, StandardMetricScale, parse


@pytest.mark.parametrize(
    "spelling",
    ["drop_new", "DROP_NEW", "Drop_New", "DropNew", "dropnew", BackpressureStrategy.DROP_NEW],
)
def test_every_spelling_is_understood(spelling: str) -> None:
    assert parse(BackpressureStrategy, spelling) is BackpressureStrategy.DROP_NEW


@pytest.mark.parametrize("given", ["", "drop", "dropped_new", None, 3, ErrorStrategy.WARN])
def test_anything_else_is_refused_with_the_accepted_values(given: object) -> None:
    with pytest.raises(ValueError, match="'drop_new', 'block', 'raise'"):
        parse(BackpressureStrategy, given)


def test_members_read_as_their_values() -> None:
    assert str(StandardMetricScale.ML_STEP) == f"{StandardMetricScale.ML_STEP}" == "ML_STEP"
    assert ErrorStrategy("raise_on_log") is ErrorStrategy.RAISE_ON_LOG
