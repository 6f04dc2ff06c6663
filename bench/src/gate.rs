//! Instruction counts as a gate: `gate` counts the loops of v_alloc's own and compares them with a table in the
//! repository, `gate --update` writes the table. Counts are the compilers' too, so the table says which they were.

use crate::Result;
use crate::groups::{c, instructions};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Counts are rounded to a tenth, and what is rounded may differ by one.
const ROUNDING: f64 = 0.15;

const ABOUT: &str = "\
# Instructions per operation of v_alloc's loops, as callgrind counts them. To compare, and to write it anew:
#   cargo run --release -p v_alloc-bench -- gate
#   cargo run --release -p v_alloc-bench -- gate --update
";
const COMPILERS: &str = "# compilers: ";

type Counts = Vec<(String, f64)>;

/// Fails if a count grew.
pub fn check() -> Result<()> {
    let path = path();
    let table =
        fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let (compilers, recorded) = read(&table)?;
    let (now, counts) = (compiler_names()?, count()?);
    let differences = compare(&recorded, &counts);
    for difference in &differences {
        println!("{}", difference.text);
    }
    if compilers != now {
        println!("counted with {now}, but the table is of {compilers}: a difference may be the compilers'");
    }
    if differences.iter().any(|difference| difference.fails) {
        return Err(
            "instruction counts do not fit bench/instructions.txt; where they should not, `gate --update`"
                .into(),
        );
    }
    println!("{} instruction counts, none has grown", counts.len());
    Ok(())
}

/// Writes the table.
pub fn update() -> Result<()> {
    let mut table = format!("{ABOUT}{COMPILERS}{}\n", compiler_names()?);
    for (name, count) in count()? {
        let _ = writeln!(table, "{count:>6.1}  {name}");
    }
    Ok(fs::write(path(), table)?)
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
}

fn count() -> Result<Counts> {
    let mut counts = instructions::counts(|counted| counted.ours)?;
    counts.extend(c::counts()?);
    Ok(counts)
}

fn compiler_names() -> Result<String> {
    let version = |program: &str| {
        let output = Command::new(program).arg("--version").output();
        let output = output.map_err(|error| format!("cannot run {program}: {error}"))?;
        Ok::<_, String>(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or("").to_owned())
    };
    Ok(format!("{}; {}", version("rustc")?, version("cc")?))
}

/// The compilers, and the counts.
fn read(table: &str) -> Result<(&str, Counts)> {
    let compilers =
        table.lines().find_map(|line| line.strip_prefix(COMPILERS)).unwrap_or("unknown compilers");
    let counts = table.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let (count, name) = line.trim().split_once("  ").ok_or_else(|| format!("not a count: {line}"))?;
        Ok((name.to_owned(), count.parse()?))
    });
    Ok((compilers, counts.collect::<Result<_>>()?))
}

#[derive(Debug, PartialEq)]
struct Difference {
    text: String,
    fails: bool,
}

/// What grew, and what is missing on either side, fails; what shrank is only said.
fn compare(recorded: &Counts, counted: &Counts) -> Vec<Difference> {
    let of = |counts: &Counts, name: &str| counts.iter().find(|known| known.0 == name).map(|known| known.1);
    let mut differences = Vec::new();
    for (name, old) in recorded {
        let (text, fails) = match of(counted, name) {
            None => (format!("{name}: {old:.1} in the table, no longer counted"), true),
            Some(new) if new > old + ROUNDING => (format!("{name}: grew from {old:.1} to {new:.1}"), true),
            Some(new) if new < old - ROUNDING => (format!("{name}: shrank from {old:.1} to {new:.1}"), false),
            Some(_) => continue,
        };
        differences.push(Difference { text, fails });
    }
    for (name, new) in counted {
        if of(recorded, name).is_none() {
            differences.push(Difference { text: format!("{name}: {new:.1}, not in the table"), fails: true });
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_grew_fails_with_its_name_and_both_counts() {
        let (compilers, recorded) = read("# x\n# compilers: r 1; c 2\n  11.0  a, b\n   9.0  c\n").unwrap();
        assert_eq!(compilers, "r 1; c 2");
        let compare = |counts: &[(&str, f64)]| {
            let counts = counts.iter().map(|&(name, count)| (name.to_owned(), count)).collect();
            let differences = compare(&recorded, &counts).into_iter();
            differences.map(|difference| (difference.text, difference.fails)).collect::<Vec<_>>()
        };
        assert_eq!(compare(&[("a, b", 11.1), ("c", 9.0)]), []);
        assert_eq!(compare(&[("a, b", 12.0), ("c", 9.0)]), [("a, b: grew from 11.0 to 12.0".into(), true)]);
        assert_eq!(compare(&[("a, b", 11.0), ("c", 8.0)]), [("c: shrank from 9.0 to 8.0".into(), false)]);
        let [gone, new] = &compare(&[("a, b", 11.0), ("d", 1.0)])[..] else { panic!("two differ") };
        assert!(gone.1 && gone.0.starts_with("c:") && new.1 && new.0.starts_with("d:"));
    }
}
