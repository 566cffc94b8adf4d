#!/bin/sh
# etcd.sh PORT [OPTION ...]
# etcd.sh PORT:PEER,PORT:PEER,PORT:PEER [OPTION ...]
#
# Runs an etcd cluster in a temporary folder, with one member for each port on 127.0.0.1, until standard input ends; then
# removes the folder. Members of several have another port, PEER, for each other. Prints `ready` and the process ids of the
# members when they answer. As root, they run as the user `nobody`.
set -eu

members=$(echo "$1" | tr , ' ')
shift

if [ "$(id -u)" = 0 ]; then
    # That user may not be able to read this file.
    exec setpriv --reuid=nobody --regid=nogroup --clear-groups -- sh -c "$(cat "$0")" "$0" "$(echo "$members" | tr ' ' ,)" "$@"
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/bailiwick-etcd.XXXXXX")
cd "$folder"
processes=
stop() {
    trap - EXIT HUP INT TERM
    for process in $processes; do
        kill -CONT "$process" 2>/dev/null || true
        kill -KILL "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    cd /
    rm -rf "$folder"
}
trap stop EXIT HUP INT TERM

# The port for other members; a single member has none.
peer_of() {
    case $1 in
        *:*) echo "${1#*:}" ;;
        *) echo 1 ;;
    esac
}

cluster=
for member in $members; do
    cluster="$cluster${cluster:+,}m${member%:*}=http://127.0.0.1:$(peer_of "$member")"
done
for member in $members; do
    port=${member%:*}
    peer=$(peer_of "$member")
    listen=$peer
    [ "$peer" != 1 ] || listen=0
    etcd --name="m$port" --data-dir="$folder/m$port" --initial-cluster="$cluster" \
        --listen-client-urls="http://127.0.0.1:$port" --advertise-client-urls="http://127.0.0.1:$port" \
        --listen-peer-urls="http://127.0.0.1:$listen" --initial-advertise-peer-urls="http://127.0.0.1:$peer" \
        "$@" > "log.$port" 2>&1 </dev/null &
    processes="$processes $!"
done
for member in $members; do
    tries=0
    until curl -fs -m 2 "http://127.0.0.1:${member%:*}/health" 2>/dev/null | grep -q true; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || { tail -n 20 "log.${member%:*}" >&2; exit 1; }
        sleep 0.2
    done
done
echo "ready$processes"
cat > /dev/null
