"""Settings for all unit tests."""

from hypothesis import settings
from nuclio_world import world  # noqa: F401 - a fixture of the tests of the Nuclio modules

# A busy machine is no failure: nothing here measures time.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
