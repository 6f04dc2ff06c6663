//! The table of another process, from its bytes.

use super::table::{MAGIC, VERSION};
use super::{Kind, NAME_BYTES, Snapshot};
use core::num::NonZeroUsize;

/// A table as another process has written it: two readings of its file, whole, one after the other.
///
/// One reading may meet an entry while it changes hands. What is not the same in both is left out, but the figures,
/// which are those of the second. All bytes may be anything: they are another's. Nothing here panics.
///
/// ```
/// # #[cfg(all(target_os = "linux", not(any(miri, v_alloc_heap_os))))] {
/// use std::{fs, path::PathBuf};
/// use v_alloc::registry::{self, FILE_NAME, Image};
///
/// fn file_of(process: u32) -> Option<PathBuf> {
///     let files = fs::read_dir(format!("/proc/{process}/fd")).ok()?.flatten().map(|file| file.path());
///     let is_table = |file: &PathBuf| fs::read_link(file).is_ok_and(|it| it.to_string_lossy().contains(FILE_NAME));
///     files.into_iter().find(is_table)
/// }
///
/// registry::publish()?; // in the other process, which is this one here
/// let tokens = v_alloc::Arena::options().name(c"tokens").build()?;
/// let file = file_of(std::process::id()).expect("it publishes");
/// let (first, second) = (fs::read(&file)?, fs::read(&file)?);
/// let image = Image::new(&first, &second).expect("a table");
/// assert!(image.entries().any(|entry| entry.name() == "tokens"));
/// # drop(tokens);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Image<'a> {
    first: &'a [u8],
    second: &'a [u8],
    entry_size: NonZeroUsize,
    process: u32,
}

impl<'a> Image<'a> {
    /// `None` if the bytes are not those of a table, or of a later version that this one cannot read.
    ///
    /// ```
    /// use v_alloc::registry::Image;
    /// assert!(Image::new(b"some other file", b"some other file").is_none());
    /// ```
    #[must_use]
    pub fn new(first: &'a [u8], second: &'a [u8]) -> Option<Self> {
        let number = |offset| usize::try_from(u32_at(second, offset)?).ok();
        if second.get(..MAGIC.len())? != MAGIC || number(8)? != VERSION as usize {
            return None;
        }
        let (header_size, entry_size, used) = (number(12)?, number(16)?, word_at(second, 32)?);
        let process = u32_at(second, 24)?;
        let end = entry_size.checked_mul(used)?.checked_add(header_size)?;
        // What has come since the first reading is for the next time.
        let end = end.min(second.len()).min(first.len());
        let (first, second) = (first.get(header_size..end)?, second.get(header_size..end)?);
        let entry_size = NonZeroUsize::new(entry_size).filter(|size| size.get() >= 48 + NAME_BYTES)?;
        Some(Self { first, second, entry_size, process })
    }

    /// The number of the process that writes the table, as it sees itself: in a container, the last one of `NStgid` in
    /// `/proc/PID/status`. A child after `fork` has its parent's file open, too.
    ///
    /// ```
    /// use v_alloc::registry::Image;
    /// fn is_own(image: &Image<'_>, process: u32) -> bool {
    ///     image.process() == process // not one that a parent has left open
    /// }
    /// ```
    #[must_use]
    pub const fn process(&self) -> u32 {
        self.process
    }

    /// What was listed in that process, in no order.
    ///
    /// ```
    /// use v_alloc::registry::Image;
    /// fn committed(image: &Image<'_>) -> usize {
    ///     image.entries().map(|entry| entry.committed).sum()
    /// }
    /// ```
    pub fn entries(&self) -> impl Iterator<Item = Snapshot> + use<'a> {
        let entries = |bytes: &'a [u8]| bytes.chunks_exact(self.entry_size.get());
        entries(self.first).zip(entries(self.second)).filter_map(|(before, now)| {
            let (old, new) = (decode(before)?, decode(now)?);
            let same = before.get(..16)? == now.get(..16)?
                && (old.kind, old.reserved, old.name) == (new.kind, new.reserved, new.name);
            same.then_some(new)
        })
    }
}

fn decode(entry: &[u8]) -> Option<Snapshot> {
    if word_at(entry, 0)? % 2 == 0 {
        return None;
    }
    let committed = word_at(entry, 24)?;
    Some(Snapshot {
        kind: Kind::of_number(u32_at(entry, 40)?)?,
        address: word_at(entry, 8)?,
        reserved: word_at(entry, 16)?,
        committed,
        // The kernel may copy a table that changes in any order.
        peak: word_at(entry, 32)?.max(committed),
        name: entry.get(48..)?.first_chunk().copied()?,
    })
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|&bytes| u32::from_ne_bytes(bytes))
}

/// A number that fits this machine.
fn word_at(bytes: &[u8], offset: usize) -> Option<usize> {
    bytes.get(offset..)?.first_chunk().and_then(|&bytes| u64::from_ne_bytes(bytes).try_into().ok())
}
