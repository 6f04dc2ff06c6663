#!/bin/bash
# Mutation testing by cargo-mutants: changes one operator or function after another of the rooms that all else rests on,
# and looks for a change that no test notices. Such a change is a promise without a test; those that make no difference
# are in ci/mutants.toml, each with the reason. Prints a line for each room, and each change that survived.
#
# A room is tested in a crate of its own, of it and the rooms below: dependencies point down only. That compiles in a
# tenth of the time that all takes. What the first, quick tests let through, the second ones get.
#
# Usage: ci/mutants.sh [room...]; without any, all: bump, reservation, chain, arena.
# Needs: a cargo, which installs cargo-mutants if it is missing.
. "$(dirname "$0")/common.sh" mutants rustup
command -v cargo >/dev/null || not_run "no cargo"
cargo mutants --version >/dev/null 2>&1 || retry env -u CARGO_TARGET_DIR cargo install cargo-mutants --locked ||
    not_run "cannot install cargo-mutants"
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_TEST_DEBUG=0
export PROPTEST_CASES=24 # a change is seldom so small that it takes more

reservations=(bump error lock_free os registry reservation text traps)
arenas=("${reservations[@]}" allocator arena sync typed virtual_allocator zeroable)

# part FOLDER MODULE...: makes a crate of these.
part() {
    local crate=$1 module file
    shift
    rm -rf "$crate" && mkdir -p "$crate/src" "$crate/tests"
    # By a name of its own, or cargo would take what it built of another part for this one's.
    sed -e '/^members/d' -e '/^default-members/d' -e '/^readme/d' -e '/^\[\[example\]\]/,/^$/d' \
        -e "0,/^name = .*/s//name = \"v_alloc-$(basename "$crate")\"/" Cargo.toml >"$crate/Cargo.toml"
    printf '\n[lib]\nname = "v_alloc"\n' >>"$crate/Cargo.toml"
    cp Cargo.lock "$crate"
    {
        echo '//! A part of v_alloc.'
        echo '#![no_std]'
        echo '#![allow(dead_code, unused_imports, reason = "rooms above use it")]'
        echo '#[cfg(test)] extern crate std;'
        for module in "$@"; do
            for file in "src/$module" "src/$module.rs"; do
                [ ! -e "$file" ] || cp -r "$file" "$crate/src"
            done
            case $module in os | registry) echo -n 'pub ' ;; esac
            echo "mod $module;"
        done
        case " $* " in
        *' reservation '*)
            echo 'pub use error::{AllocError, AllocOrInitError, Operation, PushError, ReserveError};'
            echo 'pub use {os::Pages, reservation::{Reservation, growth::CommitPolicy, totals::*}};'
            ;;&
        *' arena '*)
            echo 'pub use allocator_api2::alloc::{Allocator, Global};'
            echo 'pub use arena::{Arena, Bulk, Checkpoint, Scope, ScopeGuard, buffer::BufferArena, chain::ChainAllocator};'
            echo 'pub use arena::{linear::LinearAllocator, options::*, reserved::Reserved, source::*};'
            echo 'pub use {sync::*, virtual_allocator::VirtualAllocator, zeroable::Zeroable};'
            ;;
        esac
    } >"$crate/src/lib.rs"
    # Tests of arenas over other memory, without the suite that every allocator of the library goes through.
    local conformance=(accounts failures ledger parent suite) test
    for test in accounts over_blocks; do
        [ $test = accounts ] || conformance+=(footprint model)
        {
            echo '//! Arenas over other memory.'
            echo "#[macro_use] #[path = \"$PWD/tests/conformance/subject.rs\"] mod subject;"
            for module in "${conformance[@]}"; do
                echo "#[path = \"$PWD/tests/conformance/$module.rs\"] mod $module;"
            done
            echo 'mod versions { pub mod plain { through!(allocator_api2::alloc); } }'
        } >"$crate/tests/$test.rs"
    done
    for test in model zeroed_memory limits resident_memory; do
        printf '\n[[test]]\nname = "%s"\npath = "%s"\n' $test "$PWD/tests/$test.rs" >>"$crate/Cargo.toml"
    done
}

# room NAME FILES QUICK_TESTS THOROUGH_TESTS MODULE...: fails if a change to the files survives.
room() {
    local name=$1 files=$2 crate=$CARGO_TARGET_DIR/part-$1 results=$CARGO_TARGET_DIR/results-$1 tests file word
    local log=$CARGO_TARGET_DIR/$1.log
    part "$crate" "${@:5}"
    rm -rf "$results" && mkdir -p "$results"
    local options=(--dir "$crate" --config "$PWD/ci/mutants.toml" --no-default-features --jobs 1 --no-times
        --output "$results" --minimum-test-timeout 60)
    [ "$name" = bump ] || [ "$name" = reservation ] || options+=(--features allocator-api2,alloc)
    for file in $files; do options+=(--file "$file"); done
    for tests in "$3" "$4"; do
        # What comes before `--` says what to build, too.
        local selection=()
        for word in ${tests%% -- *}; do selection+=("--cargo-arg=$word"); done
        [[ $tests = *' -- '* ]] && tests="-- ${tests#* -- }" || tests=
        # It ends with 2 if changes survive, and with 3, whether or not some do, if some were noticed only by an endless loop.
        # shellcheck disable=SC2086 # several words
        cargo mutants "${options[@]}" --iterate "${selection[@]}" -- $tests >"$log" 2>&1 && break
        case $? in
        2) ;;
        3) [ -s "$results/mutants.out/missed.txt" ] || break ;;
        *) tail -n 40 "$log" && echo "FAILED: mutants: $name; see $log" && return 1 ;;
        esac
    done
    local survivors=$results/mutants.out/missed.txt
    if [ -s "$survivors" ]; then
        cat "$survivors"
        echo "FAILED: mutants: $name: $(wc -l <"$survivors") changes survive" && return 1
    fi
    echo "$name: all changes are noticed, of $(cargo mutants "${options[@]}" --list 2>/dev/null | wc -l)"
}

status=0 # all, whatever the first finds
for name in ${*:-bump reservation chain arena}; do
    case $name in
    bump) room bump 'src/bump.rs' --lib --lib bump ;;
    reservation)
        room reservation 'src/reservation/*.rs' '--lib -- reservation:: --skip many_threads' --lib "${reservations[@]}"
        ;;
    chain) room chain 'src/arena/chain/*.rs' '--test accounts' '--test over_blocks' "${arenas[@]}" ;;
    arena)
        files=$(printf 'src/arena/%s.rs ' range reserved fixed linear buffer source window)
        room arena "$files" '--lib -- arena::' \
            '--lib --test model --test over_blocks --test zeroed_memory --test limits --test resident_memory' "${arenas[@]}"
        ;;
    *) echo "no such room: $name" && false ;;
    esac || status=1
done
exit $status
