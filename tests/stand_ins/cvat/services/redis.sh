#!/bin/sh
# Debian's Redis behind the names redis (data in /data) and kvrocks (port 6666, data in /var/lib/kvrocks).
set -eu
if [ "$(id -u)" = 0 ]; then
    chown redis:redis "$DATA_DIR"
    exec setpriv --reuid=redis --regid=redis --init-groups "$0" "$@"
fi
if [ "$PORT" = 6666 ]; then
    # Kvrocks has its own options; none of them matters here, its data is on disk from the first write.
    set -- --appendonly yes
elif [ "${1:-}" = redis-server ]; then
    shift
fi
exec redis-server --dir "$DATA_DIR" --port "$PORT" --bind '* -::*' --protected-mode no "$@"
