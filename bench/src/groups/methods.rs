//! The methods that programs call most, each against the same one of its peers: in memory that is warm, and taken back after a
//! hundred calls. Time is taken in A/B rounds of one process; the same loops are counted in instructions, and the gate watches
//! those of ours.
//!
//! Lengths and closures are known when a loop is compiled, as they are in a program: what a compiler makes of that is a part
//! of the comparison.

use super::instructions::Counted;
use super::{Group, no_such_case};
use crate::interleave::{self, Case};
use crate::table::Row;
use crate::{Effort, Result, clock, loops};
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
use v_alloc::{Arena, StableVec};

pub const GROUP: Group =
    Group { name: "methods", title: "methods: ns per call", measure, run_case: no_such_case };

/// Calls a method so often.
type Calls = fn(u64);

/// A method, and who has it; the first is ours.
struct Method {
    name: &'static str,
    contenders: &'static [(&'static str, Calls)],
}

/// Calls that are timed at once.
const CALLS: u32 = 20_000;
const COUNTED: [u32; 2] = [1_000, 2_000];
/// Calls before memory is taken back.
const TOGETHER: u64 = 100;

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
            contenders: &[
                ("Arena", |calls| repeat(calls, Arena::new(), |$arena, $call| $ours, Arena::reset)),
                ("bumpalo", |calls| repeat(calls, Bump::new(), |$arena, $call| $bumpalo, Bump::reset)),
                ("bump-scope", |calls| {
                    let reset = |arena: &mut bump_scope::Bump| arena.reset();
                    repeat(calls, bump_scope::Bump::new(), |$arena, $call| $bump_scope, reset);
                }),
            ],
        }
    };
}

/// The same with both vectors, of a thousand numbers.
macro_rules! vectors {
    ($name:literal, |$vector:ident, $call:ident| $same:expr) => {
        Method {
            name: $name,
            contenders: &[
                ("StableVec", |calls| {
                    repeat_mut::<StableVec<u64>>(calls, numbers::<1000>(0).collect(), |$vector, $call| $same);
                }),
                ("Vec", |calls| {
                    repeat_mut::<Vec<u64>>(calls, numbers::<1000>(0).collect(), |$vector, $call| $same);
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

const METHODS: &[Method] = &[
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
        contenders: &[
            ("Arena::scoped", |calls| {
                repeat_mut(calls, Arena::new(), |arena, call| arena.scoped(|scope| keep(scope.alloc(call))));
            }),
            ("Arena::scope", |calls| {
                repeat_mut(calls, Arena::new(), |arena, call| keep(arena.scope().alloc(call)));
            }),
            ("bump-scope", |calls| {
                repeat_mut(calls, <bump_scope::Bump>::new(), |arena, call| {
                    arena.scoped(|scope| keep(scope.alloc(call)));
                });
            }),
        ],
    },
    Method {
        name: "a value and a reset",
        contenders: &[
            ("Arena", |calls| {
                repeat_mut(calls, Arena::new(), |arena, call| {
                    keep(arena.alloc(call));
                    arena.reset();
                });
            }),
            ("bumpalo", |calls| {
                repeat_mut(calls, Bump::new(), |arena, call| {
                    keep(arena.alloc(call));
                    arena.reset();
                });
            }),
            ("bump-scope", |calls| {
                repeat_mut(calls, <bump_scope::Bump>::new(), |arena, call| {
                    keep(arena.alloc(call));
                    arena.reset();
                });
            }),
        ],
    },
    vectors!("1000: extend by 10, truncate", |vector, call| {
        vector.extend(numbers::<10>(call));
        vector.truncate(1000);
    }),
    vectors!("1000: extend by a chain of 10, truncate", |vector, call| {
        vector.extend(numbers::<5>(call).chain(numbers::<5>(call)));
        vector.truncate(1000);
    }),
    vectors!("1000: extend_from_slice of 10, truncate", |vector, call| {
        vector.extend_from_slice(&[call; 10]);
        vector.truncate(1000);
    }),
    vectors!("1000: push, pop", |vector, call| {
        vector.push(call);
        black_box(vector.pop());
    }),
    vectors!("1000: insert in front, remove", |vector, call| {
        vector.insert(0, call);
        black_box(vector.remove(0));
    }),
    vectors!("1000: swap_remove, push", |vector, call| {
        let removed = vector.swap_remove(500);
        vector.push(removed ^ call);
    }),
    vectors!("1000: retain all", |vector, call| vector.retain(|number| *number != call + 1_000_000)),
    vectors!("1000: drain 10 in front, extend by as many", |vector, call| {
        black_box(vector.drain(..10).sum::<u64>());
        vector.extend(numbers::<10>(call));
    }),
    vectors!("1000: sum", |vector, _call| _ = black_box(vector.iter().sum::<u64>())),
    vectors!("1000: clone", |vector, _call| drop(black_box(vector.clone()))),
    vectors!("1000: resize to 1100 and back", |vector, call| {
        vector.resize(1100, call);
        vector.truncate(1000);
    }),
    vectors!("1000: dedup", |vector, _call| vector.dedup()),
];

/// For instruction counts. Not those of vectors: valgrind has no addresses for what they share.
pub fn counted() -> impl Iterator<Item = Counted> {
    let of_arenas = METHODS.iter().filter(|method| method.contenders[0].0.starts_with("Arena"));
    of_arenas.flat_map(|&Method { name, contenders }| {
        let counted = move |&(contender, calls): &(&str, Calls)| {
            let ours = contender.starts_with("Arena");
            Counted::of(&(&format!("{name}, {contender}"), ours, calls), COUNTED)
        };
        contenders.iter().map(counted)
    })
}

fn measure(effort: Effort) -> Result<Vec<Row>> {
    let rounds = match effort {
        Effort::Quick => 21,
        Effort::Full => 101,
    };
    let mut rows = Vec::new();
    for Method { name, contenders } in METHODS {
        eprintln!("methods: {name}, {rounds} rounds");
        let case = |&(contender, calls): &(&'static str, Calls)| {
            let measure = move || Ok(clock::nanoseconds(|| calls(CALLS.into())).0 / f64::from(CALLS));
            Case { name: contender, measure: Box::new(measure) }
        };
        let measured = interleave::run(&contenders.iter().map(case).collect::<Vec<_>>(), rounds, |_| ())?;
        let ours = contenders[0].0;
        for contender in measured.names() {
            let row =
                Row::new(format!("{name}, {contender}"), format!("{:.2}", measured.of(contender)?.median));
            rows.push(if contender == ours { row } else { row.ratio(measured.ratio(ours, contender)?) });
        }
    }
    Ok(rows)
}

/// Calls a method of an arena so often, and takes memory back in between.
fn repeat<A>(calls: u64, mut arena: A, call: impl Fn(&A, u64), reset: impl Fn(&mut A)) {
    for batch in 0..calls / TOGETHER {
        together(&arena, batch, &call);
        reset(&mut arena);
    }
}

/// The arena is behind a pointer, as in a program.
#[inline(never)]
fn together<A>(arena: &A, batch: u64, call: impl Fn(&A, u64)) {
    for number in 0..TOGETHER {
        call(arena, batch + number);
    }
}

/// Calls a method so often that leaves as much as there was.
#[inline(never)]
fn repeat_mut<A>(calls: u64, mut subject: A, call: impl Fn(&mut A, u64)) {
    for number in 0..calls {
        call(&mut subject, number);
    }
}

fn numbers<const COUNT: usize>(first: u64) -> impl ExactSizeIterator<Item = u64> + DoubleEndedIterator {
    (0..COUNT).map(move |number| first + number as u64)
}

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
