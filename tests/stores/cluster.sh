#!/bin/sh
# cluster.sh PROGRAM SCRIPT PORT ADDRESS [OPTION ...]
#
# Runs three servers of Bailiwick on one store: PROGRAM is the built `bailiwick`, SCRIPT of this folder runs the store on
# 127.0.0.1:PORT with these options, and ADDRESS is that of the store. Prints how to call them, and ends with Ctrl-C, or with the end of
# standard input if that is not a terminal. Nothing stays: all files are in a temporary folder.
set -eu

program=$1 script=$2 port=$3 address=$4
shift 4
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/bailiwick-cluster.XXXXXX")
servers=
store=
input=
stop() {
    trap '' HUP INT TERM
    trap - EXIT
    echo "stopping"
    for server in $servers; do
        kill -TERM "$server" 2>/dev/null || true
    done
    for server in $servers; do
        wait "$server" 2>/dev/null || true
    done
    # The end of its input stops the store.
    exec 3>&- || true
    [ -z "$store" ] || wait "$store" 2>/dev/null || true
    [ -z "$input" ] || kill "$input" 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 0' HUP INT TERM

# Waits for a line of a file that begins with these words, and prints it.
line_of() {
    tries=0
    until grep -s -m 1 "^$2" "$1"; do
        tries=$((tries + 1))
        if [ "$tries" -ge 600 ]; then
            cat "$1" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# Ctrl-C reaches this script alone: in sessions of their own, the others end in the right order.
mkfifo "$folder/input"
setsid "$here/$script" "$port" "$@" < "$folder/input" > "$folder/store" &
store=$!
exec 3> "$folder/input"
line_of "$folder/store" ready > /dev/null

start() {
    BAILIWICK_STORE=$address setsid "$program" serve --listen 127.0.0.1:0 --metrics-listen none --data-dir "$folder/server$1" \
        --master-key-file "$folder/key" --root-credentials-file "$folder/root" > "$folder/log$1" 2>&1 </dev/null 3>&- &
    servers="$servers $!"
    line_of "$folder/log$1" "bailiwick is listening on " | sed 's/.* //' > "$folder/url$1"
}
# The first one makes the store and the master key; the others join.
for number in 1 2 3; do
    start "$number"
done

grep '^export' "$folder/root" | grep -v ENDPOINT
cat <<END

Three servers on $address
  $(cat "$folder/url1")
  $(cat "$folder/url2")
  $(cat "$folder/url3")

With the lines above in another terminal, a change through one server is read through another:

  aws --endpoint-url $(cat "$folder/url1") iam create-user --user-name alice
  aws --endpoint-url $(cat "$folder/url2") iam get-user --user-name alice
  curl --aws-sigv4 aws:amz:us-east-1:iam --user "\$AWS_ACCESS_KEY_ID:\$AWS_SECRET_ACCESS_KEY" \\
    -d 'Action=ListUsers&Version=2010-05-08' $(cat "$folder/url3")/

Logs and data are in $folder until the end. Ctrl-C ends everything and removes it.
END
if [ -t 0 ]; then
    # The shell handles signals while it waits.
    wait "$store"
else
    # A background process has no input of its own.
    exec 4<&0
    cat <&4 > /dev/null 3>&- &
    input=$!
    wait "$input"
fi
