#!/bin/bash
# Runs the unit and doc tests over the backend that stands in for an operating system under Miri
# (src/os/heap.rs), natively: what fails here is the backend's fault or a test's assumption, not Miri's finding.
#
# Integration tests are left out. Those cannot hold that look at what only an operating system does:
#   - resident or committed figures from /proc, and memory given back (the heap's is committed at once and kept);
#   - limits (RLIMIT_AS, RLIMIT_DATA, overcommit) and numbers of mappings;
#   - that a wild access faults (nothing becomes inaccessible), signal handlers, fork, core dumps, names;
#   - default reservations of gigabytes (the largest here has 16 MiB), and huge pages (there are none);
#   - programs that a test compiles by itself, without the cfg.
#
# Usage: ci/heap-backend.sh
# Needs: nothing besides common.sh.
. "$(dirname "$0")/common.sh" heap-backend

export RUSTFLAGS="--cfg v_alloc_heap_os" RUSTDOCFLAGS="--cfg v_alloc_heap_os"
status=0 # both, whatever the first finds
$cargo test -p v_alloc --lib || status=1
$cargo test -p v_alloc --doc || status=1
exit $status
