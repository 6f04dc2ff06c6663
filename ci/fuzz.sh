#!/bin/bash
# Fuzzes the library with libFuzzer and the address sanitizer: each target makes cases for a model of tests/ of what the
# fuzzer tries, and looks for one that fails. It begins with the corpus in fuzz/corpus, and leaves what it adds to it in
# the target directory.
#
# What is found is printed, as the input of the test that has the model: it belongs there, as a test of its own. The
# fuzzer's bytes for it are kept; `ci/fuzz.sh 0 TARGET FILE` runs them again.
#
# Usage: ci/fuzz.sh [seconds for each target [target [file]]]; without any, five minutes for all. `ci/fuzz.sh minimise`
# makes the corpus of what was found so far: the smallest inputs that together reach all that was reached.
# Needs: an x86-64 Linux; a C++ compiler; rustup, whose nightly toolchain is installed if it is missing.
. "$(dirname "$0")/common.sh" fuzz rustup
command -v rustup >/dev/null || not_run "no rustup"
rustc +nightly --version >/dev/null 2>&1 || retry rustup toolchain install nightly --profile minimal ||
    not_run "cannot install a nightly toolchain"
command -v c++ >/dev/null || packages g++

# What `cargo fuzz` tells the compiler: count how often each edge is taken, and what is compared with what.
export RUSTFLAGS="-Zsanitizer=address --cfg fuzzing -Cdebug-assertions -Ccodegen-units=1 -Cpasses=sancov-module
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
# Some cases leak on purpose: an iterator that is forgotten. And what cannot be allocated is an error to return.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
target=x86_64-unknown-linux-gnu
all=(arena chain block map vec)

fetched() { cargo +nightly fetch --quiet --manifest-path fuzz/Cargo.toml; }
retry fetched || not_run "cannot download the packages of fuzz/Cargo.lock"
cargo +nightly build --quiet --manifest-path fuzz/Cargo.toml --target $target
# fuzzer NAME OPTION...
fuzzer() {
    "$CARGO_TARGET_DIR/$target/debug/$1" -artifact_prefix="$CARGO_TARGET_DIR/found-$1-" "${@:2}"
}

seconds=${1:-300} status=0 # all, whatever the first finds
if [ "$seconds" = minimise ]; then
    for name in "${all[@]}"; do
        smallest=$CARGO_TARGET_DIR/minimised/$name
        rm -rf "$smallest" && mkdir -p "$smallest" "$CARGO_TARGET_DIR/corpus/$name"
        # Larger inputs would reach a little more, and fill the repository.
        fuzzer "$name" -set_cover_merge=1 -max_len=2048 "$smallest" fuzz/corpus/"$name" "$CARGO_TARGET_DIR/corpus/$name" 2>&1 | tail -n 1
        rm -rf fuzz/corpus/"$name" && cp -r "$smallest" fuzz/corpus/"$name"
    done
    du --apparent-size -sh fuzz/corpus && exit
fi
if [ $# = 3 ]; then
    fuzzer "$2" "$3" && exit
fi
for name in ${2:-${all[@]}}; do
    mkdir -p "$CARGO_TARGET_DIR/corpus/$name"
    log=$CARGO_TARGET_DIR/$name.log
    echo "### $name, $seconds seconds"
    if fuzzer "$name" -max_total_time="$seconds" -timeout=60 -print_final_stats=1 \
        "$CARGO_TARGET_DIR/corpus/$name" fuzz/corpus/"$name" >"$log" 2>&1; then
        grep -aE 'DONE|number_of_executed_units' "$log"
    else
        tail -n 60 "$log"
        echo "FAILED: fuzz: $name; see $log" && status=1
    fi
done
exit $status
