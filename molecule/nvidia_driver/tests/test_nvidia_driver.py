"""The driver as the container toolkit will find it."""
