//! Progress of long work as lines on standard error.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Shortest time between two lines.
pub(crate) const INTERVAL: Duration = Duration::from_secs(5);

/// Reports the progress of work on `total` items, such as posters or megabytes. Any thread may call it.
pub(crate) struct Ticker {
    task: &'static str,
    /// Items done before this process started.
    already_done: usize,
    total: usize,
    started: Instant,
    last_line: Mutex<Instant>,
}

impl Ticker {
    /// Starts reporting. `task` begins each line.
    pub(crate) fn new(task: &'static str, total: usize) -> Self {
        Self::resumed(task, 0, total)
    }

    /// Starts reporting work of which `already_done` items are done. They do not count towards the speed.
    pub(crate) fn resumed(task: &'static str, already_done: usize, total: usize) -> Self {
        let now = Instant::now();
        Self { task, already_done, total, started: now, last_line: Mutex::new(now) }
    }

    /// Reports that `done` items are done, if the last line is old enough.
    pub(crate) fn tick(&self, done: usize) {
        let Ok(mut last_line) = self.last_line.try_lock() else { return };
        if last_line.elapsed() >= INTERVAL {
            *last_line = Instant::now();
            let pace = pace(done, self.already_done, self.total, self.started.elapsed());
            eprintln!("{}: {pace}", self.task);
        }
    }

    /// Reports the total, the time and the speed.
    pub(crate) fn finish(&self) {
        let elapsed = self.started.elapsed();
        let done = (self.total - self.already_done.min(self.total)) as f64;
        let speed = done / elapsed.as_secs_f64();
        eprintln!("{}: {} in {elapsed:.1?}, {speed:.0} per second", self.task, self.total);
    }
}

/// Formats progress, such as "320/900, 115 per second, 0:05 left".
pub(crate) fn pace(done: usize, already_done: usize, total: usize, elapsed: Duration) -> String {
    let speed = done.saturating_sub(already_done) as f64 / elapsed.as_secs_f64().max(1e-9);
    let left = (total.saturating_sub(done)) as f64 / speed.max(1e-9);
    format!("{done}/{total}, {speed:.0} per second, {} left", minutes(left))
}

/// Formats seconds as minutes and seconds, such as "12:05".
pub(crate) fn minutes(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
