"""Throw-away hosts on this machine: base images, a mirror with stand-ins, and containers that boot systemd."""
