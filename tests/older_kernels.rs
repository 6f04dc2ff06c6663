//! What a kernel does not know is done without it: huge pages, populating, names, exclusion from core dumps. A filter
//! refuses them as an older kernel, or one that was built without them, does. And a sandbox may not tell the limits.
#![cfg(all(target_os = "linux", target_pointer_width = "64", feature = "map"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]

mod common;

use common::{page, resident_bytes};
use std::ffi::c_int;
use std::ptr;
use v_alloc::{Arena, CommitPolicy, StableMap, StableVec, SyncArena, registry};

/// Where the arguments of a system call are in what a filter sees.
const FIRST_ARGUMENT: u32 = 16;

fn step(code: u32, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: u16::try_from(code).unwrap(), jt, jf, k }
}

fn load(offset: u32) -> libc::sock_filter {
    step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
}

fn equal(number: u32, jt: u8, jf: u8) -> libc::sock_filter {
    step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, jt, jf, number)
}

fn answer(value: u32) -> libc::sock_filter {
    step(libc::BPF_RET | libc::BPF_K, 0, 0, value)
}

fn error(code: c_int) -> libc::sock_filter {
    answer(libc::SECCOMP_RET_ERRNO | u32::try_from(code).unwrap())
}

fn number(call: libc::c_long) -> u32 {
    u32::try_from(call).unwrap()
}

/// From here on this thread's system calls go through the filter.
fn install(mut filter: Vec<libc::sock_filter>) {
    let program = libc::sock_fprog { len: u16::try_from(filter.len()).unwrap(), filter: filter.as_mut_ptr() };
    // SAFETY: it restricts the calling thread, by a program that is well formed.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program), 0);
    }
}

/// From here on this thread's kernel knows none of `advice` and no names of memory: EINVAL, as from one that never did.
fn forget(advice: &[c_int]) {
    let invalid = error(libc::EINVAL);
    let mut filter = vec![
        load(0),
        equal(number(libc::SYS_prctl), 0, 4),
        load(FIRST_ARGUMENT),
        equal(number(libc::PR_SET_VMA.into()), 0, 1),
        invalid,
        answer(libc::SECCOMP_RET_ALLOW),
        equal(number(libc::SYS_madvise), 1, 0),
        answer(libc::SECCOMP_RET_ALLOW),
        load(FIRST_ARGUMENT + 2 * 8),
    ];
    for &advice in advice {
        filter.extend([equal(number(advice.into()), 0, 1), invalid]);
    }
    filter.push(answer(libc::SECCOMP_RET_ALLOW));
    install(filter);
    // SAFETY: the kernel looks at no memory.
    unsafe {
        for &advice in advice {
            assert_eq!(libc::madvise(ptr::null_mut(), 0, advice), -1, "{advice} is refused");
            assert_eq!(*libc::__errno_location(), libc::EINVAL);
        }
    }
}

const UNKNOWN: &[c_int] = &[
    libc::MADV_HUGEPAGE,
    libc::MADV_NOHUGEPAGE,
    libc::MADV_POPULATE_WRITE,
    libc::MADV_DONTDUMP,
    libc::MADV_DODUMP,
    libc::MADV_WIPEONFORK,
];

/// Fills an arena far beyond the first huge page, and looks at everything.
fn fill(mut arena: Arena) {
    for _ in 0..2 {
        let numbers: Vec<_> = (0..1_000_000_u64).map(|number| &*arena.alloc(number)).collect();
        assert!(numbers.iter().zip(0..).all(|(number, expected)| **number == expected));
        assert!(arena.alloc_slice_zeroed::<u64>(100_000).iter().all(|number| *number == 0));
        arena.reset();
    }
    assert_eq!(arena.last_error(), None, "nothing of that is an error");
}

#[test]
fn arenas_and_containers_do_without_what_the_kernel_does_not_know() {
    common::isolated("arenas_and_containers_do_without_what_the_kernel_does_not_know", || {
        forget(UNKNOWN);
        fill(Arena::new());
        fill(Arena::options().name(c"unknown").core_dumps(false).build().unwrap());
        fill(Arena::options().commit_policy(CommitPolicy::Latency).build().unwrap());
        let shared = SyncArena::new();
        assert!(shared.alloc_slice_fill_copy(1 << 18, 7_u64).iter().all(|&number| number == 7));
        let vector: StableVec<usize> = (0..4_000_000).collect();
        assert!(vector.iter().enumerate().all(|(index, &element)| index == element));
        let map: StableMap<u64, u64> = (0..200_000).map(|number| (number, 2 * number)).collect();
        assert!((0..200_000).all(|number| map.get(&number) == Some(&(2 * number))));
    });
}

#[test]
fn what_is_prepared_is_present_without_a_call_that_populates() {
    common::isolated("what_is_prepared_is_present_without_a_call_that_populates", || {
        forget(UNKNOWN);
        let arena = Arena::new();
        let start = ptr::from_mut(arena.alloc(1_u8)).expose_provenance();
        arena.prepare(3 << 20).unwrap();
        let present = resident_bytes(start, arena.committed_bytes());
        assert!(present + page() >= 3 << 20, "{present} bytes are present");
    });
}

/// `rustix` takes it for granted that the kernel tells: it would panic here, or in a release build make a limit of what was
/// on the stack.
#[test]
fn a_limit_that_a_sandbox_does_not_tell_is_taken_for_none() {
    common::isolated("a_limit_that_a_sandbox_does_not_tell_is_taken_for_none", || {
        let told = Arena::options().build().unwrap();
        install(vec![
            load(0),
            equal(number(libc::SYS_prlimit64), 1, 0),
            answer(libc::SECCOMP_RET_ALLOW),
            error(libc::EPERM),
        ]);
        let arena = Arena::options().build().unwrap();
        assert_eq!(arena.reserved_bytes(), told.reserved_bytes());
        fill(arena);
        assert!(SyncArena::new().try_alloc(7).is_ok());
        let vector: StableVec<usize> = (0..100_000).collect();
        assert!(vector.iter().enumerate().all(|(index, &element)| index == element));
        // Beyond a limit on files, which may be there, the kernel would end the process.
        assert_eq!(registry::publish().unwrap_err().os_code(), Some(libc::EPERM));
    });
}
