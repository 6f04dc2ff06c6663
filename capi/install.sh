#!/bin/sh
# Builds the C library and installs it: header, static and shared library, and what pkg-config and CMake look for.
#
# Usage: capi/install.sh [--debug] PREFIX
# With --debug it is a library for testing, with traps for stale pointers; and what pkg-config and CMake say defines
# V_ALLOC_CHECKED.
# With DESTDIR set, as for a package, the files go below that, and PREFIX is where they will be used.
# Needs cargo. For Linux, the BSDs and macOS; on Windows,
# `cargo build --profile c-library -p v_alloc-capi` makes the libraries.
set -eu

profile=c-library features='' definitions=''
if [ "${1:-}" = --debug ]; then
    profile=c-library-debug features=traps definitions=V_ALLOC_CHECKED=
    shift
fi
if [ $# -ne 1 ]; then
    echo "Usage: $0 [--debug] PREFIX" >&2
    exit 2
fi
case $1 in
/*) prefix=${1%/} ;;
*) prefix=$PWD/${1%/} ;;
esac
destination=${DESTDIR:-}$prefix
here=$(cd "$(dirname "$0")" && pwd)

CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/../target}
export CARGO_TARGET_DIR
cargo=${CARGO:-cargo}
manifest=$here/Cargo.toml
"$cargo" build --profile "$profile" --features "$features" --manifest-path "$manifest"
built=$CARGO_TARGET_DIR/${CARGO_BUILD_TARGET:+$CARGO_BUILD_TARGET/}$profile
identity=$("$cargo" pkgid --manifest-path "$manifest")
version=${identity##*[@#]}

case $(uname -s) in
Darwin)
    built_as=libv_alloc.dylib
    shared_library=libv_alloc.${version%%.*}.dylib
    ;;
*)
    built_as=libv_alloc.so
    shared_library=libv_alloc.so.${version%%.*}
    ;;
esac

if [ ! -e "$built/$built_as" ]; then
    echo "$0: no shared library was built. For musl, set RUSTFLAGS='-C target-feature=-crt-static'." >&2
    exit 1
fi

# quoted TEXT: as `sed` takes it for itself in what it puts in
quoted() {
    printf '%s' "$1" | sed 's/[&|\\]/\\&/g'
}

# fill_in TEMPLATE FILE: the template with the values of this installation
fill_in() {
    sed -e "s|@PREFIX@|$(quoted "$prefix")|g" -e "s|@VERSION@|$version|g" -e "s|@SHARED_LIBRARY@|$shared_library|g" \
        -e "s|@CFLAGS@|${definitions:+ -D$definitions}|g" -e "s|@DEFINITIONS@|$definitions|g" "$1" >"$2"
    chmod 644 "$2"
}

mkdir -p "$destination/include" "$destination/lib/pkgconfig" "$destination/lib/cmake/v_alloc"
install -m 644 "$here/include/v_alloc.h" "$destination/include/v_alloc.h"
install -m 644 "$built/libv_alloc.a" "$destination/lib/libv_alloc.a"
install -m 755 "$built/$built_as" "$destination/lib/$shared_library"
ln -sf "$shared_library" "$destination/lib/$built_as"
fill_in "$here/v_alloc.pc.in" "$destination/lib/pkgconfig/v_alloc.pc"
fill_in "$here/cmake/v_allocConfig.cmake.in" "$destination/lib/cmake/v_alloc/v_allocConfig.cmake"
fill_in "$here/cmake/v_allocConfigVersion.cmake.in" "$destination/lib/cmake/v_alloc/v_allocConfigVersion.cmake"
echo "v_alloc $version is installed in $destination"
