#!/bin/bash
# Sourced by the platform scripts next to it, as `. "$(dirname "$0")/common.sh" PLATFORM`; not run by itself.
#
# What it gives them: the repository as the working directory, a target directory of the platform's own, and a
# compiler that can build the standard library for any target. That is Debian's (packages rustc-web, cargo-web,
# rust-web-src), because its source package belongs to exactly that compiler; rustup's is left alone.
#
# What it needs: Debian or a derivative, and the right to install packages unless they are there already.
# A package that cannot be had is no failure of the crate: the script says `NOT RUN: PLATFORM: why` and ends
# with 0. Everything after that is a failure if it fails.

set -euo pipefail

platform=${1:?the name of the platform}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
platforms=${CARGO_TARGET_DIR:-target}/platforms
mkdir -p "$platforms"
platforms=$(cd "$platforms" && pwd) # linkers and runners are started from other directories

not_run() {
    echo "NOT RUN: $platform: $*"
    exit 0
}

# retry COMMAND...: up to three times, as mirrors have bad moments
retry() {
    local log=$platforms/$platform.install.log
    "$@" >"$log" 2>&1 || { sleep 5 && "$@" >>"$log" 2>&1; } || { sleep 20 && "$@" >>"$log" 2>&1; }
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

apt_install() {
    as_root apt-get update -qq || true # an old list may do
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
}

# packages NAME...: finds or installs Debian packages
packages() {
    dpkg --status "$@" >/dev/null 2>&1 && return
    retry apt_install "$@" || not_run "cannot install the packages $*"
}

# By absolute path, since rustup's programs of the same names come first in PATH. The variable allows -Z options.
# (`rustup` as the second argument leaves the compiler to the script.)
if [ "${2:-}" != rustup ]; then
    packages rustc-web cargo-web rust-web-src
    cargo=/usr/bin/cargo
    export RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1
fi
unset RUSTUP_TOOLCHAIN RUSTFLAGS RUSTDOCFLAGS
export CARGO_TARGET_DIR=$platforms/$platform CARGO_TERM_COLOR=never RUST_BACKTRACE=0
export CARGO_INCREMENTAL=0 # it takes as much disk again, and serves only who edits
# What helps in a debugger or a trace costs half the time of linking; a panic knows its line without it.
debug_information() {
    export CARGO_PROFILE_DEV_DEBUG=$1 CARGO_PROFILE_TEST_DEBUG=$1
}
debug_information 0

build_std=-Zbuild-std=std,panic_unwind,test

# instrumented SANITIZER OPTION...: `cargo test` with a standard library that is instrumented as all else is. Debian's compiler
# builds that. It has no runtimes of sanitizers; `sanitizer_runtime` sets $runtime to one of a rustup toolchain.
instrumented() {
    local flags="-Zsanitizer=$1 -Zexternal-clangrt -Zpre-link-args=-Wl,--whole-archive,$runtime,--no-whole-archive"
    shift
    RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1 RUSTFLAGS="${RUSTFLAGS:-} $flags" \
        /usr/bin/cargo test $build_std --target x86_64-unknown-linux-gnu "$@"
}
sanitizer_runtime() {
    packages rustc-web cargo-web rust-web-src
    local libraries=lib/rustlib/x86_64-unknown-linux-gnu/lib
    runtime=$(find "${RUSTUP_HOME:-$HOME/.rustup}"/toolchains/*/$libraries -name "librustc-*_rt.$1.a" 2>/dev/null | head -n 1) || true
    [ -n "$runtime" ] || not_run "no rustup toolchain here has the runtime $1"
}

# seeded_bug FILTER EXPECTED COMMAND...: a tool that finds nothing must first be seen to find something. Runs one test of
# ci/seeded_bugs.rs by the command, a `cargo test`, and looks for what the tool should say of it.
seeded_bug() {
    local crate=$platforms/seeded-bugs filter=$1 expected=$2
    shift 2
    mkdir -p "$crate"
    cp Cargo.lock "$crate"
    cat >"$crate/Cargo.toml" <<MANIFEST
[workspace]
[package]
name = "seeded_bugs"
edition = "2024"
[lib]
path = "$PWD/ci/seeded_bugs.rs"
[dependencies]
v_alloc = { path = "$PWD" }
MANIFEST
    if "$@" --manifest-path "$crate/Cargo.toml" --lib "$filter" >"$crate/$platform.log" 2>&1; then
        echo "FAILED: $platform: the seeded bug $filter was not found" && return 1
    fi
    grep -aF "$expected" "$crate/$platform.log" | head -n 1 | sed 's/^/the seeded bug is found: /'
    grep -aqF "$expected" "$crate/$platform.log" ||
        { tail -n 30 "$crate/$platform.log" && echo "FAILED: $platform: the seeded bug $filter was not reported" && return 1; }
}

# The options that select the library, with its features, and those integration tests that need no cargo when they
# run: a test that compiles programs has nothing to find out that the host did not.
portable_tests() {
    echo --features std,serde,capi --lib --test conformance
    local test
    for test in $(grep -Le trybuild -e 'env!("CARGO")' tests/*.rs); do
        grep -qE "^($platform|${sanitizer:-$platform}) $test " ci/left_out.txt ||
            echo --test "$(basename "$test" .rs)"
    done
}

# The options that leave out the tests that left_out.txt says.
skipped() {
    awk -v script="$platform" -v sanitizer="${sanitizer:-}" \
        '($1 == script || $1 == sanitizer) && $2 !~ /^tests\// { print "--skip", $2 }' ci/left_out.txt
}

# c_library TARGET COMPILER [RUNNER...]: builds the C library and compiles c_library.c with it, against the static
# and the shared one. The runner runs both; without one they are only linked.
c_library() {
    local target=$1 compiler=$2 linking status=0
    shift 2
    echo "### the C library for $target"
    $cargo build -Zbuild-std=core --target "$target" --profile c-library -p v_alloc-capi || return 1
    local built=$CARGO_TARGET_DIR/$target/c-library programs=$CARGO_TARGET_DIR/$target/programs
    mkdir -p "$programs"
    for linking in static shared; do
        local program=$programs/$linking.exe libraries=("$built/libv_alloc.a")
        if [ $linking = shared ]; then
            case $target in
            *windows*) libraries=("$built/libv_alloc.dll.a") && cp "$built/v_alloc.dll" "$programs" ;;
            *darwin*) libraries=("$built/libv_alloc.dylib") ;;
            *)
                libraries=("$programs/libv_alloc.so.0" "-Wl,-rpath,\$ORIGIN")
                cp "$built/libv_alloc.so" "$programs/libv_alloc.so.0"
                ;;
            esac
        fi
        if ! $compiler -std=c11 -O1 -Wall -Wextra -Wpedantic -Werror -I capi/include -o "$program" \
            ci/c_library.c "${libraries[@]}"; then
            echo "FAILED: to link a C program, $linking, for $target" && status=1
        elif [ $# = 0 ]; then
            echo "linked, not run: a C program with the $linking library for $target"
        elif ! "$@" "$program"; then
            echo "FAILED: a C program with the $linking library for $target" && status=1
        fi
    done
    return $status
}
