#!/bin/sh
# Debian's PostgreSQL behind the variables, the data folder and the uid (70) of image postgres:15-alpine.
set -eu
data="${PGDATA:-/var/lib/postgresql/data}"
bin=$(echo /usr/lib/postgresql/*/bin)
user="${POSTGRES_USER:-postgres}"
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$data" /run/postgresql
    chown postgres:postgres "$data" /run/postgresql
    chmod 0700 "$data"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ ! -s "$data/PG_VERSION" ]; then
    method="${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}"
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "$method" != trust ]; then
        echo "Error: Database is uninitialized and superuser password is not specified." >&2
        exit 1
    fi
    printf '%s\n' "${POSTGRES_PASSWORD:-}" >/run/postgresql/password
    "$bin/initdb" -D "$data" -U "$user" --locale=C.UTF-8 --no-sync ${POSTGRES_PASSWORD:+--pwfile=/run/postgresql/password}
    rm /run/postgresql/password
    echo "host all all all $method" >>"$data/pg_hba.conf"
    if [ "${POSTGRES_DB:-$user}" != postgres ]; then
        echo "CREATE DATABASE \"${POSTGRES_DB:-$user}\"" | "$bin/postgres" --single -D "$data" postgres >/dev/null
    fi
fi
exec "$bin/postgres" -D "$data" -c listen_addresses='*' -c unix_socket_directories=/run/postgresql
