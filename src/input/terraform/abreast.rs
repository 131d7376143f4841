//! Work on many things at once, on threads of our own: what is nested deep takes more stack than others have. Must not know
//! what the work is.

use std::io;
use std::sync::mpsc::{Receiver, sync_channel};

/// Stack for nested expressions, modules and values; what is nested deeper than the limits is refused before.
const STACK: usize = 256 << 20;

/// How many results a thread may be ahead of what was taken.
const AHEAD: usize = 16;

/// Runs something with a deep stack.
pub fn in_own_thread<T: Send>(run: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let handle = own().spawn_scoped(scope, run)?;
        handle
            .join()
            .map_err(|_| io::Error::other("the evaluation ended abruptly"))
    })
}

/// Works on each thing, several at a time, and takes the results in the order of the things. Fewer than `least` things are
/// not worth a thread. Called with a deep stack, as a thread that cannot be had leaves its share to this one.
pub fn in_order<I: Sync, O: Send>(items: &[I], least: usize, work: impl Fn(&I) -> O + Sync, mut take: impl FnMut(O)) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(items.len() / least.max(1));
    if threads < 2 {
        return items.iter().map(work).for_each(take);
    }
    std::thread::scope(|scope| {
        let work = &work;
        let lane = |first: usize| -> Option<Receiver<O>> {
            let (give, got) = sync_channel(AHEAD);
            let run = move || {
                let share = items.iter().skip(first).step_by(threads);
                // Nobody receives any more where another thread ended abruptly.
                let _ = share.map(work).try_for_each(|result| give.send(result));
            };
            own().spawn_scoped(scope, run).ok().map(|_| got)
        };
        let lanes: Vec<_> = (0..threads).map(lane).collect();
        for (item, lane) in items.iter().zip(lanes.iter().cycle()) {
            match lane.as_ref().map(Receiver::recv) {
                Some(Ok(result)) => take(result),
                // The scope ends as the thread did.
                Some(Err(_)) => return,
                None => take(work(item)),
            }
        }
    });
}

fn own() -> std::thread::Builder {
    std::thread::Builder::new().stack_size(STACK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        let items: Vec<u32> = (0..1_000).collect();
        for least in [1, 16, 10_000] {
            let mut taken = Vec::new();
            in_order(&items, least, |item| item * 2, |result| taken.push(result));
            assert!(taken.iter().copied().eq((0..1_000).map(|item| item * 2)), "{least}");
        }
    }

    #[test]
    fn an_abrupt_end_is_told() {
        let items: Vec<u32> = (0..100).collect();
        let work = |item: &u32| assert_ne!(*item, 37, "on purpose");
        let ended = in_own_thread(|| in_order(&items, 1, work, |()| {}));
        assert!(ended.is_err());
    }
}
