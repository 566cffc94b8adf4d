#!/bin/sh
# etcd.sh PORT [OPTION ...]
#
# Runs etcd, a cluster of one member, in a temporary folder on 127.0.0.1:PORT until standard input ends; then removes the folder.
# Prints `ready` when it answers. As root, it runs as the user `nobody`.
set -eu

port=$1
shift

if [ "$(id -u)" = 0 ]; then
    # That user may not be able to read this file.
    exec setpriv --reuid=nobody --regid=nogroup --clear-groups -- sh -c "$(cat "$0")" "$0" "$port" "$@"
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/bailiwick-etcd.XXXXXX")
cd "$folder"
process=
stop() {
    trap - EXIT HUP INT TERM
    if [ -n "$process" ]; then
        kill -KILL "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    fi
    cd /
    rm -rf "$folder"
}
trap stop EXIT HUP INT TERM

url="http://127.0.0.1:$port"
etcd --name=m --data-dir="$folder/m" --initial-cluster=m=http://127.0.0.1:1 --initial-advertise-peer-urls=http://127.0.0.1:1 \
    --listen-peer-urls=http://127.0.0.1:0 --listen-client-urls="$url" --advertise-client-urls="$url" "$@" > log 2>&1 </dev/null &
process=$!
tries=0
until curl -fs -m 2 "$url/health" 2>/dev/null | grep -q true; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { tail -n 20 log >&2; exit 1; }
    sleep 0.2
done
echo ready
cat > /dev/null
