#!/bin/bash
# Boots real kernels whose pages are large, under qemu's emulation of a whole machine, and runs the unit tests, the
# integration tests and a C program in them: Linux with pages of 16 KiB on arm64, and of 64 KiB on ppc64le. What
# ci/aarch64.sh cannot show is shown here: what such a kernel maps, charges, refuses and counts. Memory, limits,
# signals and faults are the guest kernel's own; only the instructions are emulated.
#
# Left out, and why: doc tests (rustdoc builds and runs them one by one, and there is no compiler in the guest), and tests
# that compile programs.
#
# Usage: ci/page-sizes.sh [16k] [64k] [-- options of cargo test]; without any, both, and all tests.
# Needs: 6 GiB of memory, 12 GiB for pages of 64 KiB, as tests touch a hundred thousand; 1 GiB of disk; the packages
# below, from Debian 12 or later. Kernels, busybox and the emulator are unpacked in the target directory and installed
# nowhere: other emulators here keep their versions.
. "$(dirname "$0")/common.sh" page-sizes
packages cpio gcc-aarch64-linux-gnu libc6-dev-arm64-cross gcc-powerpc64le-linux-gnu libc6-dev-ppc64el-cross

# Emulation is slow: better few instructions. The assertions stay.
export CARGO_PROFILE_DEV_OPT_LEVEL=1

codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    awk -v codename="$codename" '$2 == codename { print $1; exit }')
[ -n "$mirror" ] || not_run "no source of packages for $codename is configured"

# The emulator, with the libraries that this machine does not have.
emulator=$platforms/qemu-system
install_emulator() {
    rm -rf "$emulator" && mkdir -p "$emulator/packages/partial" &&
        apt-get install --yes --download-only --no-install-recommends --reinstall \
            -o Debug::NoLocking=true -o Dir::Cache::archives="$emulator/packages" qemu-system-arm qemu-system-ppc &&
        for package in "$emulator"/packages/*.deb; do dpkg --extract "$package" "$emulator" || return; done &&
        rm -r "$emulator/packages" && touch "$emulator/ready"
}
[ -e "$emulator/ready" ] || retry install_emulator || not_run "cannot download qemu-system-arm and qemu-system-ppc"

# guest_packages FOLDER ARCHITECTURE KERNEL: unpacks the newest kernel of that name, and busybox. apt gets a
# configuration of its own, with the architecture and the backports, which have kernels that Debian 12 has not.
guest_packages() {
    local folder=$1 architecture=$2 name=$3 kernel
    rm -rf "$folder" && mkdir -p "$folder"/lists/partial || return
    touch "$folder/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $codename main
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $codename-backports main" >"$folder/sources.list"
    cat >"$folder/apt.conf" <<CONFIGURATION
Dir::State "$folder";
Dir::State::status "$folder/status";
Dir::Cache "$folder";
Dir::Etc::sourcelist "$folder/sources.list";
Dir::Etc::sourceparts "-";
APT::Architecture "$architecture";
APT::Architectures "$architecture";
Acquire::Languages "none";
CONFIGURATION
    (
        export APT_CONFIG=$folder/apt.conf
        cd "$folder" && apt-get update -qq &&
            kernel=$(apt-cache search --names-only "^linux-image-[0-9].*$name\$" | sort --version-sort | tail -n 1) &&
            apt-get download -qq "${kernel%% *}" busybox-static
    ) || return
    for package in "$folder"/*.deb; do dpkg --extract "$package" "$folder/root" || return; done
    rm -rf "$folder"/*.deb "$folder"/lists "$folder"/root/lib/modules "$folder"/root/usr/lib/modules
    touch "$folder/ready"
}

# kernel SIZE_IN_KIB ARCHITECTURE KERNEL TARGET GNU_TARGET CONSOLE EMULATOR...
kernel() {
    local size=$1 architecture=$2 name=$3 target=$4 gnu=$5 console=$6 folder=$platforms/kernel-$1k
    shift 6
    echo "### a kernel with pages of $size KiB, $architecture"
    if [ ! -e "$folder/ready" ] && ! retry guest_packages "$folder" "$architecture" "$name"; then
        echo "NOT RUN: page-sizes: pages of $size KiB: cannot download the kernel linux-image-*$name" && return
    fi

    local variable=CARGO_TARGET_${target//-/_}_LINKER executable executables
    export "${variable^^}=$gnu-gcc" CARGO_TARGET_DIR=$platforms/${target%%-*}
    executables=$($cargo test -p v_alloc $build_std --target $target "${selected[@]}" --no-run 2>&1 |
        tee "$folder/build.log" | sed -n 's/^ *Executable .*(\(.*\))$/\1/p')
    if [ -z "$executables" ]; then
        cat "$folder/build.log" && return 1
    fi
    c_library $target $gnu-gcc true || return 1 # built here, run there

    local guest=$folder/guest applet library
    rm -rf "$guest" && mkdir -p "$guest"/{bin,lib,proc,sys,dev,tmp,tests}
    ln -s lib "$guest/lib64"
    cp "$(find "$folder/root" -name busybox -type f -perm -u+x | head -n 1)" "$guest/bin/busybox"
    for applet in sh mount uname grep tr cat ls basename timeout poweroff; do ln -s busybox "$guest/bin/$applet"; done
    # What the executables name, and the loader that they are started by.
    for library in ld-linux-aarch64.so.1 ld64.so.2 libc.so.6 libm.so.6 libgcc_s.so.1; do
        [ ! -e "/usr/$gnu/lib/$library" ] || cp -L "/usr/$gnu/lib/$library" "$guest/lib/"
    done
    for executable in $executables "$CARGO_TARGET_DIR/$target/programs"/{static,shared}.exe; do
        $gnu-strip -o "$guest/tests/$(basename "$executable" | sed 's/-[0-9a-f]\{16\}$//')" "$executable"
    done
    cp "$CARGO_TARGET_DIR/$target/programs/libv_alloc.so.0" "$guest/lib/"
    skipped >"$guest/skipped"
    cat >"$guest/init" <<'INIT'
#!/bin/sh
export PATH=/bin HOME=/tmp TMPDIR=/tmp RUST_BACKTRACE=0 LD_LIBRARY_PATH=/lib
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t devtmpfs dev /dev && mount -t tmpfs tmp /tmp
cd /tmp
uname -srm
echo "pages of $(grep -m 1 KernelPageSize /proc/self/smaps | tr -dc 0-9) KiB"
for executable in /tests/*; do
    test=$(basename "$executable")
    echo "# $test"
    case $test in
    *.exe) timeout 300 "$executable" ;;
    *) timeout 900 "$executable" --quiet $(cat /skipped) ;;
    esac
    status=$?
    [ $status = 0 ] && echo "passed: $test" || echo "FAILED: $test: status $status"
done
echo "the guest is done"
poweroff -f
INIT
    chmod +x "$guest/init"
    (cd "$guest" && find . | cpio --quiet --create --format newc | gzip -1) >"$folder/initrd.gz"

    # Without a network and a disk; nothing but the console comes out.
    echo "booting"
    LD_LIBRARY_PATH=$emulator/usr/lib/x86_64-linux-gnu:$emulator/lib/x86_64-linux-gnu \
        timeout 3600 "$emulator/usr/bin/$1" -L "$emulator/usr/share/qemu" "${@:2}" -smp 2 \
        -kernel "$(find "$folder/root/boot" -name 'vmlinu*' | head -n 1)" -initrd "$folder/initrd.gz" \
        -append "console=$console panic=-1 quiet" -nographic -no-reboot -nic none </dev/null 2>&1 |
        sed --unbuffered 's/\r//g' | tee "$folder/boot.log" | grep --line-buffered -aE '^(#|Linux |pages of|passed|FAILED|test result|---- )|panicked' || true

    local failed
    failed=$(grep -ac '^FAILED' "$folder/boot.log" || true)
    if ! grep -aqx "pages of $size KiB" "$folder/boot.log" || ! grep -aqx "the guest is done" "$folder/boot.log"; then
        echo "FAILED: the guest did not come to its end:" && tail -n 30 "$folder/boot.log" && return 1
    fi
    [ "$failed" = 0 ] || { echo "FAILED: $failed of the executables; see $folder/boot.log" && return 1; }
}

sizes=() selected=($(portable_tests))
while [ $# -gt 0 ]; do
    [ "$1" != -- ] || { shift && selected=("$@") && break; }
    sizes+=("$1") && shift
done
[ ${#sizes[@]} -gt 0 ] || sizes=(16k 64k)
status=0 # both, whatever the first finds
for size in "${sizes[@]}"; do
    case $size in
    16k) kernel 16 arm64 -arm64-16k-unsigned aarch64-unknown-linux-gnu aarch64-linux-gnu ttyAMA0 \
        qemu-system-aarch64 -machine virt -cpu neoverse-n1 -m 6G || status=1 ;;
    64k) kernel 64 ppc64el -powerpc64le-64k powerpc64le-unknown-linux-gnu powerpc64le-linux-gnu hvc0 \
        qemu-system-ppc64 -machine pseries -cpu power9 -vga none -m 12G || status=1 ;;
    *) echo "16k or 64k, not $size" && exit 2 ;;
    esac
done
exit $status
