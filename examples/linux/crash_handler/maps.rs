//! The memory map of the process, read into an arena with plain system calls.

use std::ops::Range;
use std::ptr::with_exposed_provenance;
use std::str;
use v_alloc::SyncArena;

/// `/proc/self/maps`, as far as there was room.
pub struct Maps<'a> {
    pub text: &'a [u8],
    mappings: &'a [Mapping],
}

struct Mapping {
    range: Range<usize>,
    /// As `rwxp`, with a `-` for what is not allowed.
    rights: [u8; 4],
}

/// Larger maps are cut off.
const ROOM: usize = 256 << 10;

impl<'a> Maps<'a> {
    pub fn read(arena: &'a SyncArena) -> Option<Self> {
        let text = read_to(arena.try_alloc_slice_zeroed(ROOM).ok()?);
        let mappings = text.split(|&byte| byte == b'\n').filter_map(parse);
        Some(Self { text, mappings: arena.try_alloc_slice_fill_iter(mappings).ok()? })
    }

    fn find(&self, address: usize) -> Option<&Mapping> {
        self.mappings.iter().find(|mapping| mapping.range.contains(&address))
    }

    /// From an address to the end of its mapping, if it can be read and written: whole words.
    pub fn writable_from(&self, address: usize) -> Option<Range<usize>> {
        let mapping = self.find(address).filter(|mapping| mapping.rights.starts_with(b"rw"))?;
        Some(address.next_multiple_of(size_of::<usize>())..mapping.range.end)
    }

    /// The eight bytes before an address in code that can be read.
    pub fn code_before(&self, address: usize) -> Option<[u8; 8]> {
        let start = address.checked_sub(8)?;
        let mapping = self.find(start).filter(|mapping| mapping.rights.starts_with(b"r-x"))?;
        // SAFETY: the bytes lie in the mapping, can be read, and are not written.
        (address <= mapping.range.end).then(|| unsafe { with_exposed_provenance::<[u8; 8]>(start).read() })
    }
}

fn read_to(buffer: &mut [u8]) -> &[u8] {
    let mut len = 0;
    // SAFETY: the path ends with a zero, and the bytes are those of the rest of the buffer.
    unsafe {
        let file = libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
            match usize::try_from(libc::read(file, rest.as_mut_ptr().cast(), rest.len())) {
                Ok(0) | Err(_) => break,
                Ok(read) => len += read,
            }
        }
        libc::close(file);
    }
    buffer.get(..len).unwrap_or_default()
}

/// A line is `start-end rights ...`, the numbers in hexadecimal digits.
fn parse(line: &[u8]) -> Option<Mapping> {
    let mut words = line.split(|&byte| byte == b' ');
    let (start, end) = str::from_utf8(words.next()?).ok()?.split_once('-')?;
    let number = |digits| usize::from_str_radix(digits, 16).ok();
    Some(Mapping { range: number(start)?..number(end)?, rights: words.next()?.try_into().ok()? })
}
