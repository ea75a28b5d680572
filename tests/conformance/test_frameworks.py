"""The frameworks that come along can be had; the suite of each is in a file of its own."""

import pytest

from pytest_mlmodelscope.agent.environment import Environments
from pytest_mlmodelscope.core.manifest import FrameworkUse
from pytest_mlmodelscope.core.registry import names
from pytest_mlmodelscope.manifest.cache import Cache


@pytest.mark.parametrize("name", names("frameworks"))
def test_every_framework_can_be_had_here(name):
    # Where one cannot, its suite is skipped, and so is this; in CI no skip for that reason passes.
    assert Environments(Cache().root).obtain(FrameworkUse(name)).framework == name
