//! Errors as numbers and as text.

use crate::error::{Cause, Operation, ReserveError};
use crate::text::Text;
use crate::traps;
use core::ffi::{c_char, c_int};

traps::in_force! {
    use crate::stable::block::Block;
    use crate::traps::{label::LABEL, refusals};
}

/// `VAllocError`: all zero is none.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VAllocError {
    /// `enum VAllocOperation`
    pub operation: c_int,
    /// `enum VAllocCause`
    pub cause: c_int,
    /// The operating system's code, if that refused. With traps, a number behind which is what the call was refused for.
    pub os_code: c_int,
    /// The size that it was tried with.
    pub bytes: usize,
}

/// `enum VAllocCause`, where Rust has no such cause.
#[derive(Clone, Copy)]
pub(super) enum Misuse {
    ZeroSize = 7,
    Argument = 8,
    ReservedAlready = 9,
    InUse = 10,
}

const OPERATIONS: [Operation; 5] =
    [Operation::Reserve, Operation::Commit, Operation::Decommit, Operation::Resize, Operation::Free];

/// The texts of `enum VAllocCause`, from 1.
const CAUSES: [&str; 10] = [
    Cause::Os(0).in_words(),
    Cause::TooLarge.in_words(),
    Cause::BeyondBudget.in_words(),
    Cause::BeyondReservation.in_words(),
    Cause::NotABlock.in_words(),
    Cause::Busy.in_words(),
    "nothing was asked for",
    "an argument is null, too small, or no power of two where it must be one",
    "it has memory already",
    "the memory is in use, or there is not so much",
];

const REFUSED: c_int = 1;
const NOT_A_BLOCK: c_int = 5;

impl VAllocError {
    pub(super) fn new(operation: Operation, cause: c_int, bytes: usize) -> Self {
        let operation = match operation {
            Operation::Reserve => 1,
            Operation::Commit => 2,
            Operation::Decommit | Operation::Discard => 3,
            Operation::Resize => 4,
            Operation::Free => 5,
        };
        Self { operation, cause, os_code: 0, bytes }
    }

    /// As [`ReserveError::for_size`].
    pub(super) fn for_size(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    pub(super) fn misuse(operation: Operation, misuse: Misuse, bytes: usize) -> Self {
        Self::new(operation, misuse as c_int, bytes)
    }

    /// The error, of a call that was refused for what is at `address`, and which generation the caller took it for.
    pub(super) fn about(self, address: usize, generation: Option<u64>) -> Self {
        traps::in_force! {
            if self.cause == NOT_A_BLOCK {
                let found = Block::around(address);
                let name = |(there, name)| if generation.is_none_or(|taken_for| taken_for == there) { name } else { [0; LABEL] };
                if let Some(generation) = generation.or(found.map(|(there, _)| there)) {
                    let os_code = refusals::remember(generation, found.map_or([0; LABEL], name));
                    return Self { os_code, ..self };
                }
            }
        }
        let _ = (address, generation);
        self
    }

    fn write_text(self, text: &mut Text<'_>) {
        let numbered = |number: c_int| usize::try_from(number).ok()?.checked_sub(1);
        let operation = numbered(self.operation).and_then(|number| OPERATIONS.get(number));
        let cause = numbered(self.cause).and_then(|number| CAUSES.get(number));
        let (Some(operation), Some(cause)) = (operation, cause) else { return text.push("no error") };
        let (before, after) = operation.in_words();
        text.push("cannot ");
        text.push(before);
        text.push(" ");
        text.push_number(self.bytes);
        text.push(" bytes");
        text.push(after);
        text.push(": ");
        text.push(cause);
        if self.cause == REFUSED {
            text.push(" (code ");
            text.push_number(self.os_code.unsigned_abs() as usize);
            text.push(")");
        }
        traps::in_force! {
            if let (NOT_A_BLOCK, Some((generation, name))) = (self.cause, refusals::recall(self.os_code)) {
                let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
                text.push(" (");
                for part in name.utf8_chunks().take(1).map(|chunk| chunk.valid()).filter(|name| !name.is_empty()) {
                    text.push(part);
                    text.push(", ");
                }
                text.push("generation ");
                text.push_number(usize::try_from(generation).unwrap_or(usize::MAX));
                text.push(")");
            }
        }
    }
}

impl From<ReserveError> for VAllocError {
    fn from(error: ReserveError) -> Self {
        let cause = match error.cause() {
            Cause::Os(_) => REFUSED,
            Cause::TooLarge | Cause::TooHigh | Cause::TooAligned => 2,
            Cause::BeyondBudget | Cause::TooManyRanges => 3,
            Cause::BeyondReservation => 4,
            Cause::NotABlock => NOT_A_BLOCK,
            Cause::Busy => 6,
        };
        let os_code = error.os_code().unwrap_or(0);
        Self { os_code, ..Self::new(error.operation(), cause, error.bytes()) }
    }
}

/// `v_alloc_error_text`
///
/// # Safety
/// `buffer` is null or has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn v_alloc_error_text(
    error: VAllocError,
    buffer: *mut c_char,
    size: usize,
) -> *const c_char {
    if buffer.is_null() || size == 0 {
        return buffer;
    }
    // SAFETY: the caller's room, which may be uninitialised until it is written here.
    let room = unsafe {
        buffer.cast::<u8>().write_bytes(0, size);
        core::slice::from_raw_parts_mut(buffer.cast::<u8>(), size - 1) // the last byte stays 0
    };
    error.write_text(&mut Text::new(room));
    buffer
}
