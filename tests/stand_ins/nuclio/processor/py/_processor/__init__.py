"""The processor of the stand-in. Python 3.9 and later, standard library only: it runs in any base image."""
