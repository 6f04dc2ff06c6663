//! A graph of plain references: the sliding puzzle with eight tiles, all 181,440 positions of it, each with references
//! to those one move away. No indices, no `Rc`, no `unsafe`, and cycles everywhere: the arena frees all of it at once.
//!
//! ```text
//! cargo run --release --example graph
//! ```

use std::cell::Cell;
use std::collections::VecDeque;
use std::error::Error;
use std::time::Instant;
use v_alloc::{Arena, StableMap, StableSet, StableVec};

/// Tiles in rows, from the upper left; 0 is the gap.
type Board = [u8; 9];

const SOLVED: Board = [1, 2, 3, 4, 5, 6, 7, 8, 0];

struct Node<'arena> {
    board: Board,
    /// All that is one move away, known when the node was visited.
    neighbours: Cell<&'arena [&'arena Node<'arena>]>,
    /// The next node on the shortest way to the solved puzzle.
    next: Cell<Option<&'arena Node<'arena>>>,
}

/// Makes the graph while walking it, breadth first. The nodes are in the order of their distance from the first.
fn explore(arena: &Arena) -> StableVec<&Node<'_>> {
    let mut known: StableMap<Board, &Node<'_>> = StableMap::new();
    let nodes = StableVec::new();
    let mut discover = |board, next| -> &Node<'_> {
        known.entry(board).or_insert_with(|| {
            let (neighbours, next) = (Cell::new(&[][..]), Cell::new(next));
            let node: &Node<'_> = arena.alloc(Node { board, neighbours, next });
            nodes.push(node);
            node
        })
    };
    discover(SOLVED, None);
    // The list is also the queue of those to be visited: it grows while it is walked.
    let mut visited = 0;
    while let Some(&node) = nodes.get(visited) {
        let neighbours =
            arena.alloc_slice_fill_iter(moves(node.board).map(|board| discover(board, Some(node))));
        node.neighbours.set(neighbours);
        visited += 1;
    }
    nodes
}

/// The boards one move away.
fn moves(board: Board) -> impl Iterator<Item = Board> {
    let gap = board.iter().position(|&tile| tile == 0).unwrap_or_default();
    let (row, column) = (gap / 3, gap % 3);
    let tiles = [
        (row > 0).then(|| gap - 3),
        (row < 2).then_some(gap + 3),
        (column > 0).then(|| gap - 1),
        (column < 2).then_some(gap + 1),
    ];
    tiles.into_iter().flatten().map(move |tile| {
        let mut board = board;
        board.swap(gap, tile);
        board
    })
}

fn way<'arena>(from: &'arena Node<'arena>) -> impl Iterator<Item = &'arena Node<'arena>> {
    std::iter::successors(Some(from), |node| node.next.get())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arena = Arena::new();
    let start = Instant::now();
    let nodes = explore(&arena);
    let edges: usize = nodes.iter().map(|node| node.neighbours.get().len()).sum();
    println!("{} positions and {edges} references between them in {:.0?}", nodes.len(), start.elapsed());
    println!("{:.1} MB in the arena\n", megabytes(arena.used_bytes()));

    let hardest = nodes.last().ok_or("a puzzle has a position")?;
    println!("the hardest is {} moves away:\n", way(hardest).count() - 1);
    print_boards(&way(hardest).collect::<Vec<_>>());

    // Any two are connected through the solved one; the references know a shorter way.
    let corner = nodes.iter().find(|node| node.board == [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let corner = corner.ok_or("half of all boards can be reached, this one too")?;
    let (through, direct) = (way(hardest).count() + way(corner).count() - 2, distance(hardest, corner));
    let direct = direct.ok_or("all positions are connected")?;
    println!(
        "from there to the gap in the first corner: {through} moves by way of the solved puzzle, {direct} at least"
    );
    Ok(())
}

/// Moves from one node to another, found along the references alone.
fn distance<'arena>(from: &'arena Node<'arena>, to: &Node<'_>) -> Option<usize> {
    let mut known = StableSet::new();
    let mut queue = VecDeque::from([(from, 0)]);
    while let Some((node, moves)) = queue.pop_front() {
        if node.board == to.board {
            return Some(moves);
        }
        for &next in node.neighbours.get() {
            if known.insert(next.board) {
                queue.push_back((next, moves + 1));
            }
        }
    }
    None
}

fn print_boards(nodes: &[&Node<'_>]) {
    for nodes in nodes.chunks(11) {
        for row in 0..3 {
            for node in nodes {
                let tile = |tile: &u8| if *tile == 0 { '.' } else { char::from(b'0' + tile) };
                let tiles: String = node.board[row * 3..][..3].iter().map(tile).collect();
                print!("{tiles}   ");
            }
            println!();
        }
        println!();
    }
}

#[allow(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
