#!/bin/bash
# Runs the unit tests, the portable integration tests, the doc tests, the examples and a C program for 64-bit Windows under
# Wine.
#
# Wine maps VirtualAlloc to mmap: it shows that the calls are right and keep the contracts of src/os/mod.rs, not
# what Windows charges for them. A test for Unix alone is empty here (`#![cfg(unix)]`).
#
# Usage: ci/windows.sh [options of cargo test]; without any, all of the above.
# Needs: an x86-64 Linux; the packages gcc-mingw-w64-x86-64 and wine64.
. "$(dirname "$0")/common.sh" windows
packages gcc-mingw-w64-x86-64 wine64

target=x86_64-pc-windows-gnu
wine=/usr/lib/wine/wine64 # Debian keeps it out of PATH
[ -x $wine ] || wine=$(command -v wine64 || command -v wine) || not_run "the package wine64 has no wine64"
export WINEPREFIX=$platforms/wine WINEARCH=win64 WINEDEBUG=-all
export WINEDLLOVERRIDES="mscoree,mshtml,winedbg.exe=" # no .NET, no browser, no debugger window on a crash

if [ ! -e "$WINEPREFIX/ready" ]; then
    $wine wineboot --init >/dev/null 2>&1 || true # it complains of the missing display
    # Rust's std supports Windows 10 and later, and takes its random numbers (for hash maps) from a library that
    # Wine 8 lacks: one function, over its older sibling.
    $wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f >/dev/null 2>&1
    library=$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll
    if [ ! -e "$library" ]; then
        x86_64-w64-mingw32-gcc -O1 -shared -x c - -o "$library" -ladvapi32 <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    for (; length > 0xFFFFFFFF; buffer += 0x80000000, length -= 0x80000000)
        if (!SystemFunction036(buffer, 0x80000000))
            return FALSE;
    return SystemFunction036(buffer, (ULONG)length);
}
C
    fi
    touch "$WINEPREFIX/ready"
fi

export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
# rustdoc starts each doc test as a process of its own, by this variable, unless there is a runner.
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$platforms/wine-runner
cat >"$CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER" <<RUNNER
#!/bin/bash
RUSTDOC_DOCTEST_BIN_PATH=Z:\${1//\\//\\\\} exec $wine "\$@"
RUNNER
chmod +x "$CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER"
if [ $# -gt 0 ]; then
    $cargo test -p v_alloc $build_std --target $target "$@"
else
    status=0 # all, whatever the first finds
    $cargo test -p v_alloc $build_std --target $target --no-fail-fast $(portable_tests) || status=1
    $cargo test -p v_alloc $build_std --target $target --doc || status=1
    # As in .ci/run; but `interner` would look for sources in all of `target`. Those of examples/linux are for Linux alone.
    $cargo build --release --examples -p v_alloc $build_std --target $target || status=1
    declare -A folders=([interner]=src)
    for example in examples/*.rs examples/*/main.rs; do
        example=${example#examples/} example=${example%/main.rs} example=${example%.rs}
        echo "### the example $example"
        timeout 300 "$CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER" \
            "$CARGO_TARGET_DIR/$target/release/examples/$example.exe" ${folders[$example]:-} </dev/null ||
            { echo "FAILED: the example $example" && status=1; }
    done
    c_library $target x86_64-w64-mingw32-gcc $wine || status=1
    exit $status
fi
