#!/bin/bash
# Shows that the tools that watch memory report mistakes in arenas by their own names, where traps are in force, and do
# not report what is none: AddressSanitizer, LeakSanitizer, valgrind. And that a release build is the same with the
# feature and without it.
#
# Each mistake is a program of ci/traps.rs. It is also run in a way in which nothing must be reported.
#
# Usage: ci/traps.sh
# Needs: an x86-64 Linux; the package valgrind; rustup, whose nightly toolchain is installed if it is missing.
. "$(dirname "$0")/common.sh" traps rustup
packages valgrind
command -v rustup >/dev/null || not_run "no rustup"
rustc +nightly --version >/dev/null 2>&1 || retry rustup toolchain install nightly --profile minimal ||
    not_run "cannot install a nightly toolchain"

crate=$platforms/traps-programs
mkdir -p "$crate"
cp Cargo.lock "$crate"
cat >"$crate/Cargo.toml" <<MANIFEST
[workspace]
[package]
name = "mistakes"
edition = "2024"
[[bin]]
name = "mistakes"
path = "$PWD/ci/traps.rs"
[features]
default = ["traps"]
traps = ["v_alloc/traps"]
nightly = ["v_alloc/nightly"]
[dependencies]
v_alloc = { path = "$PWD" }
[profile.release]
codegen-units = 1 # which function goes into which depends on the name of the feature
MANIFEST

# program NAME TOOLCHAIN FLAGS OPTION...: builds the programs, and says where they are
program() {
    local name=$1 toolchain=$2 flags=$3
    shift 3
    CARGO_TARGET_DIR=$CARGO_TARGET_DIR/$name RUSTFLAGS=$flags cargo "$toolchain" build --quiet \
        --target x86_64-unknown-linux-gnu --manifest-path "$crate/Cargo.toml" "$@" >&2
    echo "$CARGO_TARGET_DIR/$name/x86_64-unknown-linux-gnu/debug/mistakes"
}

status=0
# reports EXPECTED COMMAND...: it must fail and say so
reports() {
    local expected=$1 log=$crate/log
    shift
    if "$@" >"$log" 2>&1 || ! grep -aqF "$expected" "$log"; then
        tail -n 30 "$log"
        echo "FAILED: $platform: no \"$expected\" from: $*"
        status=1
    else
        grep -aF "$expected" "$log" | head -n 1 | sed "s|^|${*: -1}: |"
    fi
}
# silent COMMAND...: it must succeed, and have nothing to report
silent() {
    local log=$crate/log
    if ! "$@" >"$log" 2>&1 || grep -aqE "ERROR|==[0-9]+==" "$log"; then
        tail -n 30 "$log"
        echo "FAILED: $platform: something is reported by: $*"
        status=1
    else
        echo "${*: -1}: nothing is reported"
    fi
}

echo "### release builds"
# functions NAME OPTION...: the name of each function of a release build, and how many instructions it has. Its size would
# tell more than that: which of two blocks of code comes first, and so how much is between them, depends on names, too.
functions() {
    local name=$1
    shift
    program "$name" +"${RUSTUP_TOOLCHAIN:-stable}" "" --release "$@" >/dev/null
    objdump --disassemble --demangle --no-show-raw-insn \
        "$CARGO_TARGET_DIR/$name/x86_64-unknown-linux-gnu/release/mistakes" |
        sed 's/::h[0-9a-f]\{16\}//; s/\.llvm\.[0-9]*//' |
        awk '/^[0-9a-f]+ </ { if (name) print count, name; name = $0; sub(/^[0-9a-f]+ /, "", name); count = 0; next }
             /^ / && !/nop|xchg +%ax,%ax|int3/ { count++ }
             END { print count, name }' | sort >"$crate/$name"
}
functions with_the_feature
functions without_it --no-default-features
if diff "$crate/with_the_feature" "$crate/without_it"; then
    echo "with the feature or without it, the same $(wc -l <"$crate/without_it") functions of as many instructions"
else
    echo "FAILED: $platform: the feature changes a release build"
    status=1
fi

echo "### AddressSanitizer"
built=$(program address +nightly -Zsanitizer=address --features nightly)
export ASAN_OPTIONS=detect_leaks=0
for mistake in after_reset after_a_scope after_a_rewind beyond_a_value in_a_buffer in_a_chain in_a_linear_allocator \
    in_a_shared_arena after_shrinking; do
    reports use-after-poison "$built" $mistake
done
silent "$built" no_mistake
export ASAN_OPTIONS=detect_leaks=1
silent "$built" pointer_in_an_arena
silent "$built" pointer_in_a_vector
reports "detected memory leaks" "$built" pointer_in_a_reset_arena

echo "### LeakSanitizer"
built=$(program leak +nightly -Zsanitizer=leak --features nightly)
silent "$built" pointer_in_an_arena
silent "$built" pointer_in_a_vector
reports "detected memory leaks" "$built" pointer_in_a_reset_arena
# Where traps are not in force the tool does not know of the arena.
built=$(program leak +nightly -Zsanitizer=leak --no-default-features --features nightly)
reports "detected memory leaks" "$built" pointer_in_an_arena

echo "### valgrind"
built=$(program valgrind +"${RUSTUP_TOOLCHAIN:-stable}" "")
memcheck=(valgrind --quiet --error-exitcode=9)
for mistake in after_reset after_a_scope after_a_rewind beyond_a_value in_a_buffer in_a_chain in_a_linear_allocator \
    in_a_shared_arena after_shrinking; do
    reports "Invalid read" "${memcheck[@]}" "$built" $mistake
done
reports "uninitialised value" "${memcheck[@]}" "$built" not_written
silent "${memcheck[@]}" "$built" no_mistake
exit $status
