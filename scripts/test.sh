#!/usr/bin/env bash
# Everything that a change must pass, on a Debian 12 machine with nothing prepared: installs what is missing, then
# checks the format, lints, tests, documentation, the release build, and that the bench and scripts/cluster.sh run.
#
#   scripts/test.sh              everything
#   scripts/test.sh --install    only installs what is missing
#
# Starts no system service, not even those that come with the packages it installs: the tests start private servers on free
# ports, in temporary folders, and stop them by pid.
# Uses CARGO_TARGET_DIR if it is set. Exits with 0 only if every step passed.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly RUST_MINIMUM=1.95

# What Debian's packages ask before they start the service that they bring.
readonly SERVICE_POLICY=/usr/sbin/policy-rc.d
readonly SERVICE_POLICY_MARK='written by scripts/test.sh'

log="$(mktemp)"
trap 'allow_services; rm -f -- "$log"' EXIT

say() { printf '\n== %s\n' "$*"; }
fail() {
    printf '\n== FAILED: %s\n' "$*" >&2
    exit 1
}

# step NAME COMMAND…: runs the command, says how long it took, and ends everything if it fails.
step() {
    local name=$1 begun=$SECONDS
    shift
    say "$name"
    "$@" || fail "$name, after $((SECONDS - begun)) s"
    printf -- '-- %s: passed in %d s\n' "$name" "$((SECONDS - begun))"
}

# Runs a command whose output matters only when it fails.
quietly() {
    "$@" >"$log" 2>&1 || {
        local status=$?
        cat "$log"
        return "$status"
    }
}

# --- what must be installed -------------------------------------------------------------------------------------

# Prints the Debian packages of the programs that are not there.
missing_packages() {
    local entry
    for entry in \
        mariadbd:mariadb-server-core \
        mariadb-install-db:mariadb-server-core \
        my_print_defaults:mariadb-client-core \
        mariadb:mariadb-client-core \
        redis-server:redis-server \
        redis-cli:redis-tools \
        nginx:nginx \
        gcc:gcc \
        python3:python3 \
        ar:binutils \
        setpriv:util-linux; do
        # Debian keeps servers where only root's PATH looks.
        PATH="$PATH:/usr/sbin" command -v "${entry%%:*}" >/dev/null || printf '%s\n' "${entry##*:}"
    done
    # gcc alone cannot build a program: it needs the C library's headers. cargo needs to know whom to trust.
    [[ -e /usr/include/stdio.h ]] || printf 'libc6-dev\n'
    [[ -e /etc/ssl/certs/ca-certificates.crt ]] || printf 'ca-certificates\n'
    [[ -e /usr/lib/nginx/modules/ngx_stream_module.so ]] || printf 'libnginx-mod-stream\n'
}

# Runs a command as root.
as_root() {
    if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

# The packages of redis-server and nginx start their services as they are installed, and enable them for every boot. Tests
# need the programs only, and ports 80 and 6379 are not ours to take. So for as long as the installation takes, the
# policy says no (101); a machine that has a policy of its own keeps it, and it decides.
forbid_services() {
    [[ ! -e $SERVICE_POLICY ]] || return 0
    printf '#!/bin/sh\n# %s; remove it\nexit 101\n' "$SERVICE_POLICY_MARK" | as_root tee "$SERVICE_POLICY" >/dev/null
    as_root chmod 755 "$SERVICE_POLICY"
}

# Takes the policy away, if it is ours: also one that an earlier run left when it was killed.
allow_services() {
    if grep -qsF "$SERVICE_POLICY_MARK" "$SERVICE_POLICY"; then
        as_root rm -f -- "$SERVICE_POLICY"
    fi
}

# Services that were just installed do not start with the machine either.
disable_services() {
    local package
    command -v systemctl >/dev/null || return 0
    for package in "$@"; do
        case $package in
        nginx | redis-server) as_root systemctl disable "$package.service" || return ;;
        esac
    done
}

install_packages() {
    local packages left
    mapfile -t packages < <(missing_packages | sort -u)
    if ((${#packages[@]} == 0)); then
        echo "nothing is missing"
        return
    fi
    echo "installing ${packages[*]}"
    command -v apt-get >/dev/null || fail "this is no Debian: install by hand what holds ${packages[*]}"
    ((EUID == 0)) || command -v sudo >/dev/null || fail "installing needs root: apt-get install ${packages[*]}"
    quietly as_root apt-get update || return
    forbid_services || return
    quietly as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${packages[@]}" || return
    allow_services
    quietly disable_services "${packages[@]}" || return
    left="$(missing_packages)"
    [[ -z $left ]] || fail "still missing after the installation: $left"
}

install_rust() {
    if ! command -v cargo >/dev/null && [[ -x $HOME/.cargo/bin/cargo ]]; then
        PATH="$HOME/.cargo/bin:$PATH"
    fi
    command -v cargo >/dev/null ||
        fail "cargo is missing (Debian's own is too old): install Rust $RUST_MINIMUM or newer from https://rustup.rs"
    local version
    version="$(rustc --version | cut -d ' ' -f 2)"
    [[ "$(printf '%s\n' "$RUST_MINIMUM" "$version" | sort -V | head -n 1)" == "$RUST_MINIMUM" ]] ||
        fail "Rust $version is older than $RUST_MINIMUM: rustup update"
    local tool
    for tool in fmt clippy; do
        if ! cargo "$tool" --version >/dev/null 2>&1; then
            command -v rustup >/dev/null || fail "cargo $tool is missing: rustup component add rustfmt clippy"
            rustup component add rustfmt clippy || return
        fi
    done
    echo "rustc $version"
}

# --- the steps --------------------------------------------------------------------------------------------------

# Runs the tests and prints how many there were; none at all is a failure, and so is one that was left out.
run_tests() {
    local status=0
    cargo test --workspace --all-features --no-fail-fast "$@" 2>&1 | tee "$log" || status=$?
    awk '
        /^test result: / { passed += $4; failed += $6; ignored += $8; suites += 1 }
        END {
            printf "%d tests in %d suites: %d passed, %d failed, %d ignored\n", \
                passed + failed + ignored, suites, passed, failed, ignored
            exit !(passed > 0 && failed == 0 && ignored == 0)
        }' "$log" && return "$status"
}

# The library crate and the terminal program are both called "client"; only the library is documented.
build_documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace --all-features
}

# One short load of each kind against the real server. Fails when a message is lost, doubled, swapped, changed or refused.
bench_smoke() {
    "${CARGO_TARGET_DIR:-target}/release/bench" smoke --json
}

# Everything that can fail does, in a real cluster, for a minute and a half. Prints its seed; fails unless every promise was kept.
fault_test() {
    "${CARGO_TARGET_DIR:-target}/release/bench" torture --seconds 90 --json
}

main() {
    case "${1-}" in
    "" | --install) ;;
    *) fail "usage: scripts/test.sh [--install]" ;;
    esac

    step "install what is missing" install_packages
    step "find Rust" install_rust
    [[ ${1-} != --install ]] || exit 0

    step "format" cargo fmt --all --check
    step "lints" cargo clippy --workspace --all-targets --all-features -- -D warnings
    step "tests" run_tests --all-targets
    step "documentation tests" run_tests --doc
    step "documentation" build_documentation
    step "release build" cargo build --release --workspace
    step "bench smoke" bench_smoke
    step "cluster script" scripts/test-cluster.sh
    step "fault test" fault_test
    say "everything passed in $SECONDS s"
}

main "$@"
