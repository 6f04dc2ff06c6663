//! The C library: nothing but the functions of `v_alloc::capi`, and what a library without the standard one needs.
//!
//! It is built by `cargo build --profile c-library -p v_alloc-capi`, whose panics abort; for testing, with the profile
//! `c-library-debug` and the feature `traps`. In any other profile, where
//! panics unwind, it is an ordinary library on the standard one, so that checks of the whole workspace include it.

#![cfg_attr(panic = "abort", no_std)]

pub use core_library::capi::*;

/// Never linked: the function that it calls does not exist, so the library can only be made while no panic is
/// reachable.
#[cfg(all(panic = "abort", not(debug_assertions)))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn v_alloc_has_a_reachable_panic() -> !;
    }
    v_alloc_has_a_reachable_panic()
}

/// Debug assertions may fail, which ends the program.
#[cfg(all(panic = "abort", debug_assertions))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        safe fn abort() -> !;
    }
    abort()
}

// With debug assertions some of `core` stays that was compiled for unwinding, and names what would do so. Nothing ever
// does: panics abort. A program's own, if it has one, goes before.
#[cfg(all(unix, not(target_vendor = "apple"), panic = "abort", debug_assertions))]
core::arch::global_asm!(".weak rust_eh_personality", ".hidden rust_eh_personality", "rust_eh_personality:");

// SAFETY: nothing is declared here; it makes the linker name the C library as one that is needed.
#[cfg(all(unix, panic = "abort"))]
#[link(name = "c")]
unsafe extern "C" {}
