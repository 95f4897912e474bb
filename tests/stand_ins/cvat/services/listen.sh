#!/bin/sh
# A service that only says that it is there: haproxy answers its port and its health path.
set -eu
if [ "$SERVICE" = clickhouse ] && [ ! -e /var/lib/clickhouse/uuid ]; then
    cat /proc/sys/kernel/random/uuid >/var/lib/clickhouse/uuid
fi
exec haproxy -W -db -f /etc/stand-in/listen.cfg
