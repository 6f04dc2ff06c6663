//! The name of a block, for messages: kept beside its generation, where no error of the program reaches.

use core::ffi::CStr;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes of a name that are kept.
pub(crate) const LABEL: usize = 24;

/// All zero is no name. It is read while it may change: what is read then may be of two names.
pub(crate) struct Label([AtomicU64; LABEL / 8]);

impl Label {
    pub(crate) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; LABEL / 8])
    }

    pub(crate) fn set(&self, name: Option<&CStr>) {
        let mut bytes = [0; LABEL];
        for (place, byte) in bytes.iter_mut().zip(name.map_or(&[][..], CStr::to_bytes)) {
            *place = *byte;
        }
        self.set_bytes(bytes);
    }

    pub(crate) fn set_bytes(&self, bytes: [u8; LABEL]) {
        for (word, part) in self.0.iter().zip(bytes.chunks_exact(8)) {
            let mut eight = [0; 8];
            eight.iter_mut().zip(part).for_each(|(place, byte)| *place = *byte);
            word.store(u64::from_ne_bytes(eight), Relaxed);
        }
    }

    pub(crate) fn bytes(&self) -> [u8; LABEL] {
        let mut bytes = [0; LABEL];
        for (part, word) in bytes.chunks_exact_mut(8).zip(&self.0) {
            part.iter_mut().zip(word.load(Relaxed).to_ne_bytes()).for_each(|(place, byte)| *place = byte);
        }
        bytes
    }
}
