//! What is written, by a thread of its own: a place that nobody reads must not stop whoever has something to say.

use std::cell::Cell;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What may wait to be written, in bytes: some thousand lines, which is a burst and not an outage. As much again is being
/// written at that time.
const MOST_WAITING: usize = 1024 * 1024;

/// How long a place that is full for now (a pipe that somebody else made non-blocking) is left alone.
const PAUSE: Duration = Duration::from_millis(20);

thread_local! {
    static WRITES: Cell<bool> = const { Cell::new(false) };
}

/// Takes lines and never waits; what does not fit is dropped and counted.
#[derive(Debug, Default)]
pub(super) struct Sink {
    queue: Mutex<Queue>,
    filled: Condvar,
    emptied: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    /// Whole lines, one behind the other.
    waiting: Vec<u8>,
    /// Lines that did not fit since it was last told.
    missing: u64,
    /// The thread has nothing to write and sleeps.
    idle: bool,
}

impl Sink {
    /// A sink over `out`. `tell` is called when lines were dropped and it flows again, with their number; what it says into
    /// this sink is never dropped.
    pub(super) fn open(
        out: impl Write + Send + 'static,
        tell: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Arc<Self>> {
        let sink = Arc::new(Self::default());
        let of_thread = Arc::clone(&sink);
        thread::Builder::new().name("log".into()).spawn(move || {
            WRITES.set(true);
            of_thread.write(out, &tell);
        })?;
        Ok(sink)
    }

    /// Takes one line with its end.
    pub(super) fn push(&self, line: &[u8]) {
        let mut queue = self.queue();
        if queue.waiting.len() + line.len() > MOST_WAITING && !WRITES.get() {
            queue.missing += 1;
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queue.waiting.extend_from_slice(line);
        // Waking a thread is a system call, and mostly it is awake.
        if std::mem::take(&mut queue.idle) {
            drop(queue);
            self.filled.notify_one();
        }
    }

    /// How many lines were dropped, since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything is written, at most that long.
    pub(super) fn flush(&self, patience: Duration) {
        let busy = |queue: &mut Queue| !(queue.idle && queue.waiting.is_empty());
        let waited = self.emptied.wait_timeout_while(self.queue(), patience, busy);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn write(&self, mut out: impl Write, tell: &impl Fn(u64)) {
        let mut lines = Vec::new();
        loop {
            let missing = self.next(&mut lines);
            match write_all(&mut out, &lines) {
                // Only once something got through: where nothing does, telling it would be the next thing that does not.
                Ok(()) if missing > 0 => tell(missing),
                Ok(()) => {}
                Err(_) => self.lose(&lines, missing),
            }
            lines.clear();
        }
    }

    /// Waits for lines and puts them in the place of those that were written. How many are missing behind them.
    fn next(&self, lines: &mut Vec<u8>) -> u64 {
        let mut queue = self.queue();
        while queue.waiting.is_empty() {
            queue.idle = true;
            self.emptied.notify_all();
            queue = self.filled.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.idle = false;
        std::mem::swap(&mut queue.waiting, lines);
        std::mem::take(&mut queue.missing)
    }

    /// The disk is full, or whoever read has gone.
    fn lose(&self, lines: &[u8], missing: u64) {
        let lost = memchr::memchr_iter(b'\n', lines).count();
        let lost = u64::try_from(lost).unwrap_or(u64::MAX);
        self.dropped.fetch_add(lost, Ordering::Relaxed);
        self.queue().missing += missing.saturating_add(lost);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Bytes and a number: a panic elsewhere can't leave them half changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_all(out: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(error) => return Err(error),
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A place to write to that takes what it is given as soon as the test lets it.
    struct Gate {
        let_through: Receiver<io::Result<()>>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.let_through
                .recv()
                .unwrap_or_else(|_| Err(ErrorKind::BrokenPipe.into()))?;
            let _ = self.written.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Open {
        sink: Arc<Sink>,
        let_through: Sender<io::Result<()>>,
        written: Receiver<Vec<u8>>,
        told: Receiver<u64>,
    }

    fn open() -> Open {
        let (let_through, gate) = channel();
        let (written, seen) = channel();
        let (tell, told) = channel();
        let out = Gate {
            let_through: gate,
            written,
        };
        let sink = Sink::open(out, move |missing| tell.send(missing).unwrap()).unwrap();
        Open {
            sink,
            let_through,
            written: seen,
            told,
        }
    }

    #[test]
    fn a_place_that_nobody_reads_costs_lines_and_no_time_and_it_is_told_when_it_flows() {
        let open = open();
        let line = [[b'x'; 1023].as_slice(), b"\n"].concat();
        // The first is being written, a MiB waits, the rest is dropped.
        open.sink.push(b"first\n");
        while !open.sink.queue().waiting.is_empty() {
            thread::yield_now();
        }
        for _ in 0..5_000 {
            open.sink.push(&line);
        }
        let dropped = open.sink.dropped();
        assert_eq!(dropped, 5_000 - 1_024);
        assert!(open.sink.queue().waiting.len() <= MOST_WAITING);
        assert!(open.told.try_recv().is_err(), "told while nothing gets through");

        for _ in 0..2 {
            open.let_through.send(Ok(())).unwrap();
        }
        assert_eq!(open.told.recv().unwrap(), dropped);
        let written: Vec<u8> = open.written.try_iter().flatten().collect();
        let lines = u64::try_from(written.split(|byte| *byte == b'\n').count() - 1).unwrap();
        assert_eq!(lines + dropped, 5_001);
    }

    #[test]
    fn what_a_full_disk_took_is_counted_and_told_later_and_never_in_circles() {
        let open = open();
        open.let_through.send(Err(ErrorKind::StorageFull.into())).unwrap();
        open.sink.push(b"lost\n");
        open.sink.flush(Duration::from_secs(10));
        assert_eq!(open.sink.dropped(), 1);
        assert!(open.told.try_recv().is_err());
        open.let_through.send(Ok(())).unwrap();
        open.sink.push(b"kept\n");
        assert_eq!(open.told.recv().unwrap(), 1);
        assert_eq!(open.written.recv().unwrap(), b"kept\n");
    }

    #[test]
    fn a_flush_waits_for_what_can_be_written_and_not_for_ever() {
        let open = open();
        open.sink.push(b"one\n");
        open.sink.flush(Duration::from_millis(10));
        assert!(open.written.try_recv().is_err());
        open.let_through.send(Ok(())).unwrap();
        open.sink.flush(Duration::from_secs(10));
        assert_eq!(open.written.try_recv().unwrap(), b"one\n");
    }
}
