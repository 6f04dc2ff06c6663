//! The table as a file that programs can read: a line for each row, with tabs between its group and its cells. Charts
//! are drawn from it, in the same run or later. A run replaces the rows of the groups that it measured.

use crate::Result;
use crate::table::Row;
use std::fs;
use std::path::Path;

const HEAD: [&str; 6] = ["group", "case", "measured", "v_alloc / this", "target", "verdict"];

/// Lines of six cells each, without the head.
#[derive(Default)]
pub struct Results {
    lines: Vec<[String; 6]>,
}

impl Results {
    /// Those of the file; none if there is no file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = if path.exists() { fs::read_to_string(path)? } else { String::new() };
        let line = |line: &str| {
            let cells: Vec<_> = line.split('\t').map(str::to_owned).collect();
            cells.try_into().map_err(|_| format!("not a row of the table: {line}").into())
        };
        Ok(Self { lines: text.lines().skip(1).map(line).collect::<Result<_>>()? })
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let lines = self.lines.iter().map(|line| line.join("\t"));
        let lines: Vec<_> = std::iter::once(HEAD.join("\t")).chain(lines).collect();
        Ok(fs::write(path, lines.join("\n") + "\n")?)
    }

    /// Puts the rows of a group in the place of its former.
    pub fn replace(&mut self, group: &str, rows: &[Row]) {
        let place = self.lines.iter().position(|line| line[0] == group).unwrap_or(self.lines.len());
        self.lines.retain(|line| line[0] != group);
        let new = rows.iter().map(|row| {
            let [case, measured, ratio, target, verdict] = row.cells();
            [group.to_owned(), case, measured, ratio, target, verdict]
        });
        self.lines.splice(place..place, new);
    }

    /// What was measured for a case, as a number.
    pub fn number(&self, group: &str, case: &str) -> Option<f64> {
        self.line(group, case)?[2].parse().ok()
    }

    /// What was measured for a case, with its unit.
    pub fn text(&self, group: &str, case: &str) -> Option<&str> {
        Some(&self.line(group, case)?[2])
    }

    fn line(&self, group: &str, case: &str) -> Option<&[String; 6]> {
        self.lines.iter().find(|line| line[0] == group && line[1] == case)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_take_the_place_of_former_ones_of_their_group() {
        let row =
            |case: &str, measured: f64| Row::new(case, measured.to_string()).at_most(measured, &[("", 2.0)]);
        let mut results = Results::default();
        results.replace("a", &[row("x, y", 1.0), row("z", 2.0)]);
        results.replace("b", &[row("z", 3.0)]);
        results.replace("a", &[row("x, y", 4.0)]);
        let path = std::env::temp_dir().join(format!("v_alloc-bench-results-{}", std::process::id()));
        results.write(&path).unwrap();
        let read = Results::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(read.lines.iter().map(|line| &*line[0]).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(read.lines[0][1..], ["x, y", "4", "", "<= 2", "MISSED"]);
        assert_eq!((read.number("b", "z"), read.number("a", "z")), (Some(3.0), None));
    }
}
