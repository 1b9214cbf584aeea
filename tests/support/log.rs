//! What a program wrote to its standard error, line by line.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

use super::soon;

/// The lines so far. Clones see the same.
#[derive(Clone)]
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    count: watch::Receiver<usize>,
}

impl Log {
    /// Reads until the end of the stream.
    pub(crate) fn reading(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let (sender, count) = watch::channel(0);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = Self {
            lines: Arc::clone(&lines),
            count,
        };
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).await.unwrap_or(0) > 0 {
                lines
                    .lock()
                    .unwrap()
                    .push(String::from_utf8_lossy(&line).trim_end().to_owned());
                sender.send_modify(|count| *count += 1);
                line.clear();
            }
        });
        log
    }

    /// Waits for the end of the stream, so that nothing is missing.
    pub(crate) async fn end(&self) {
        let mut count = self.count.clone();
        let end = async { while count.changed().await.is_ok() {} };
        soon("the end of the log", end).await;
    }

    /// How many lines there are: a place from which to wait for the next.
    pub(crate) fn mark(&self) -> usize {
        self.lines.lock().unwrap().len()
    }

    /// All lines, as they were written.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Those from a mark on that are JSON.
    pub(crate) fn since(&self, mark: usize) -> Vec<Value> {
        let lines = self.lines.lock().unwrap();
        lines[mark..]
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The first line from a mark on that is JSON and fits, as soon as it is there.
    pub(crate) async fn wait(&self, mark: usize, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let read = |line: &str| serde_json::from_str(line).ok().filter(&fits);
        self.find(mark, what, read).await
    }

    /// What is read from the first line from a mark on from which it can be read, as soon as that is there.
    pub(crate) async fn find<T>(&self, mark: usize, what: &str, read: impl Fn(&str) -> Option<T>) -> T {
        let mut count = self.count.clone();
        let mut looked = mark;
        let search = async {
            loop {
                count.mark_unchanged();
                let lines = self.lines();
                if let Some(found) = lines[looked..].iter().find_map(|line| read(line)) {
                    return found;
                }
                looked = lines.len();
                let goes_on = count.changed().await.is_ok();
                assert!(
                    goes_on,
                    "the log ended without: {what}\n{}",
                    lines[mark..].join("\n")
                );
            }
        };
        soon(&format!("in the log: {what}"), search).await
    }

    /// The next line with this message.
    pub(crate) async fn message(&self, mark: usize, message: &str) -> Value {
        self.wait(mark, message, |line| line["message"] == message).await
    }
}

/// A field of a line in either format.
pub(crate) fn field(line: &str, name: &str) -> Option<String> {
    if let Ok(Value::Object(fields)) = serde_json::from_str(line) {
        return Some(fields.get(name)?.as_str()?.to_owned());
    }
    let (_, value) = line.split_once(&format!(" {name}="))?;
    Some(value.split(' ').next()?.to_owned())
}
