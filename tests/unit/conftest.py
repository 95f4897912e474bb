"""Settings for all unit tests."""

from hypothesis import settings

# A busy machine is no failure: nothing here measures time.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
