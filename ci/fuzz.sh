#!/bin/bash
# Fuzzes the library with libFuzzer and the address sanitizer: each target makes cases for a model of tests/ of what the
# fuzzer tries, and looks for one that fails. It begins with the inputs in fuzz/corpus, a line of base64 for each, and
# keeps what it adds to them in the target directory. Prints a line for each target.
#
# What is found is printed, as an input of the test that has the model, with as few operations as fail: it belongs there,
# as a test of its own. The fuzzer's bytes for it are kept; `ci/fuzz.sh 0 TARGET FILE` prints and runs them again.
#
# Usage: ci/fuzz.sh [seconds for each target [target [file]]]; without any, five minutes for all. `ci/fuzz.sh minimise`
# makes the corpus of what was found so far: few small inputs that together reach all the code that was reached.
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
# fuzzer NAME OPTION...: up to a hundred operations, from the start
fuzzer() {
    "$CARGO_TARGET_DIR/$target/debug/$1" -max_len=300 -len_control=0 -artifact_prefix="$CARGO_TARGET_DIR/found-$1-" "${@:2}"
}

# The inputs of each target, as libFuzzer wants them: a file each. Those that it found itself stay.
for name in "${all[@]}"; do
    inputs=$CARGO_TARGET_DIR/corpus/$name
    mkdir -p "$inputs"
    number=0
    while read -r input; do
        number=$((number + 1))
        base64 --decode <<<"$input" >"$inputs/committed-$number"
    done < <(cat "fuzz/corpus/$name" 2>/dev/null)
done

seconds=${1:-300} status=0 # all, whatever the first finds
if [ "$seconds" = minimise ]; then
    mkdir -p fuzz/corpus
    for name in "${all[@]}"; do
        smallest=$CARGO_TARGET_DIR/minimised/$name
        rm -rf "$smallest" && mkdir -p "$smallest"
        fuzzer "$name" -set_cover_merge=1 "$smallest" "$CARGO_TARGET_DIR/corpus/$name" 2>&1 | tail -n 1
        for input in "$smallest"/*; do
            base64 --wrap=0 "$input" && echo
        done | sort >"fuzz/corpus/$name"
        echo "$name: $(wc -l <"fuzz/corpus/$name") inputs, $(wc -c <"fuzz/corpus/$name") bytes"
    done
    exit
fi
if [ $# = 3 ]; then
    V_ALLOC_FUZZ_PRINT=1 fuzzer "$2" "$3" && exit
fi
for name in ${2:-${all[@]}}; do
    log=$CARGO_TARGET_DIR/$name.log
    if fuzzer "$name" -max_total_time="$seconds" -timeout=180 -print_final_stats=1 \
        "$CARGO_TARGET_DIR/corpus/$name" >"$log" 2>&1; then
        # The last line of progress: "#12345  DONE  cov: 678 ft: 9012 corp: 345/67Kb ..."
        read -r cases _ _ edges _ < <(grep -a DONE "$log" | tail -n 1)
        echo "$name: nothing found in $seconds seconds and ${cases#\#} cases, which reach $edges edges"
    else
        tail -n 60 "$log"
        echo "FAILED: fuzz: $name; see $log" && status=1
    fi
done
exit $status
