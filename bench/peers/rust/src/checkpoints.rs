//! The WAL is copied into the database beside the commits, by a thread with a connection of its own.
//!
//! SQLite syncs the database only with the last page, and the WAL begins anew only if a pass ends while nobody writes.
//! So this thread copies until little is left and syncs that; the writer copies the rest between two commits.
use rusqlite::{Connection, Result};
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{mpsc, Arc};

/// Statuses, each a page of the WAL, after which it is copied: about 32 MiB.
const EVERY: usize = 16_384;
/// Frames that the writer may copy itself.
const REST: i64 = 512;

pub struct Checkpoints {
    since: usize,
    wake: mpsc::SyncSender<()>,
    little_is_left: Arc<AtomicBool>,
}

/// One pass; how many frames are left.
pub fn pass(db: &Connection) -> Result<i64> {
    db.query_row("pragma wal_checkpoint(passive)", [], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?))
}

impl Checkpoints {
    /// `open` gives a connection to the file at `path`.
    pub fn start(path: &str, open: fn(&str) -> Connection) -> Self {
        let (wake, woken) = mpsc::sync_channel(1);
        let little_is_left = Arc::new(AtomicBool::new(false));
        let (tell, path) = (little_is_left.clone(), path.to_owned());
        std::thread::spawn(move || {
            let db = open(&path);
            let file = File::open(&path).unwrap(); // stays open: closing it would drop SQLite's locks
            while woken.recv().is_ok() {
                for _ in 0..8 {
                    if pass(&db).unwrap_or(0) <= REST {
                        break;
                    }
                }
                file.sync_data().unwrap();
                tell.store(true, Ordering::Release);
            }
        });
        Checkpoints { since: 0, wake, little_is_left }
    }

    /// After each commit, on the writer's connection.
    pub fn committed(&mut self, db: &Connection, rows: usize) {
        self.since += rows;
        if self.little_is_left.swap(false, Ordering::AcqRel) {
            let _ = pass(db);
        } else if self.since >= EVERY && self.wake.try_send(()).is_ok() {
            self.since = 0;
        }
    }
}
