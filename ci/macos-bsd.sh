#!/bin/bash
# Compiles and links the test executables and a C program for macOS and FreeBSD with zig's linker, which brings the
# systems' libraries as stubs. They are not run: there is nothing here to run them on. It shows that every system
# function that the library calls exists there under the name it is called by.
#
# Usage: ci/macos-bsd.sh [target...]
# Needs: python3 with venv, and PyPI's package ziglang, which is put into the target directory.
. "$(dirname "$0")/common.sh" macos-bsd
packages python3-venv

zig=$platforms/zig
install_zig() {
    python3 -m venv "$zig" && "$zig/bin/pip" install --quiet ziglang
}
[ -e "$zig/ready" ] || { retry install_zig && touch "$zig/ready"; } || not_run "cannot install ziglang from PyPI"

# linker ZIG_TARGET: the path of a program that links for it. rustc's command line needs small changes: zig names
# targets otherwise, has its own unwinder, no stub of some libraries that std names and does not use, and an
# older notion of export lists.
linker() {
    local file=$platforms/zig-$1
    cat >"$file" <<WRAPPER
#!/bin/bash
arguments=()
for argument in "\$@"; do
    case \$argument in
    --target=* | -Wl,-exported_symbols_list* | -Wl,/*/list) ;;
    -liconv | -lkvm | -lmemstat | -lprocstat | -ldevstat) ;;
    -lgcc_s) arguments+=(-lunwind) ;;
    *) arguments+=("\$argument") ;;
    esac
done
exec "$zig/bin/python" -m ziglang cc -target $1 "\${arguments[@]}"
WRAPPER
    chmod +x "$file"
    echo "$file"
}
# To strip for macOS needs rust-objcopy, which Debian does not have.
export CARGO_PROFILE_C_LIBRARY_STRIP=none CARGO_PROFILE_DEV_STRIP=none CARGO_PROFILE_TEST_STRIP=none
export ZIG_GLOBAL_CACHE_DIR=$platforms/zig-cache ZIG_LOCAL_CACHE_DIR=$platforms/zig-cache
CARGO_TARGET_AARCH64_APPLE_DARWIN_LINKER=$(linker aarch64-macos)
CARGO_TARGET_X86_64_APPLE_DARWIN_LINKER=$(linker x86_64-macos)
CARGO_TARGET_X86_64_UNKNOWN_FREEBSD_LINKER=$(linker x86_64-freebsd)
export CARGO_TARGET_AARCH64_APPLE_DARWIN_LINKER CARGO_TARGET_X86_64_APPLE_DARWIN_LINKER
export CARGO_TARGET_X86_64_UNKNOWN_FREEBSD_LINKER

status=0 # all, whatever the first finds
for target in ${@:-aarch64-apple-darwin x86_64-apple-darwin x86_64-unknown-freebsd}; do
    echo "### $target"
    $cargo test -p v_alloc $build_std --target "$target" --no-run || status=1
    case $target in
    *-apple-darwin) c_library "$target" "$platforms/zig-${target%%-*}-macos" || status=1 ;;
    *-freebsd) c_library "$target" "$platforms/zig-${target%%-*}-freebsd" || status=1 ;;
    esac
done
exit $status
