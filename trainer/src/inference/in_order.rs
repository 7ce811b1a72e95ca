//! Parallel work on a stream of items, with the results in the items' order.

use std::sync::mpsc::{self, Receiver, RecvError, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};

/// Results that may wait for an earlier one, per thread.
const AHEAD: usize = 16;

/// Calls `work` on each item, on `threads` threads, and `emit` with each result, on this one. The results come in the
/// items' order, each as soon as those before it are there. Only a few items are taken ahead of the output, so that
/// the stream may be endless.
///
/// # Errors
/// Ends with the first error of `emit`, once the stream has returned the item that it is waiting for.
pub(crate) fn map_in_order<T: Send, R: Send>(
    items: impl Iterator<Item = T> + Send,
    threads: usize,
    work: impl Fn(T) -> R + Sync,
    mut emit: impl FnMut(R) -> Result<()>,
) -> Result<()> {
    // Each item has a channel of its own for its result. `pending` holds their receivers in order.
    let (to_workers, tasks) = mpsc::channel::<(T, SyncSender<R>)>();
    let (to_output, pending) = mpsc::sync_channel::<Receiver<R>>(threads * AHEAD);
    let tasks = Mutex::new(tasks);
    thread::scope(|scope| {
        scope.spawn(move || {
            for item in items {
                let (sender, receiver) = mpsc::sync_channel(1);
                // The output has ended if nobody takes the receiver.
                let sent = to_output.send(receiver).is_ok();
                if !sent || to_workers.send((item, sender)).is_err() {
                    return;
                }
            }
        });
        for _ in 0..threads {
            scope.spawn(|| {
                while let Ok((item, sender)) = next(&tasks) {
                    // The output has ended if nobody takes the result.
                    let _ = sender.send(work(item));
                }
            });
        }
        for receiver in pending {
            emit(receiver.recv().context("a thread has panicked")?)?;
        }
        Ok(())
    })
}

/// Waits for the next task. The lock is released before the work on it begins.
fn next<T>(tasks: &Mutex<Receiver<T>>) -> Result<T, RecvError> {
    tasks.lock().unwrap_or_else(PoisonError::into_inner).recv()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failing test should say where

    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use anyhow::bail;

    use super::*;

    #[test]
    fn results_come_in_order_though_later_ones_are_ready_first() {
        let slow_first = |item: u64| {
            thread::sleep(Duration::from_millis(if item == 0 { 50 } else { 0 }));
            item * item
        };
        let mut results = Vec::new();
        map_in_order(0..100, 4, slow_first, |result| {
            results.push(result);
            Ok(())
        })
        .unwrap();
        assert_eq!(results, (0..100).map(|item| item * item).collect::<Vec<_>>());
    }

    #[test]
    fn an_endless_stream_is_read_only_a_little_ahead_of_the_output() {
        let read = AtomicUsize::new(0);
        let endless = std::iter::repeat_with(|| read.fetch_add(1, Ordering::SeqCst));
        let ended = map_in_order(
            endless,
            2,
            |item| item,
            |item| {
                thread::sleep(Duration::from_millis(1));
                if item == 20 { bail!("enough") } else { Ok(()) }
            },
        );
        assert_eq!(ended.unwrap_err().to_string(), "enough");
        let read = read.into_inner();
        assert!((21..=20 + 2 * AHEAD + 8).contains(&read), "{read} items were read");
    }

    #[test]
    fn a_result_does_not_wait_for_the_next_item() {
        let (sender, items) = mpsc::sync_channel::<usize>(1);
        sender.send(0).unwrap();
        let mut sender = Some(sender);
        let mut results = Vec::new();
        // Each item is sent only after the result of the one before.
        let emit = |item: usize| {
            results.push(item);
            match sender.take_if(|_| item == 5) {
                Some(last) => drop(last),
                None => sender.as_ref().unwrap().send(item + 1)?,
            }
            Ok(())
        };
        map_in_order(items.into_iter(), 2, |item| item, emit).unwrap();
        assert_eq!(results, [0, 1, 2, 3, 4, 5]);
    }
}
