//! Sizes for people.

/// Three digits and a unit, at most eight characters. What is nothing is a dash, so that the eye finds what is not.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes == 0 {
        return "-".into();
    }
    let mut value = figure(bytes) / 1024.0;
    let mut unit = 0;
    // What would be rounded to 1024 is one of the next unit.
    while value >= 1023.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let decimals = match value {
        _ if value.fract() == 0.0 && unit == 0 => 0,
        _ if value < 9.995 => 2,
        _ if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {}", UNITS[unit])
}

#[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
fn figure(bytes: u64) -> f64 {
    bytes as f64
}

/// A line of the values, each a bar that is as high as its part of the greatest, or of what the greatest should be.
pub fn sparkline(values: impl Iterator<Item = u64> + Clone, greatest: u64) -> String {
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let greatest = u128::from(values.clone().max().unwrap_or(0).max(greatest).max(1));
    let height = |value| usize::try_from((u128::from(value) * 8).div_ceil(greatest)).unwrap_or(0);
    values.map(|value: u64| BARS[height(value).min(8)]).collect()
}
