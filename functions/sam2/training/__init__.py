"""The small SAM 2 for tests and demonstrations: synthetic pictures, training, evaluation."""
