//! Methods of arenas, against `bumpalo` and `bump-scope`.

use super::{Method, SHORT, numbers, repeat, repeat_mut};
use crate::loops;
use allocator_api2::boxed::Box as BoxIn;
use allocator_api2::vec::Vec as VecIn;
use bump_scope::BumpVec;
use bump_scope::traits::BumpAllocatorTyped;
use bumpalo::Bump;
use std::alloc::Layout;
use std::fmt::Write;
use std::hint::black_box;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use v_alloc::Arena;

const WORD: &str = "a word";
const LINE: &str =
    "A line of a text, as long as those are that people write for others to read, a hundred bytes of it.";

/// The same in each arena; or in ours and `bumpalo`, and what does so in `bump-scope`; or in each as it is called there.
macro_rules! arenas {
    ($name:literal, |$arena:ident, $call:ident| $same:expr) => {
        arenas!($name, |$arena, $call| $same, $same, $same)
    };
    ($name:literal, |$arena:ident, $call:ident| $two:expr, $bump_scope:expr) => {
        arenas!($name, |$arena, $call| $two, $two, $bump_scope)
    };
    ($name:literal, |$arena:ident, $call:ident| $ours:expr, $bumpalo:expr, $bump_scope:expr) => {
        Method {
            name: $name,
            calls: SHORT,
            contenders: &[
                ("Arena", |calls| repeat(calls, Arena::new(), |$arena, $call| $ours, Arena::reset)),
                ("bumpalo", |calls| repeat(calls, Bump::new(), |$arena, $call| $bumpalo, Bump::reset)),
                ("bump-scope", |calls| {
                    let reset = |arena: &mut bump_scope::Bump| arena.reset();
                    repeat(calls, bump_scope::Bump::new(), |$arena, $call| $bump_scope, reset)
                }),
            ],
        }
    };
}

/// A vector, of whichever kind.
macro_rules! pushed {
    ($vector:expr, $numbers:expr) => {{
        let mut vector = $vector;
        for number in $numbers {
            vector.push(number);
        }
        keep(vector);
    }};
}

pub const METHODS: &[Method] = &[
    arenas!("text of 6 B", |arena, _call| keep(arena.alloc_str(black_box(WORD)))),
    arenas!("text of 99 B", |arena, _call| keep(arena.alloc_str(black_box(LINE)))),
    arenas!(
        "formatted text",
        |arena, call| keep(arena.alloc_fmt(format_args!("{WORD}-{call}"))),
        {
            let mut text = bumpalo::collections::String::new_in(arena);
            let _ = write!(text, "{WORD}-{call}"); // it has room, or aborts
            keep(text.into_bump_str());
        },
        keep(arena.alloc_fmt(format_args!("{WORD}-{call}")))
    ),
    arenas!("copy of 10 numbers", |arena, call| keep(arena.alloc_slice_copy(&[call; 10]))),
    arenas!(
        "slice of 10 from an iterator", // which in bumpalo must know its length
        |arena, call| keep(arena.alloc_slice_fill_iter(numbers::<10>(call))),
        keep(arena.alloc_iter(numbers::<10>(call)))
    ),
    arenas!(
        "slice of 100 from an iterator",
        |arena, call| keep(arena.alloc_slice_fill_iter(numbers::<100>(call))),
        keep(arena.alloc_iter(numbers::<100>(call)))
    ),
    arenas!(
        "slice of what a filter leaves of 10",
        |arena, call| keep(arena.alloc_slice_fill_iter(odd(call))),
        keep(bumpalo::collections::Vec::from_iter_in(odd(call), arena).into_bump_slice()),
        keep(arena.alloc_iter(odd(call)))
    ),
    arenas!(
        "slice of 100 from a function",
        |arena, call| keep(arena.alloc_slice_fill_with(100, |at| call + at as u64)),
        keep(arena.alloc_iter(numbers::<100>(call)))
    ),
    arenas!(
        "slice of 10 equal numbers",
        |arena, call| keep(arena.alloc_slice_fill_copy(10, call)),
        keep(arena.alloc_slice_fill(10, call))
    ),
    arenas!("value of 128 B, made in place", |arena, call| keep(arena.alloc_with(|| [call; 16]))),
    arenas!("value of a function that may fail", |arena, call| {
        if let Ok(value) = arena.alloc_try_with(|| call.checked_add(1).ok_or(())) {
            keep(value);
        }
    }),
    arenas!("u8, u64, u16 and u32", |arena, call| {
        let [byte, other, ..] = call.to_le_bytes();
        keep(arena.alloc(byte));
        keep(arena.alloc(call));
        keep(arena.alloc(u16::from(other)));
        keep(arena.alloc(u32::from(other)));
    }),
    arenas!(
        "Layout of 8 to 71 B, aligned to 8",
        |arena, call| loops::keep(arena.alloc_layout(words(call))),
        loops::keep(arena.allocate_layout(words(call)))
    ),
    arenas!(
        "a Box, dropped",
        |arena, call| keep(&*BoxIn::new_in(call, arena)),
        arena.dealloc({
            let value = arena.alloc(call);
            keep(&*value);
            value
        })
    ),
    arenas!(
        "a Vec of 4 pushed numbers",
        |arena, call| pushed!(VecIn::new_in(arena), numbers::<4>(call)),
        pushed!(BumpVec::new_in(arena), numbers::<4>(call))
    ),
    arenas!(
        "a Vec of 100 pushed numbers",
        |arena, call| pushed!(VecIn::new_in(arena), numbers::<100>(call)),
        pushed!(BumpVec::new_in(arena), numbers::<100>(call))
    ),
    Method {
        name: "a scope of one value",
        calls: SHORT,
        contenders: &[
            ("Arena::scoped", |calls| {
                repeat_mut(calls, Arena::new(), |arena, call| arena.scoped(|scope| keep(scope.alloc(call))))
            }),
            ("Arena::scope", |calls| {
                repeat_mut(calls, Arena::new(), |arena, call| keep(arena.scope().alloc(call)))
            }),
            ("bump-scope", |calls| {
                repeat_mut(calls, <bump_scope::Bump>::new(), |arena, call| {
                    arena.scoped(|scope| keep(scope.alloc(call)));
                })
            }),
        ],
    },
    Method {
        name: "a value and a reset",
        calls: SHORT,
        contenders: &[
            ("Arena", |calls| {
                repeat_mut(calls, Arena::new(), |arena, call| {
                    keep(arena.alloc(call));
                    arena.reset();
                })
            }),
            ("bumpalo", |calls| {
                repeat_mut(calls, Bump::new(), |arena, call| {
                    keep(arena.alloc(call));
                    arena.reset();
                })
            }),
            ("bump-scope", |calls| {
                repeat_mut(calls, <bump_scope::Bump>::new(), |arena, call| {
                    keep(arena.alloc(call));
                    arena.reset();
                })
            }),
        ],
    },
];

/// Which these are the processor has to find out.
fn odd(first: u64) -> impl Iterator<Item = u64> {
    numbers::<10>(first).filter(|number| number % 3 > 0)
}

/// A layout whose size is known only at run time.
fn words(call: u64) -> Layout {
    let [low, ..] = call.to_le_bytes();
    Layout::from_size_align(8 + usize::from(low % 64), 8).unwrap_or(Layout::new::<u64>())
}

/// Keeps what is in memory; it is not dropped.
fn keep<T: ?Sized>(memory: impl Deref<Target = T>) {
    loops::keep(NonNull::from(&**ManuallyDrop::new(memory)));
}
