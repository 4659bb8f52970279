#!/usr/bin/env bash
# A whole cluster on this machine, to try it: MariaDB, Redis, three nodes and nginx, each private to one folder.
#
#   scripts/cluster.sh up        builds the release programs, starts what does not run, and says how to connect
#   scripts/cluster.sh status    says what runs, and why something is not ready; exit code 0 if all of it is ready, else 3
#   scripts/cluster.sh down      stops it, clients first told; the data stay
#
# Settings, from the environment:
#
#   CLUSTER_DIR     where everything is kept (./data/cluster); remove the folder after `down` to begin anew
#   CLUSTER_PORT    nginx's port, 7000; nodes follow at +1, their admin addresses at +101, MariaDB at +201, Redis at +202
#   CLUSTER_NODES   how many nodes, 3; `up` with a larger number adds nodes to a cluster that runs
#
# The configuration files in the folder are written anew by each `up` for what it starts: change them in a copy.
#
# Everything listens on 127.0.0.1 only. It runs as whoever calls it, root or not. Passwords are made at the first `up` and
# stand in files that only their owner can read. No process is signalled but those that are in the folder's pid files, and
# those only if they are the very processes that were started: same pid, same start, same boot.
#
# Exit codes: 0 done, 1 failed, 2 wrong use, 3 `status` found something missing, 4 a port is taken by somebody else.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# Whatever is written here is for its owner only.
umask 077

readonly NODES_MAX=9
readonly NGINX_MODULES=/usr/lib/nginx/modules
# Where nginx comes from when it connects to nodes. They trust that address alone: people may connect to nodes directly as well.
readonly NGINX_ADDRESS=127.0.0.2
# How long a part may take to be ready, and to end, in seconds. A node drains its clients for 5 s (drain_ms).
readonly READY_LIMIT=60
readonly MARIADB_STOP_LIMIT=60 REDIS_STOP_LIMIT=10 NODE_STOP_LIMIT=30 NGINX_STOP_LIMIT=5
# Debian keeps servers where only root's PATH looks.
PATH="$PATH:/usr/sbin:/sbin"

say() { printf '%s\n' "$*"; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit "${status:-1}"
}

# --- who runs ---------------------------------------------------------------------------------------------------

# Prints what tells this process from any other that ever had its pid: start and boot. Nothing if there is none.
identity_of() {
    local stat fields
    stat="$(cat "/proc/$1/stat" 2>/dev/null)" || return 0
    # "pid (name) state …"; the name may hold anything, hence from the right. Start is the 22nd field of all.
    read -ra fields <<<"${stat##*) }"
    [[ ${fields[0]} == Z ]] || printf '%s %s\n' "${fields[19]}" "$(cat /proc/sys/kernel/random/boot_id)"
}

# Prints the pid of a part that runs, of those that this script started.
pid_of() {
    local pid identity
    read -r pid identity 2>/dev/null <"$folder/run/$1.pid" || return 0
    [[ -z $identity || "$(identity_of "$pid")" != "$identity" ]] || printf '%s\n' "$pid"
}

runs() { [[ -n "$(pid_of "$1")" ]]; }

# launch PART COMMAND…: starts it, detached from this terminal.
launch() {
    local part=$1 pid
    shift
    setsid "$@" </dev/null >>"$folder/log/$part.log" 2>&1 9>&- &
    pid=$!
    printf '%s %s\n' "$pid" "$(identity_of "$pid")" >"$folder/run/$part.pid"
}

# signal PART SIGNAL: nothing happens if it does not run. One that was stopped (SIGSTOP) goes on, to hear it.
signal() {
    local pid
    pid="$(pid_of "$1")"
    [[ -n $pid ]] || return 0
    kill -s "$2" "$pid" 2>/dev/null || true
    kill -s CONT "$pid" 2>/dev/null || true
}

# ends PART SECONDS: waits for its end.
ends() {
    local deadline=$((SECONDS + $2))
    while runs "$1"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
    rm -f -- "$folder/run/$1.pid"
}

# Kills what outlived a part that was killed, as nginx's workers outlive their master and hold its port: processes of the
# session that was begun for it, which write to its log.
kill_orphans() {
    local leader process stat fields
    read -r leader _ 2>/dev/null <"$folder/run/$1.pid" || return 0
    for process in /proc/[0-9]*; do
        read -r stat 2>/dev/null <"$process/stat" || continue
        read -ra fields <<<"${stat##*) }"
        # State, parent, group, session.
        if [[ ${fields[3]} == "$leader" && "$(readlink "$process/fd/1")" == "$folder/log/$1.log" ]]; then
            kill -s KILL "${process#/proc/}" 2>/dev/null || true
        fi
    done
}

# becomes_ready PART: waits until is_ready says so; ends everything if the part ends instead.
becomes_ready() {
    local part=$1 deadline=$((SECONDS + READY_LIMIT))
    until is_ready "$part"; do
        runs "$part" || fail "$part ended; its log, $folder/log/$part.log, ends:"$'\n'"$(tail -n 15 "$folder/log/$part.log")"
        ((SECONDS < deadline)) || fail "$part is not ready after $READY_LIMIT s; see $folder/log/$part.log"
        sleep 0.1
    done
    say "$part is ready on port $(port_of "$part")"
}

# --- parts ------------------------------------------------------------------------------------------------------

nodes() { seq -f 'node-%g' 1 "$node_count"; }

# All parts, in the order in which they start.
parts() {
    printf 'mariadb\nredis\n'
    nodes
    printf 'nginx\n'
}

port_of() {
    case $1 in
    nginx) echo "$port" ;;
    node-*) echo $((port + ${1#node-})) ;;
    mariadb) echo $((port + 201)) ;;
    redis) echo $((port + 202)) ;;
    esac
}

admin_port_of() { echo $((port + 100 + ${1#node-})); }

# Whether somebody listens there.
is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Whether a part runs and does what it is there for. Each proves that who answers is the process that was started.
is_ready() {
    local pid
    pid="$(pid_of "$1")"
    [[ -n $pid ]] || return 1
    case $1 in
    mariadb)
        [[ "$(mariadb --defaults-file="$folder/secret/mariadb.client" --connect-timeout=2 \
            --batch --skip-column-names --execute='SELECT @@datadir' 2>/dev/null)" == "$folder/mariadb/" ]]
        ;;
    redis)
        REDISCLI_AUTH="$(<"$folder/secret/redis")" timeout 2 redis-cli -p "$(port_of redis)" INFO server 2>/dev/null |
            grep -q "^process_id:$pid"$'\r'
        ;;
    node-*) [[ "$(readiness_of "$1")" == "200 "* ]] ;;
    nginx)
        # It writes the file when the port is its own.
        [[ "$(cat "$folder/nginx/nginx.pid" 2>/dev/null)" == "$pid" ]] && is_taken "$port"
        ;;
    esac
}

# A node's answer at /readyz: the status code and the sentence below it; nothing if it does not answer.
readiness_of() {
    local answer code
    answer="$({
        exec 3<>"/dev/tcp/127.0.0.1/$(admin_port_of "$1")" || exit 0
        printf 'GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
        timeout 2 cat <&3 || true
    } 2>/dev/null)"
    [[ $answer == HTTP/* ]] || return 0
    read -r _ code _ <<<"$answer"
    printf '%s %s\n' "$code" "${answer##*$'\n'}"
}

start_mariadb() {
    local as_root=()
    # It refuses to run as root unless told to.
    ((EUID != 0)) || as_root=(--user=root)
    if [[ ! -d $folder/mariadb/mysql ]]; then
        rm -rf -- "$folder/mariadb"
        # Whoever calls this script is its administrator, through the socket; there is no other one.
        mariadb-install-db --no-defaults "${as_root[@]}" --datadir="$folder/mariadb" --skip-test-db \
            --auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)" \
            >>"$folder/log/mariadb.log" 2>&1 || fail "mariadb-install-db failed; see $folder/log/mariadb.log"
    fi
    # Run at each start, before anybody can connect.
    cat >"$folder/secret/mariadb.sql" <<EOF
CREATE DATABASE IF NOT EXISTS chat CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS 'chat'@'127.0.0.1' IDENTIFIED BY '$(<"$folder/secret/mariadb")';
ALTER USER 'chat'@'127.0.0.1' IDENTIFIED BY '$(<"$folder/secret/mariadb")';
GRANT ALL ON chat.* TO 'chat'@'127.0.0.1';
EOF
    cat >"$folder/secret/mariadb.client" <<EOF
[client]
host=127.0.0.1
port=$(port_of mariadb)
user=chat
password=$(<"$folder/secret/mariadb")
EOF
    # What matters in production as well is explained in docs/operations.md.
    cat >"$folder/mariadb.cnf" <<EOF
[mariadbd]
datadir=$folder/mariadb
socket=mariadb.sock
pid-file=mariadb.pid
bind-address=127.0.0.1
port=$(port_of mariadb)
init-file=$folder/secret/mariadb.sql
skip-name-resolve
character-set-server=utf8mb4
innodb-flush-log-at-trx-commit=1
max-connections=$((NODES_MAX * 18 + 10))
innodb-buffer-pool-size=128M
EOF
    launch mariadb mariadbd --defaults-file="$folder/mariadb.cnf" "${as_root[@]}"
}

start_redis() {
    mkdir -p "$folder/redis"
    cat >"$folder/secret/redis.conf" <<EOF
bind 127.0.0.1
port $(port_of redis)
requirepass $(<"$folder/secret/redis")
dir $folder/redis
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
client-output-buffer-limit pubsub 32mb 8mb 60
EOF
    launch redis redis-server "$folder/secret/redis.conf"
}

# start_node NAME
start_node() {
    cat >"$folder/$1.toml" <<EOF
listen = ["127.0.0.1:$(port_of "$1")"]
node = "$1"
store = "mysql://chat@127.0.0.1:$(port_of mariadb)/chat"
store_password_file = "$folder/secret/mariadb"
redis = "redis://127.0.0.1:$(port_of redis)/0"
redis_password_file = "$folder/secret/redis"
admin = "127.0.0.1:$(admin_port_of "$1")"
proxy_trusted = ["$NGINX_ADDRESS"]
EOF
    launch "$1" "$programs/server" --config "$folder/$1.toml"
}

start_nginx() {
    mkdir -p "$folder/nginx"
    # One that was killed leaves it.
    rm -f -- "$folder/nginx/nginx.pid"
    nginx_configuration >"$folder/nginx/nginx.conf"
    launch nginx nginx -g 'daemon off;' -p "$folder/nginx" -c "$folder/nginx/nginx.conf" -e "$folder/nginx/error.log"
}

# Tells nginx of nodes that were added since it started: who is connected stays connected.
reload_nginx() {
    local new="$folder/nginx/nginx.conf.new"
    nginx_configuration >"$new"
    if cmp --silent "$new" "$folder/nginx/nginx.conf"; then
        rm -f -- "$new"
        return
    fi
    mv -- "$new" "$folder/nginx/nginx.conf"
    signal nginx HUP
}

nginx_configuration() {
    local text servers='' node
    for node in $(nodes); do
        servers+="server 127.0.0.1:$(port_of "$node") max_fails=2 fail_timeout=5s;"$'\n        '
    done
    # Without the explanations, in which the words stand as well.
    text="$(grep -v '^ *#' scripts/nginx.conf.template)"
    text="${text//@MODULES@/$NGINX_MODULES}"
    text="${text//@FOLDER@/$folder/nginx}"
    text="${text//@LISTEN@/127.0.0.1:$port}"
    text="${text//@WORKERS@/auto}"
    text="${text//@NODES@/$servers}"
    text="${text/proxy_protocol on;/proxy_protocol on; proxy_bind $NGINX_ADDRESS;}"
    printf '%s\n' "$text"
}

start() {
    case $1 in
    node-*) start_node "$1" ;;
    *) "start_$1" ;;
    esac
}

# --- commands ---------------------------------------------------------------------------------------------------

up() {
    local part secret
    check_programs
    runs nginx || kill_orphans nginx
    check_ports
    say "building the release programs; the first time takes some minutes"
    cargo build --quiet --release --package server --package client-cli || fail "the build failed"
    mkdir -p "$folder/log" "$folder/run" "$folder/secret"
    printf '%s %s\n' "$port" "$node_count" >"$folder/layout"
    for secret in mariadb redis; do
        [[ -s $folder/secret/$secret ]] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$folder/secret/$secret"
    done
    for part in mariadb redis; do runs "$part" || start "$part"; done
    for part in mariadb redis; do becomes_ready "$part"; done
    for part in $(nodes); do runs "$part" || start "$part"; done
    for part in $(nodes); do becomes_ready "$part"; done
    if runs nginx; then reload_nginx; else start nginx; fi
    becomes_ready nginx
    cat <<EOF

$node_count nodes are up behind nginx. In two terminals:

    $programs/client --server 127.0.0.1:$port

then /register, /login, /whoami tells your id, /add the other's. nginx gives each connection to the node with the fewest;
to choose one yourself connect to ports $(port_of node-1) to $(port_of "node-$node_count").

    state       scripts/cluster.sh status
    metrics     http://127.0.0.1:$(admin_port_of node-1)/metrics, up to port $(admin_port_of "node-$node_count")
    logs        $folder/log, and nginx's in $folder/nginx
    stop        scripts/cluster.sh down
EOF
}

down() {
    local part failed=
    [[ -d $folder/run ]] || {
        say "nothing runs"
        return
    }
    # nginx first, gracefully: no new connections, while the nodes tell those that exist to go elsewhere.
    signal nginx QUIT
    for part in $(nodes); do signal "$part" TERM; done
    for part in $(nodes); do stop "$part" "$NODE_STOP_LIMIT" || failed=1; done
    runs nginx || kill_orphans nginx
    ends nginx "$NGINX_STOP_LIMIT" || signal nginx TERM
    stop nginx "$NGINX_STOP_LIMIT" || failed=1
    signal redis TERM
    stop redis "$REDIS_STOP_LIMIT" || failed=1
    signal mariadb TERM
    stop mariadb "$MARIADB_STOP_LIMIT" || failed=1
    [[ -z $failed ]] || fail "not everything ended by itself; see $folder/log"
    say "everything is stopped; the data stay in $folder"
}

# stop PART SECONDS: waits for its end; one that does not end is killed, and that is a failure.
stop() {
    ends "$1" "$2" && return
    say "$1 did not end within $2 s and is killed"
    signal "$1" KILL
    kill_orphans "$1"
    ends "$1" "$2" || true
    return 1
}

show_status() {
    local part state all=0
    printf '%-10s %-8s %-6s %s\n' part pid port state
    for part in $(parts); do
        state=ready
        if ! runs "$part"; then
            state="does not run"
        elif ! is_ready "$part"; then
            state="not ready"
            [[ $part != node-* ]] || state+=": $(why_not "$part")"
        fi
        [[ $state == ready ]] || all=3
        printf '%-10s %-8s %-6s %s\n' "$part" "$(pid_of "$part")" "$(port_of "$part")" "$state"
    done
    return "$all"
}

# Why a node is not ready, as it says itself.
why_not() {
    local answer
    answer="$(readiness_of "$1")"
    if [[ -n $answer ]]; then printf '%s\n' "${answer#* }"; else printf 'no answer at its admin address\n'; fi
}

check_programs() {
    local program
    for program in cargo mariadbd mariadb-install-db mariadb redis-server redis-cli nginx setsid flock; do
        command -v "$program" >/dev/null || fail "$program is missing; scripts/test.sh --install installs it"
    done
    [[ -e $NGINX_MODULES/ngx_stream_module.so ]] ||
        fail "nginx's stream module is missing; scripts/test.sh --install installs it"
}

# Of parts that do not run yet.
check_ports() {
    local part taken
    for part in $(parts); do
        runs "$part" && continue
        for taken in "$(port_of "$part")" $([[ $part != node-* ]] || admin_port_of "$part"); do
            ! is_taken "$taken" || status=4 fail "port $taken, for $part, is taken; choose others with CLUSTER_PORT"
        done
    done
}

# resolve COMMAND: sets folder, port and node_count. The layout of what was started counts, unless the environment names
# another one; while parts run, `up` may only add nodes to it.
resolve() {
    local saved_port=7000 saved_nodes=3
    programs="${CARGO_TARGET_DIR:-target}/release"
    folder="$(realpath -m -- "${CLUSTER_DIR:-data/cluster}")"
    # It goes into configuration files of four programs, each with quotes of its own.
    [[ $folder =~ ^[A-Za-z0-9._/-]+$ ]] || fail "the folder's path may hold letters, digits, dots, dashes and slashes: $folder"
    [[ ! -e $folder/layout ]] || read -r saved_port saved_nodes <"$folder/layout"
    port="${CLUSTER_PORT:-$saved_port}"
    node_count="${CLUSTER_NODES:-$saved_nodes}"
    [[ $port =~ ^[0-9]{4,5}$ && $port -le 65000 ]] || status=2 fail "CLUSTER_PORT must be 1000 to 65000"
    [[ $node_count =~ ^[1-9]$ ]] || status=2 fail "CLUSTER_NODES must be 1 to $NODES_MAX"
    if [[ "$port $node_count" != "$saved_port $saved_nodes" ]]; then
        local part
        [[ $1 != up || $port != "$saved_port" || $node_count -lt $saved_nodes ]] || return 0
        for part in mariadb redis nginx $(seq -f 'node-%g' 1 "$NODES_MAX"); do
            ! runs "$part" || fail "it runs with CLUSTER_PORT=$saved_port CLUSTER_NODES=$saved_nodes: stop that first (more nodes: \`up\` adds them)"
        done
    fi
}

main() {
    case "${1-}:$#" in
    up:1 | down:1 | status:1) ;;
    *) status=2 fail "usage: scripts/cluster.sh up|down|status" ;;
    esac
    resolve "$1"
    if [[ $1 == status ]]; then
        show_status
        return
    fi
    # Two at the same time would start everything twice.
    mkdir -p "$folder"
    exec 9>"$folder/lock"
    flock --nonblock 9 || fail "another scripts/cluster.sh is at work in $folder"
    "$1"
}

main "$@"
