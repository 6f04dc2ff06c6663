//! What is profiled: a program that parses, sorts, hashes and multiplies, in functions that stay functions.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Works for so long. Stacks of samples begin here.
#[inline(never)]
pub fn run(time: Duration) -> u64 {
    let start = Instant::now();
    let mut sum = 0;
    while start.elapsed() < time {
        sum ^= round(black_box(2_000));
    }
    sum
}

#[inline(never)]
fn round(size: u32) -> u64 {
    let text = expression(size);
    let value = parse::sum(&mut text.bytes().peekable());
    let sorted = sort(numbers(4 * size));
    let product = multiply(&numbers(64 * 64), &numbers(64 * 64));
    value ^ hash(text.as_bytes()) ^ u64::from(sorted[sorted.len() / 2]) ^ product
}

/// `((1+2)*3+(...` and so on.
#[inline(never)]
fn expression(size: u32) -> String {
    numbers(size).iter().fold("1".to_owned(), |text, number| match number % 4 {
        0 => format!("{number}*({text})"),
        _ => text + "+" + &(number % 97).to_string(),
    })
}

/// A parser by recursive descent: its stacks are deep.
mod parse {
    use std::iter::Peekable;
    use std::str::Bytes;

    #[inline(never)]
    pub fn sum(input: &mut Peekable<Bytes<'_>>) -> u64 {
        let mut value = product(input);
        while input.next_if_eq(&b'+').is_some() {
            value = value.wrapping_add(product(input));
        }
        value
    }

    #[inline(never)]
    fn product(input: &mut Peekable<Bytes<'_>>) -> u64 {
        let mut value = atom(input);
        while input.next_if_eq(&b'*').is_some() {
            value = value.wrapping_mul(atom(input));
        }
        value
    }

    #[inline(never)]
    fn atom(input: &mut Peekable<Bytes<'_>>) -> u64 {
        if input.next_if_eq(&b'(').is_some() {
            let value = sum(input);
            input.next();
            return value;
        }
        let mut value = 0_u64;
        while let Some(digit) = input.next_if(u8::is_ascii_digit) {
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        }
        value
    }
}

/// Numbers that look random.
#[inline(never)]
fn numbers(count: u32) -> Vec<u32> {
    (0..count).map(|n| n.wrapping_mul(0x9E37_79B9).rotate_left(n % 31) >> 8).collect()
}

#[inline(never)]
fn sort(mut numbers: Vec<u32>) -> Vec<u32> {
    let len = numbers.len();
    for end in (0..len / 2).rev() {
        sift_down(&mut numbers, end, len);
    }
    for end in (1..len).rev() {
        numbers.swap(0, end);
        sift_down(&mut numbers, 0, end);
    }
    numbers
}

#[inline(never)]
fn sift_down(heap: &mut [u32], mut root: usize, end: usize) {
    while 2 * root + 1 < end {
        let mut child = 2 * root + 1;
        if child + 1 < end && heap[child] < heap[child + 1] {
            child += 1;
        }
        if heap[root] >= heap[child] {
            break;
        }
        heap.swap(root, child);
        root = child;
    }
}

#[inline(never)]
fn hash(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    (0..10).fold(0xcbf2_9ce4_8422_2325, |hash, _| bytes.iter().fold(hash, step))
}

/// Of 64 rows and columns.
#[inline(never)]
fn multiply(left: &[u32], right: &[u32]) -> u64 {
    let entry = |row: usize, column: usize| -> u64 {
        (0..64).map(|k| u64::from(left[64 * row + k]) * u64::from(right[64 * k + column] & 0xFF)).sum()
    };
    (0..64).flat_map(|row| (0..64).map(move |column| (row, column))).fold(0, |sum, (r, c)| sum ^ entry(r, c))
}
