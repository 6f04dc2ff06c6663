//! How a program speaks to valgrind: by instructions that do nothing, in an order that no compiler makes.
//!
//! The processor rotates a register by as many bits as it has, and goes on. Valgrind, which translates the program,
//! knows the sequence, and takes a request and its arguments from memory. So this needs no library, and costs a few
//! instructions elsewhere. There is a sequence for each processor; here are those for two.

/// Of the tool memcheck: its first two letters, and the number of the request.
const NO_ACCESS: usize = 0x4D43_0000;
const UNDEFINED: usize = 0x4D43_0001;
const DEFINED: usize = 0x4D43_0002;

/// Any access is an error.
pub(super) fn no_access(start: *mut u8, bytes: usize) {
    request(NO_ACCESS, start, bytes);
}

/// Writing is fine; a decision by what is read is an error.
pub(super) fn undefined(start: *mut u8, bytes: usize) {
    request(UNDEFINED, start, bytes);
}

/// All is fine.
pub(super) fn defined(start: *mut u8, bytes: usize) {
    request(DEFINED, start, bytes);
}

fn request(code: usize, start: *mut u8, bytes: usize) {
    let request = [code, start.expose_provenance(), bytes, 0, 0, 0];
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    // SAFETY: four rotations by 128 bits in all leave the register as it was, and the exchange changes nothing. Valgrind
    // reads the request, and writes its answer where the zero was.
    unsafe {
        core::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") &raw const request,
            inout("rdx") 0_usize => _,
        );
    }
    #[cfg(all(target_os = "linux", target_arch = "aarch64"))]
    // SAFETY: as above, with 128 bits of rotation, and a register that is joined with itself.
    unsafe {
        core::arch::asm!(
            "ror x12, x12, #3",
            "ror x12, x12, #13",
            "ror x12, x12, #51",
            "ror x12, x12, #61",
            "orr x10, x10, x10",
            in("x4") &raw const request,
            inout("x3") 0_usize => _,
        );
    }
    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let _ = request;
}
