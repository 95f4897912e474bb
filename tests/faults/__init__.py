"""Faults on purpose: a stage is broken off or gets bad answers, and a plain re-run must bring the undisturbed state."""
