#!/bin/sh
# postgres.sh PORT [SETTING=VALUE ...]
#
# Runs a PostgreSQL server in a temporary folder, on 127.0.0.1:PORT, for the user `postgres` without a password, until
# standard input ends; then removes the folder. Prints `ready` when the server accepts connections. As root, the server runs
# as the user `postgres`, since PostgreSQL refuses to run as root.
set -eu

port=$1
shift

if [ "$(id -u)" = 0 ]; then
    # That user may not be able to read this file.
    exec setpriv --reuid=postgres --regid=postgres --clear-groups -- sh -c "$(cat "$0")" "$0" "$port" "$@"
fi

programs=$(dirname "$(readlink -f "$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb | tail -n 1)")")
folder=$(mktemp -d "${TMPDIR:-/tmp}/bailiwick-postgres.XXXXXX")
cd "$folder"
server=
stop() {
    trap - EXIT HUP INT TERM
    if [ -n "$server" ]; then
        kill -QUIT "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    cd /
    rm -rf "$folder"
}
trap stop EXIT HUP INT TERM

"$programs/initdb" --auth=trust --username=postgres --no-sync --encoding=UTF8 --locale=C --pgdata=data >/dev/null
for setting in "listen_addresses=127.0.0.1" "port=$port" "unix_socket_directories=$folder" "max_connections=200" "$@"; do
    echo "$setting" | sed "s/=/ = '/; s/\$/'/" >> data/postgresql.conf
done
"$programs/postgres" -D data 2> log </dev/null &
server=$!
tries=0
until "$programs/pg_isready" --quiet --host=127.0.0.1 --port="$port"; do
    kill -0 "$server" 2>/dev/null || { cat log >&2; exit 1; }
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { echo "the server does not start" >&2; exit 1; }
    sleep 0.1
done
echo ready
cat > /dev/null
