"""Exports, in the formats whose names and files CVAT 2.80 has."""
