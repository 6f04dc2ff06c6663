//! What the command line asks for.

pub const USAGE: &str = "\
usage: top PID           the arenas of a process, live; q quits
       top --once PID    one table, all sizes in bytes; the name comes last
       top --demo        a program to look at comes with it
The process must have called v_alloc::registry::publish().
";

pub enum Wish {
    Help,
    Once(u32),
    Live(u32),
    Demo,
    /// To be the program of the demo.
    DemoProgram,
}

/// # Errors
/// What is wrong with the arguments, and how they should be.
pub fn read() -> Result<Wish, String> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let process = |text: &str| match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("not the number of a process: {text:?}\n{USAGE}")),
    };
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--help" | "-h"] => Ok(Wish::Help),
        ["--demo"] => Ok(Wish::Demo),
        ["--demo-program"] => Ok(Wish::DemoProgram),
        ["--once", text] | [text, "--once"] => process(text).map(Wish::Once),
        [text] => process(text).map(Wish::Live),
        _ => Err(format!("which process?\n{USAGE}")),
    }
}
