//! Arenas of the C library against a model: any sequence of calls keeps every block's bytes, every promise of the
//! header about `base`, `ptr` and `end`, and changes nothing when it fails. The header's inline functions are
//! repeated here; everything else is called as C calls it.
#![cfg(all(feature = "capi", any(unix, windows)))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "a test says by panicking what is wrong"
)]
#![allow(clippy::cast_possible_truncation, reason = "fill bytes repeat")]

use proptest::prelude::*;
use std::ptr;
use v_alloc::capi::{self, VAllocError, VAllocOptions};

const CAPACITY: usize = 8 << 20;

/// `AllocInfo`, as the header has it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Info {
    base: *mut u8,
    ptr: *mut u8,
    end: *mut u8,
    reserved_size: usize,
    page_size: usize,
    generation: u64,
    flags: u32,
    error: VAllocError,
}

const NO_ERROR: VAllocError = VAllocError { operation: 0, cause: 0, os_code: 0, bytes: 0 };
const NOTHING: Info = Info {
    base: ptr::null_mut(),
    ptr: ptr::null_mut(),
    end: ptr::null_mut(),
    reserved_size: 0,
    page_size: 0,
    generation: 0,
    flags: 0,
    error: NO_ERROR,
};

impl Info {
    fn raw(&mut self) -> *mut capi::AllocInfo {
        const { assert!(size_of::<Self>() == size_of::<capi::AllocInfo>()) }
        ptr::from_mut(self).cast()
    }

    fn used(&self) -> usize {
        self.ptr.addr() - self.base.addr()
    }

    fn committed(&self) -> usize {
        self.end.addr() - self.base.addr()
    }

    /// The header's `v_alloc_committ`.
    fn push(&mut self, size: usize, alignment: usize) -> *mut u8 {
        let rounded = size.wrapping_add(alignment - 1) & alignment.wrapping_neg();
        let block = self.ptr;
        if rounded.wrapping_sub(1) >= self.end.addr() - block.addr() {
            // SAFETY: the struct is valid.
            return unsafe { capi::v_alloc_push_slow(self.raw(), size, alignment, CAPACITY) }.cast();
        }
        self.ptr = block.wrapping_add(rounded);
        block
    }

    /// The header's `v_alloc_push_aligned`.
    fn push_aligned(&mut self, size: usize, alignment: usize, default: usize) -> *mut u8 {
        if alignment <= default && alignment.is_power_of_two() {
            return self.push(size, default);
        }
        // SAFETY: the struct is valid.
        unsafe { capi::v_alloc_push_slow(self.raw(), size, alignment, CAPACITY) }.cast()
    }
}

#[derive(Clone, Debug)]
enum Op {
    Reserve(usize),
    Push(usize),
    PushAligned(usize, u32),
    PushZeroed(usize),
    Resize(usize),
    Mark,
    Rewind(prop::sample::Index),
    Reset,
    Decommit(usize),
    Trim(usize),
    Free,
    /// A copy outlives its arena.
    FreeAndUseTheCopy,
}

fn op() -> impl Strategy<Value = Op> {
    let size = || {
        prop_oneof![
            1 => Just(0),
            6 => 1..300_usize,
            4 => 1..100_000_usize,
            1 => 1..(4_usize << 20),
            1 => (1..(9_usize << 10)).prop_map(|less| 0_usize.wrapping_sub(less)),
            1 => any::<usize>(),
        ]
    };
    prop_oneof![
        2 => size().prop_map(Op::Reserve),
        8 => size().prop_map(Op::Push),
        4 => (size(), 0..24_u32).prop_map(|(size, bits)| Op::PushAligned(size, bits)),
        4 => size().prop_map(Op::PushZeroed),
        2 => size().prop_map(Op::Resize),
        2 => Just(Op::Mark),
        2 => any::<prop::sample::Index>().prop_map(Op::Rewind),
        1 => Just(Op::Reset),
        2 => size().prop_map(Op::Decommit),
        2 => size().prop_map(Op::Trim),
        1 => Just(Op::Free),
        1 => Just(Op::FreeAndUseTheCopy),
    ]
}

struct Block {
    offset: usize,
    size: usize,
    fill: u8,
}

struct Model {
    info: Info,
    alignment: usize,
    buffer: bool,
    blocks: Vec<Block>,
    marks: Vec<usize>,
    fill: u8,
}

impl Model {
    /// A block was handed out: it must lie in the arena, apart from all others. It gets a fill of its own.
    fn take(&mut self, before: Info, block: *mut u8, size: usize, alignment: usize, zeroed: bool) {
        if block.is_null() {
            self.failed(before);
            return;
        }
        assert!(size > 0 && block.addr() % alignment == 0 && block.addr() % self.alignment == 0);
        let offset = block.addr() - self.info.base.addr();
        let start = if before.base.is_null() { 0 } else { before.used() };
        assert!(offset >= start && size <= self.info.used().checked_sub(offset).unwrap(), "{offset} {size}");
        // SAFETY: the block was just handed out.
        let bytes = unsafe { std::slice::from_raw_parts_mut(block, size) };
        assert!(!zeroed || bytes.iter().all(|&byte| byte == 0), "zeroed memory");
        self.fill = self.fill.wrapping_add(1).max(1);
        bytes.fill(self.fill);
        self.blocks.push(Block { offset, size, fill: self.fill });
    }

    /// Nothing has changed, and the reason is there.
    fn failed(&self, before: Info) {
        assert_ne!((self.info.error.operation, self.info.error.cause), (0, 0));
        assert_eq!(Info { error: NO_ERROR, ..self.info }, Info { error: NO_ERROR, ..before });
    }

    fn cut(&mut self, used: usize) {
        self.blocks.retain(|block| block.offset + block.size <= used);
        self.marks.retain(|&mark| mark <= used);
    }

    fn gone(&mut self) {
        assert_eq!(self.info, NOTHING);
        self.blocks.clear();
        self.marks.clear();
        self.buffer = false;
    }

    #[allow(clippy::too_many_lines, reason = "a line or two for each operation")]
    fn apply(&mut self, op: &Op) {
        let before = self.info;
        self.info.error = NO_ERROR;
        let alignment = self.alignment;
        // SAFETY: the struct is valid, and what the calls take away is not used again.
        unsafe {
            match *op {
                Op::Reserve(size) => {
                    if capi::v_alloc_reserve(self.info.raw(), size) {
                        assert!(before.base.is_null() && self.info.reserved_size >= size && size > 0);
                        assert_eq!((self.info.used(), self.info.committed()), (0, 0));
                    } else {
                        self.failed(before);
                    }
                }
                Op::Push(size) => {
                    let block = self.info.push(size, alignment);
                    self.take(before, block, size, alignment, false);
                }
                Op::PushAligned(size, bits) => {
                    let block = self.info.push_aligned(size, 1 << bits, alignment);
                    self.take(before, block, size, 1 << bits, false);
                }
                Op::PushZeroed(size) => {
                    let block = capi::v_alloc_push_zeroed_slow(self.info.raw(), size, alignment, CAPACITY);
                    self.take(before, block.cast(), size, alignment, true);
                }
                Op::Resize(0) => {
                    assert!(capi::v_alloc_resize_within(self.info.raw(), 0, CAPACITY).is_null());
                    if before.base.is_null() {
                        assert_eq!(
                            self.info,
                            Info { error: NO_ERROR, ..before },
                            "nothing to free is no failure here"
                        );
                    } else {
                        self.gone();
                    }
                }
                Op::Resize(size) => {
                    let block = capi::v_alloc_resize_within(self.info.raw(), size, CAPACITY);
                    if block.is_null() {
                        self.failed(before);
                    } else {
                        assert_eq!(block, self.info.base.cast());
                        assert!(before.base.is_null() || before.base == self.info.base);
                        assert!(self.info.used() >= size && self.info.used() < size + 64 + alignment);
                        self.cut(size);
                    }
                }
                Op::Mark => self.marks.push(self.info.used()),
                Op::Rewind(which) if !self.marks.is_empty() => {
                    let mark = self.marks[which.index(self.marks.len())];
                    if mark <= self.info.used() && !self.info.base.is_null() {
                        self.info.ptr = self.info.base.wrapping_add(mark);
                        self.cut(mark);
                    }
                }
                Op::Rewind(_) => {}
                Op::Reset => {
                    capi::v_alloc_reset(self.info.raw());
                    assert_eq!((self.info.used(), self.info.committed()), (0, before.committed()));
                    // With traps it goes on elsewhere.
                    assert!(cfg!(feature = "traps") || self.info.base == before.base);
                    self.cut(0);
                }
                Op::Decommit(extra) => {
                    if capi::v_alloc_decommit(self.info.raw(), extra) {
                        let page = self.info.page_size;
                        assert_eq!(before.committed() - self.info.committed(), extra.next_multiple_of(page));
                        assert!(extra > 0);
                    } else {
                        self.failed(before);
                        let free = before.end.addr() - before.ptr.addr();
                        assert!(
                            self.buffer
                                || before.base.is_null()
                                || extra == 0
                                || free - free % before.page_size < extra
                        );
                    }
                }
                Op::Trim(keep) => {
                    let given_back = capi::v_alloc_trim(self.info.raw(), keep);
                    assert_eq!(before.committed() - self.info.committed(), given_back);
                    if !self.buffer && !before.base.is_null() {
                        let most = before.used().max(keep).checked_next_multiple_of(before.page_size);
                        assert!(most.is_none_or(|most| self.info.committed() <= most));
                    }
                }
                Op::Free => {
                    if capi::v_alloc_free(self.info.raw()) {
                        self.gone();
                    } else {
                        self.failed(before);
                    }
                }
                Op::FreeAndUseTheCopy => {
                    let mut copy = self.info;
                    if capi::v_alloc_free(self.info.raw()) {
                        if !self.buffer {
                            assert!(!capi::v_alloc_free(copy.raw()));
                            assert!(capi::v_alloc_resize_within(copy.raw(), 100, CAPACITY).is_null());
                            assert!(capi::v_alloc_push_slow(copy.raw(), 100, 16, CAPACITY).is_null());
                            assert!(!capi::v_alloc_decommit(copy.raw(), 1));
                            assert_eq!(capi::v_alloc_trim(copy.raw(), 0), 0);
                            capi::v_alloc_reset(copy.raw());
                            assert!(copy.push(16, 16).is_null());
                        }
                        self.gone();
                    }
                }
            }
        }
        self.check();
    }

    fn check(&self) {
        let info = &self.info;
        assert!(info.base <= info.ptr && info.ptr <= info.end);
        assert!(info.committed() <= info.reserved_size);
        assert_eq!(info.ptr.addr() % self.alignment, 0, "what is pushed next is aligned");
        assert!(self.buffer || info.base.is_null() || info.committed() % info.page_size == 0);
        for block in &self.blocks {
            assert!(block.offset + block.size <= info.used());
            // SAFETY: the block is live.
            let bytes = unsafe { std::slice::from_raw_parts(info.base.add(block.offset), block.size) };
            assert!(bytes[0] == block.fill && bytes[1..] == bytes[..bytes.len() - 1], "contents");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_keeps_the_promises_of_the_header(
        ops in prop::collection::vec(op(), 1..60),
        alignment_bits in 4..7_u32,
        start in prop_oneof![4 => Just(None), 2 => (0..64_usize, 0..100_000_usize).prop_map(Some)],
        flags in 0..4_u32,
    ) {
        let mut memory = vec![0xAA_u8; start.map_or(0, |(skip, size)| skip + size)];
        let alignment = 1 << alignment_bits;
        let mut model = Model {
            info: NOTHING, alignment, buffer: false, blocks: Vec::new(), marks: Vec::new(), fill: 0,
        };
        // SAFETY: the buffer outlives the arena.
        unsafe {
            if let Some((skip, size)) = start {
                let buffer = memory.as_mut_ptr().add(skip).cast();
                model.buffer = capi::v_alloc_from_buffer_aligned(model.info.raw(), buffer, size, alignment);
                assert!(model.buffer || size < 2 * alignment);
            } else if flags != 0 {
                let options = VAllocOptions { reservation: 3 << 20, flags, name: ptr::null() };
                assert!(capi::v_alloc_reserve_with(model.info.raw(), &raw const options));
            }
        }
        for op in &ops {
            model.apply(op);
        }
        // SAFETY: the arena is not used again.
        unsafe { capi::v_alloc_free(model.info.raw()) };
    }
}
