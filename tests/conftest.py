"""What holds for every test."""

from hypothesis import settings

# A deadline measures the machine, and a busy one fails tests that are right.
settings.register_profile("kubernaut", deadline=None)
settings.load_profile("kubernaut")
