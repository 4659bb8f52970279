#!/usr/bin/env bash
# Proves that scripts/cluster.sh does what it says: up, two people chat across nodes, status, a lost node, an added one,
# down. Some twenty seconds once the release programs are built. Uses a temporary folder and ports that are free.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PORT_ATTEMPTS=8
# How long a client waits for anything, in seconds.
readonly PATIENCE=20

folder="$(mktemp -d)"
export CLUSTER_DIR="$folder/cluster" CLUSTER_PORT CLUSTER_NODES=3
client="${CARGO_TARGET_DIR:-target}/release/client"
# Chosen in CHAT_PASSWORD, so that no argument shows it.
export CHAT_PASSWORD='correct horse'

clean_up() {
    scripts/cluster.sh down >/dev/null 2>&1 || true
    rm -rf -- "$folder"
}
trap clean_up EXIT

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    tail -n 20 "$CLUSTER_DIR"/log/*.log "$folder"/*.out >&2 2>/dev/null || true
    exit 1
}

# expect_status CODE: what `status` must say by its exit code.
expect_status() {
    local code=0
    scripts/cluster.sh status >"$folder/status.out" || code=$?
    [[ $code == "$1" ]] || fail "status exits with $code and not $1: $(<"$folder/status.out")"
}

# chat PORT NAME COMMAND…: a client that runs these commands and prints objects.
chat() {
    local port=$1 name=$2 command arguments=()
    shift 2
    for command in "$@"; do arguments+=(-c "$command"); done
    "$client" --server "127.0.0.1:$port" --json --no-state --device "$name" --wait "$PATIENCE" "${arguments[@]}"
}

# A crash, as far as anybody else can see.
kill_part() {
    local pid
    read -r pid _ <"$CLUSTER_DIR/run/$1.pid"
    kill -KILL "$pid"
}

start_somewhere() {
    local attempt code
    for ((attempt = 0; attempt < PORT_ATTEMPTS; attempt++)); do
        # Below the ports that the kernel gives to connections.
        CLUSTER_PORT=$((10000 + RANDOM % 20000))
        code=0
        scripts/cluster.sh up >"$folder/up.out" 2>&1 || code=$?
        case $code in
        0) return ;;
        4) ;;
        *) fail "up exits with $code: $(<"$folder/up.out")" ;;
        esac
    done
    fail "no free ports after $PORT_ATTEMPTS attempts"
}

start_somewhere
expect_status 0
grep -q -- "--server 127.0.0.1:$CLUSTER_PORT" "$folder/up.out" || fail "up does not say how to connect"

# A second `up` finds everything there and starts nothing.
cp -r "$CLUSTER_DIR/run" "$folder/run"
scripts/cluster.sh up >"$folder/up.out" 2>&1 || fail "the second up failed: $(<"$folder/up.out")"
diff -r "$folder/run" "$CLUSTER_DIR/run" || fail "the second up started something again"

# Nobody but their owner reads the passwords, and no log has them.
[[ -z "$(find "$CLUSTER_DIR/secret" -perm /077)" ]] || fail "others can read the passwords"
for secret in mariadb redis; do
    ! grep -qrF "$(<"$CLUSTER_DIR/secret/$secret")" "$CLUSTER_DIR/log" "$CLUSTER_DIR/nginx" || fail "a password is in a log"
done

# Alice on the first node, Bob on the second: each hears the other at once.
chat "$CLUSTER_PORT" setup '/register alice' '/register bob' >"$folder/register.out" || fail "registering failed"
chat $((CLUSTER_PORT + 1)) alice '/login alice' '/wait request bob' '/accept bob' '/wait online bob' '/msg bob from node 1' \
    '/wait messages 1' >"$folder/alice.out" &
alice=$!
chat $((CLUSTER_PORT + 2)) bob '/login bob' '/add 1 hello' '/wait friend alice' '/wait messages 1' '/msg alice from node 2' \
    >"$folder/bob.out" || fail "bob's client failed"
wait "$alice" || fail "alice's client failed"
grep -q '"arrival":"live".*"msg":"from node 2"' "$folder/alice.out" || fail "alice did not hear bob"
grep -q '"arrival":"live".*"msg":"from node 1"' "$folder/bob.out" || fail "bob did not hear alice"

# A node dies: nginx gives everybody to the others.
kill_part node-2
expect_status 3
for attempt in 1 2 3; do
    chat "$CLUSTER_PORT" "alice $attempt" '/login alice' '/chat bob' '/history 10' >"$folder/history.out" ||
        fail "nobody serves after the loss of a node"
    grep -q 'from node 1.*from node 2' "$folder/history.out" || fail "something was lost with a node"
done
# Half of the rest dies as well, and `up` brings it all back.
kill_part nginx
kill_part redis
scripts/cluster.sh up >"$folder/up.out" 2>&1 || fail "up of what was missing failed: $(<"$folder/up.out")"
expect_status 0

# A node more, while everything runs: nginx gives it its share, and nobody loses a connection for it.
read -r before _ <"$CLUSTER_DIR/run/nginx.pid"
CLUSTER_NODES=4 scripts/cluster.sh up >"$folder/up.out" 2>&1 || fail "adding a node failed: $(<"$folder/up.out")"
unset CLUSTER_NODES
expect_status 0
grep -q '^node-4 .* ready$' "$folder/status.out" || fail "status does not show the node that was added"
read -r after _ <"$CLUSTER_DIR/run/nginx.pid"
[[ $before == "$after" ]] || fail "nginx was started anew for the node that was added"
deadline=$((SECONDS + PATIENCE))
until chat "$CLUSTER_PORT" visitor '/whoami' | grep -q '"node":"node-4"'; do
    ((SECONDS < deadline)) || fail "nginx gives nobody to the node that was added"
done
! CLUSTER_NODES=3 scripts/cluster.sh up >"$folder/up.out" 2>&1 || fail "up took a node away"

# Without its database a node says so.
kill_part mariadb
deadline=$((SECONDS + PATIENCE))
until
    chat $((CLUSTER_PORT + 1)) alice '/login alice' >/dev/null || true
    scripts/cluster.sh status >"$folder/status.out" || true
    grep -q '^node-1 .* not ready: database away$' "$folder/status.out"
do
    ((SECONDS < deadline)) || fail "status does not say why a node is not ready: $(<"$folder/status.out")"
done
scripts/cluster.sh up >"$folder/up.out" 2>&1 || fail "up of the database failed: $(<"$folder/up.out")"
expect_status 0

cat "$CLUSTER_DIR"/run/*.pid >"$folder/pids"
scripts/cluster.sh down >"$folder/down.out" 2>&1 || fail "down failed: $(<"$folder/down.out")"
while read -r pid _; do
    [[ ! -d /proc/$pid ]] || grep -q '^State:.Z' "/proc/$pid/status" || fail "process $pid still runs"
done <"$folder/pids"
expect_status 3
scripts/cluster.sh down >/dev/null || fail "a second down is not harmless"

# What is left behind is enough to go on.
scripts/cluster.sh up >"$folder/up.out" 2>&1 || fail "up after down failed: $(<"$folder/up.out")"
chat "$CLUSTER_PORT" alice '/login alice' '/chat bob' '/history 10' >"$folder/history.out" || fail "nobody serves after down and up"
grep -q 'from node 1.*from node 2' "$folder/history.out" || fail "something was lost over down and up"
echo "up, chat across nodes, losses, a node more, down and up again: passed in $SECONDS s"
