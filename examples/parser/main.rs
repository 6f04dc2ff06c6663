//! A small language from text to result. The syntax tree lives in an arena, as plain references with cycles; each pass
//! has what is temporary in a scope of a second arena, which takes it back.
//!
//! ```text
//! cargo run --release --example parser -- [FILE]
//! ```
//!
//! Without a file it runs `examples/parser/primes.calc`, which shows all of the language: numbers, `true` and `false`,
//! functions, `let NAME = VALUE; BODY`, `if`, arithmetic, comparisons, `and`, `or`, `not`.

mod evaluate;
mod fold;
mod lexer;
mod parse;
mod problem;
mod resolve;
mod tree;

use problem::Problem;
use std::process::ExitCode;
use std::time::Instant;
use v_alloc::{Arena, Interner};

/// The evaluator calls itself once for each expression that it is in. Addresses cost nothing: what is not used of a
/// stack is not memory either.
const STACK: usize = 512 << 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match &arguments[..] {
        [] => Ok(("examples/parser/primes.calc".to_owned(), include_str!("primes.calc").to_owned())),
        [file] => std::fs::read_to_string(file)
            .map(|text| (file.clone(), text))
            .map_err(|error| format!("cannot read {file}: {error}")),
        _ => Err("usage: parser [FILE]".to_owned()),
    };
    let outcome = outcome.and_then(|(file, text)| {
        let work = move || run(&file, &text).map_err(|problem| problem.report(&file, &text));
        let thread = std::thread::Builder::new().stack_size(STACK).spawn(work);
        let thread = thread.map_err(|error| format!("cannot start a thread: {error}"))?;
        thread.join().unwrap_or_else(|_| Err("the thread panicked".to_owned()))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// All passes, and what they took.
fn run(file: &str, text: &str) -> Result<(), Problem> {
    if u32::try_from(text.len()).is_err() {
        return Err(Problem::new(0, "the text is longer than 4 GiB"));
    }
    println!("{file}, {} bytes\n", text.len());
    println!("pass             time   into the tree   temporary, at once");
    let (names, tree, mut scratch) = (Interner::new(), Arena::new(), Arena::new());

    let pass = Pass::begin(&tree);
    let scope = scratch.scope();
    let program = parse::parse(text, &names, &tree, &scope)?;
    pass.end("parse", scope.peak_bytes());
    drop(scope);

    let pass = Pass::begin(&tree);
    let scope = scratch.scope();
    resolve::resolve(&program, &names, &scope)?;
    pass.end("resolve", scope.used_bytes());
    drop(scope);

    let size = program.size();
    let pass = Pass::begin(&tree);
    let scope = scratch.scope();
    fold::fold(&program, &tree, &scope);
    pass.end("fold", scope.used_bytes());
    drop(scope);

    let pass = Pass::begin(&tree);
    let (value, frames) = evaluate::evaluate(&program, &names, &mut scratch);
    pass.end("evaluate", frames.most);

    println!("\nresult: {}\n", value?);
    println!("tree: {size} expressions, {} after folding; in {} bytes", program.size(), tree.used_bytes());
    println!("names: {} different ones; their letters in {} bytes", names.len(), names.string_bytes());
    println!(
        "scopes: those of {} calls gave back {} bytes; the arena for temporary values never had more than {}",
        frames.calls,
        frames.given_back,
        scratch.peak_bytes()
    );
    let start = Instant::now();
    drop(tree);
    println!("the tree is freed at once: {:.1?}", start.elapsed());
    Ok(())
}

/// Prints what a pass took.
struct Pass<'t> {
    tree: &'t Arena,
    before: usize,
    start: Instant,
}

impl<'t> Pass<'t> {
    fn begin(tree: &'t Arena) -> Self {
        Self { tree, before: tree.used_bytes(), start: Instant::now() }
    }

    /// `temporary` is the most that was in use in the arena for temporary values.
    fn end(self, name: &str, temporary: usize) {
        let time = format!("{:.1?}", self.start.elapsed());
        let in_tree = self.tree.used_bytes() - self.before;
        println!("{name:<10} {time:>10} {in_tree:>13} B {temporary:>18} B");
    }
}
