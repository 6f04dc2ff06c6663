//! Those that hold values of one type: one of them for each type of a data structure, and one for its texts. They have
//! no blocks.

use super::Contender;
use std::alloc::Layout;
use std::any::Any;
use std::cell::UnsafeCell;
use std::ptr::NonNull;
use typed_arena::Arena;

/// Holds values of one type, which never move.
trait Store<T> {
    fn put(&self, value: T) -> NonNull<T>;

    fn put_all(&self, values: &[T]) -> NonNull<[T]>
    where
        T: Copy;
}

impl<T> Store<T> for Arena<T> {
    #[inline(always)]
    fn put(&self, value: T) -> NonNull<T> {
        NonNull::from(self.alloc(value))
    }

    #[inline(always)]
    fn put_all(&self, values: &[T]) -> NonNull<[T]>
    where
        T: Copy,
    {
        NonNull::from(self.alloc_extend(values.iter().copied()))
    }
}

/// `virtual-buffer`'s vector, which commits more of its range when it grows.
pub struct VirtualVec<T>(UnsafeCell<virtual_buffer::vec::Vec<T>>);

/// Addresses that each reserves, in bytes.
const RANGE: usize = 16 << 30;

impl<T> Default for VirtualVec<T> {
    fn default() -> Self {
        Self(UnsafeCell::new(virtual_buffer::vec::Vec::new(RANGE / size_of::<T>())))
    }
}

impl<T> Store<T> for VirtualVec<T> {
    #[inline(always)]
    fn put(&self, value: T) -> NonNull<T> {
        // SAFETY: this thread alone has it, and no method keeps a reference to it.
        let values = unsafe { &mut *self.0.get() };
        let index = values.len();
        values.push(value);
        // SAFETY: the vector has the element, and does not lie at null.
        unsafe { NonNull::new_unchecked(values.as_mut_ptr().add(index)) }
    }

    #[inline(always)]
    fn put_all(&self, values: &[T]) -> NonNull<[T]>
    where
        T: Copy,
    {
        // SAFETY: as in `put`.
        let all = unsafe { &mut *self.0.get() };
        let index = all.len();
        all.extend(values);
        // SAFETY: as in `put`.
        let first = unsafe { NonNull::new_unchecked(all.as_mut_ptr().add(index)) };
        NonNull::slice_from_raw_parts(first, values.len())
    }
}

/// Values of the types `A` and `B`, and texts.
macro_rules! stores {
    ($(#[$documentation:meta])* $name:ident, $store:ident) => {
        $(#[$documentation])*
        pub struct $name<A, B> {
            first: $store<A>,
            second: $store<B>,
            texts: $store<u8>,
        }

        impl<A: 'static, B: 'static> $name<A, B> {
            pub fn new() -> Self {
                Self { first: Default::default(), second: Default::default(), texts: Default::default() }
            }

            /// The one that holds values of this type: the compiler knows which.
            #[inline(always)]
            fn of<T: 'static>(&self) -> Option<&$store<T>> {
                let stores: [&dyn Any; 3] = [&self.first, &self.second, &self.texts];
                stores.into_iter().find_map(|store| store.downcast_ref())
            }
        }

        impl<A: 'static, B: 'static> Contender for $name<A, B> {
            fn block(&self, _: Layout) -> Option<NonNull<u8>> {
                None
            }

            #[inline(always)]
            fn value<T: 'static>(&self, value: T) -> Option<NonNull<T>> {
                Some(self.of()?.put(value))
            }

            #[inline(always)]
            fn slice<T: Copy + 'static>(&self, values: &[T]) -> Option<NonNull<[T]>> {
                Some(self.of()?.put_all(values))
            }
        }
    };
}

stores! {
    /// `typed-arena`'s.
    TypedArenas, Arena
}
stores! {
    /// `virtual-buffer`'s.
    VirtualVecs, VirtualVec
}
