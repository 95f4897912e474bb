# Names and addresses of the demo, for the shell side; demo/settings.py reads the same environment.
# shellcheck shell=bash disable=SC2034
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Three leading octets; set it when your own network already uses 10.231.0.0/23.
network=${ANNOTATION_DEMO_NETWORK:-10.231.0}
engine_network=${network%.*}.$((${network##*.} ^ 1)) # of the private engine's own bridge: the other half of the /23
state=$repository/.cache/engine
