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
    /// `None` if it is unknown.
    total: Option<usize>,
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
        Self { already_done, total: Some(total), ..Self::open_ended(task) }
    }

    /// Starts reporting work on an unknown number of items.
    pub(crate) fn open_ended(task: &'static str) -> Self {
        let now = Instant::now();
        Self { task, already_done: 0, total: None, started: now, last_line: Mutex::new(now) }
    }

    /// Reports that `done` items are done, if the last line is old enough.
    pub(crate) fn tick(&self, done: usize) {
        let Ok(mut last_line) = self.last_line.try_lock() else { return };
        if last_line.elapsed() >= INTERVAL {
            *last_line = Instant::now();
            let elapsed = self.started.elapsed();
            match self.total {
                Some(total) => {
                    let pace = pace(done, self.already_done, total, elapsed);
                    eprintln!("{}: {pace}", self.task);
                }
                None => eprintln!("{}: {done}, {:.0} per second", self.task, speed(done, elapsed)),
            }
        }
    }

    /// Reports the total, if it is known, the time and the speed.
    pub(crate) fn finish(&self) {
        let Some(total) = self.total else { return };
        let elapsed = self.started.elapsed();
        let speed = speed(total.saturating_sub(self.already_done), elapsed);
        eprintln!("{}: {total} in {elapsed:.1?}, {speed:.0} per second", self.task);
    }
}

/// Returns items per second.
fn speed(done: usize, elapsed: Duration) -> f64 {
    done as f64 / elapsed.as_secs_f64().max(1e-9)
}

/// Formats progress, such as "320/900, 115 per second, 0:05 left".
pub(crate) fn pace(done: usize, already_done: usize, total: usize, elapsed: Duration) -> String {
    let speed = speed(done.saturating_sub(already_done), elapsed);
    let left = (total.saturating_sub(done)) as f64 / speed.max(1e-9);
    format!("{done}/{total}, {speed:.0} per second, {} left", minutes(left))
}

/// Formats seconds as minutes and seconds, such as "12:05".
pub(crate) fn minutes(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
