//! What is measured: latencies, in memory that does not grow, and the resident memory of a process.

use std::time::Duration;

/// Steps of a power of two: a latency is known to 3 %.
const STEPS: usize = 32;

/// How often each latency occurred, and the longest.
pub struct Latencies {
    counts: Vec<u64>,
    longest: Duration,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; 64 * STEPS], longest: Duration::ZERO }
    }
}

impl Latencies {
    pub fn add(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(STEPS as u64);
        let power = nanos.ilog2() - STEPS.ilog2();
        let step = usize::try_from(nanos >> power).unwrap_or_default(); // at least 32 and below 64
        self.counts[power as usize * STEPS + step - STEPS] += 1;
        self.longest = self.longest.max(latency);
    }

    pub fn merge(&mut self, other: &Self) {
        for (count, other) in self.counts.iter_mut().zip(&other.counts) {
            *count += other;
        }
        self.longest = self.longest.max(other.longest);
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The latency that `share` of all do not exceed.
    #[allow(clippy::cast_precision_loss, reason = "a share of a count")]
    pub fn quantile(&self, share: f64) -> Duration {
        let all = self.count();
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen > 0 && seen as f64 >= share * all as f64
        });
        let bucket = bucket.unwrap_or_default();
        // No counted latency is above the end of its bucket.
        let end = Duration::from_nanos(((STEPS + bucket % STEPS + 1) as u64) << (bucket / STEPS));
        end.min(self.longest)
    }
}

/// In KiB; `None` where the system does not tell.
pub fn resident_kib(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
