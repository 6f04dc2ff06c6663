//! What a panic said, and where.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic said, if there was one.
pub fn panic_of<R>(work: impl FnOnce() -> R) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(work)).err()?;
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    Some(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap())
}
