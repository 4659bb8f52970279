#!/usr/bin/env bash
# Everything that a change must pass, on a Debian 12 machine with nothing prepared: installs what is missing, then
# checks the format, lints, tests, documentation, the release build, and that the bench runs.
#
#   scripts/test.sh              everything
#   scripts/test.sh --install    only installs what is missing
#
# Starts no system service: the tests start private servers on free ports, in temporary folders, and stop them by pid.
# Uses CARGO_TARGET_DIR if it is set. Exits with 0 only if every step passed.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly RUST_MINIMUM=1.95

log="$(mktemp)"
trap 'rm -f -- "$log"' EXIT

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
        gcc:gcc \
        ar:binutils \
        setpriv:util-linux; do
        # Debian keeps servers where only root's PATH looks.
        PATH="$PATH:/usr/sbin" command -v "${entry%%:*}" >/dev/null || printf '%s\n' "${entry##*:}"
    done
    # gcc alone cannot build a program: it needs the C library's headers. cargo needs to know whom to trust.
    [[ -e /usr/include/stdio.h ]] || printf 'libc6-dev\n'
    [[ -e /etc/ssl/certs/ca-certificates.crt ]] || printf 'ca-certificates\n'
}

install_packages() {
    local packages as_root=()
    mapfile -t packages < <(missing_packages | sort -u)
    if ((${#packages[@]} == 0)); then
        echo "nothing is missing"
        return
    fi
    echo "installing ${packages[*]}"
    command -v apt-get >/dev/null || fail "this is no Debian: install by hand what holds ${packages[*]}"
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "installing needs root: apt-get install ${packages[*]}"
        as_root=(sudo)
    fi
    # The packages named here hold programs only; no package of theirs starts a service.
    quietly "${as_root[@]}" apt-get update || return
    quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${packages[@]}" || return
    local left
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
    say "everything passed in $SECONDS s"
}

main "$@"
