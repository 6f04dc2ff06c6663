//! Nor are arenas over memory that threads could share.
use v_alloc::{BufferArena, ChainAllocator, Global, LinearAllocator, VirtualAllocator};

fn shared_between_threads<T: Sync>() {}

fn main() {
    shared_between_threads::<ChainAllocator<Global>>();
    shared_between_threads::<LinearAllocator<VirtualAllocator>>();
    shared_between_threads::<BufferArena<'static>>();
}
