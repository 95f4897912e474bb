"""A stand-in for CVAT's server: the REST calls that this project uses, answered as the real one does."""

VERSION = "2.80.0"
